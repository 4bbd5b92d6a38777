// Lines, areas, stacks or bars over time, with bands around them and marks of what happened.

import {ColumnError, isNumeric, named as columnNamed, pick, textOf, timeOf} from '../columns.js';
import {tickText, ticks} from '../zones.js';
import {timeAxis, valueAxis} from './axes.js';

const kLinesMax = 20;       // more are not told apart; the table has them
const kGap = 3;             // medians of the distances: longer without a point is a gap, not a line
const kMarksMax = 50;

export const timeSeries = {height: 7, chart, parts: ['annotations'], key: ['time', 'series'], zoom: true};

// {lines: [{name, points: [[ms, value]]}], more, period, newest}: the lines, with the largest latest values where there are too many.
export function linesOf(spec, main) {
  const lines = new Map();
  const add = (name, at, value) => {
    if (!lines.has(name)) lines.set(name, []);
    lines.get(name).push([at, value]);
  };
  const places = placesOf(spec, main);
  const times = [];
  for (const row of main.rows) {
    const at = timeOf(row[places.time]);
    if (!Number.isFinite(at)) continue;
    times.push(at);
    for (const [name, place] of places.values) {
      const line = places.series === -1 ? name : textOf(row[places.series]);
      add(places.series === -1 || places.values.length === 1 ? line : `${line}, ${name}`, at, row[place]);
    }
  }
  const distinct = [...new Set(times)].sort((a, b) => a - b);
  const all = [...lines].map(([name, points]) => ({name, points: points.sort((a, b) => a[0] - b[0])}));
  const kept = all.length <= kLinesMax ? all : [...all].sort((a, b) => latest(b) - latest(a)).slice(0, kLinesMax);
  if (places.series !== -1) kept.sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true}));
  return {lines: kept, more: all.length - kept.length, period: medianDistance(distinct), newest: distinct.at(-1) ?? null, times: distinct, place: places.time};
}

const latest = ({points}) => points.at(-1)?.[1] ?? -Infinity;

function placesOf(spec, main) {
  // With values that are named a text is a series only where it is named, too.
  const {time, series} = pick({time: spec.time, series: spec.series}, main, {time: 'time', series: ['text', spec.values ? 'named' : 'optional']});
  if (spec.values) return {time, series, values: spec.values.map((name) => [name, columnNamed(main.columns, name, 'values')])};
  const bands = new Set((spec.bands ?? []).flatMap(({lower, upper}) => [lower, upper]));
  const values = main.columns.map((name, c) => [name, c]).filter(([name, c]) => c !== time && c !== series && !bands.has(name) && isNumeric(main.rows, c));
  if (values.length === 0 && main.rows.length > 0) throw new ColumnError(`The query has no column of numbers for the lines. It has: ${main.columns.join(', ')}`);
  return {time, series, values};
}

function medianDistance(times) {
  const distances = times.slice(1).map((at, i) => at - times[i]).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? null;
}

// A time without a point where others have one is nothing of a stack, and a gap of a line.
function withGaps(points, period) {
  if (!period) return points;
  const out = [];
  for (const point of points) {
    const before = out.at(-1);
    if (before && point[0] - before[0] > kGap * period) out.push([before[0] + period, null]);
    out.push(point);
  }
  return out;
}

function aligned(points, times, period) {
  const known = new Map(points);
  return withGaps(times.map((at) => [at, known.get(at) ?? 0]), period);
}

// Times of points between two gaps. They are dots: a line has nothing to draw of them.
function lonelyOf(points) {
  const isGap = (point) => (point?.[1] ?? null) === null;
  return new Set(points.filter((point, i) => !isGap(point) && isGap(points[i - 1]) && isGap(points[i + 1])).map(([at]) => at));
}

function chart(spec, {main, annotations}, context) {
  const {lines, more, period, newest, times, place} = linesOf(spec, main);
  const style = spec.style ?? 'line', stacked = style === 'stacked' || style === 'bars', bars = style === 'bars';
  const unit = context.unit(spec.unit, spec.decimals), legend = lines.length > 1;
  const names = lines.map(({name}) => name);
  context.places.put(names);
  const series = lines.map(({name, points}, i) => {
    const data = stacked ? aligned(points, times, bars ? null : period) : withGaps(points, period);
    const colour = context.series(context.places.of(name)), dots = lonelyOf(data);
    return {
      id: `line ${name}`, name, type: bars ? 'bar' : 'line', data, color: colour, stack: stacked ? 'all' : undefined, connectNulls: false, z: 3,
      ...(bars ? {barMaxWidth: 24, barMinWidth: 1} : {
        showSymbol: dots.size > 0, symbol: 'circle', symbolSize: ([at]) => (dots.size === 0 || dots.has(at) ? 5 : 0),
        lineStyle: {width: 1.75, type: context.dash(context.places.of(name))}, sampling: stacked ? undefined : 'lttb',
        areaStyle: style === 'area' || stacked ? {opacity: stacked ? 0.3 : 0.14} : undefined,
      }),
      emphasis: {focus: 'none'},
      ...(i === 0 ? {markLine: marks(spec, annotations, context)} : {}),
    };
  });
  const [from, end] = extentOf(context, times);
  const isOf = (row, line) => row.includes(line) || main.columns.includes(line);
  return {
    newest, period,
    rowOf: ({seriesName, value}) => main.rows.find((row) => timeOf(row[place]) === value?.[0] && isOf(row, seriesName)),
    note: more > 0 ? `and ${more} more` : '',
    summary: summaryOf(lines, unit),
    option: {
      grid: {left: 4, right: 24, top: unit.name ? 26 : 10, bottom: legend ? 30 : 4, containLabel: true},
      legend: {
        show: legend, type: 'scroll', bottom: 0, left: 0, itemWidth: 16, itemHeight: 8, itemGap: 14, data: names,
        icon: stacked ? 'roundRect' : undefined, itemStyle: {opacity: stacked ? 1 : 0},
      },
      tooltip: {trigger: 'axis', figure: unit.text, heading: context.time, total: stacked},
      xAxis: timeAxis(context, from, end, {ticks, tickText}),
      yAxis: valueAxis(context, unit, series.flatMap(({data}) => data.map(([, value]) => value)), {scale: style === 'line' && !bars}),
      series: [...bandsOf(spec, main, place, context), ...series],
    },
  };
}

// Of the axis: the page's range, but nothing that is to come where it goes on with time; without a range what there is.
function extentOf({from, to, now, whole}, times) {
  if (from === null) return [times[0], times.at(-1)];
  return [from, whole ? to : Math.min(to, Math.max(now, times.at(-1) ?? now))];
}

function summaryOf(lines, unit) {
  const some = lines.slice(0, 5).map(({name, points}) => `${name} ${unit.text(points.at(-1)?.[1])}`);
  return `${lines.length} ${lines.length === 1 ? 'line' : 'lines'} over time: ${some.join(', ')} at last.`;
}

// Two stacked areas, of which only the upper one is seen. Their ids tell the chart not to name them.
function bandsOf(spec, main, time, context) {
  return (spec.bands ?? []).flatMap(({lower, upper, title}, i) => {
    const l = columnNamed(main.columns, lower, 'bands: lower'), u = columnNamed(main.columns, upper, 'bands: upper');
    const at = new Map(main.rows.filter((row) => row[l] !== null && row[u] !== null).map((row) => [timeOf(row[time]), row]));
    const rows = [...at].sort(([a], [b]) => a - b);
    const part = (id, value, opacity) => ({
      id: `band ${i} ${id}`, name: title ?? `${lower} to ${upper}`, type: 'line', stack: `band ${i}`, stackStrategy: 'all',
      data: rows.map(([ms, row]) => [ms, value(row)]), symbol: 'none', silent: true, z: 1, color: context.colour('muted'), lineStyle: {opacity: 0}, areaStyle: {opacity}, emphasis: {disabled: true},
    });
    return [part('lower', (row) => row[l], 0), part('upper', (row) => row[u] - row[l], 0.16)];
  });
}

function marks(spec, answer, context) {
  if (!answer?.rows?.length) return {data: []};
  const {time, text} = pick(spec.annotations, answer, {time: 'time', text: ['any', 'optional']});
  const all = answer.rows.slice(-kMarksMax).map((row) => ({xAxis: timeOf(row[time]), name: text === -1 ? '' : textOf(row[text])}));
  const data = all.filter(({xAxis}) => Number.isFinite(xAxis));
  return {
    data, symbol: 'none', animation: false, silent: true, lineStyle: {color: context.colour('muted'), type: 'dashed', width: 1},
    label: {formatter: ({name}) => context.label(name), position: 'insideEndTop', color: context.colour('muted'), fontSize: 11 * context.scale},
  };
}
