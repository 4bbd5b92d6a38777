// An ECharts chart that follows its size and the theme. Loaded as a global from echarts.min.js.
//
// Under our Content-Security-Policy tooltips must be `richText`: the HTML ones carry style
// attributes, which the browser refuses. Colours come from style.css at every drawing.

import {colour} from './shell.js';
import {named, time} from './format.js';

const kSeriesColours = 10;
const kTooltipRows = 12;    // more than fit beside a chart help nobody
const kDragMin = 6;         // px
const kNameLengthMax = 32;  // in tooltips and legends
// Of a tick on a time axis, by what it begins: a day says which one it is.
const kTimeTicks = {
  year: '{yyyy}', month: '{MMM} {yyyy}', day: '{d} {MMM}', hour: '{HH}:{mm}', minute: '{HH}:{mm}',
  second: '{HH}:{mm}:{ss}', millisecond: '{HH}:{mm}:{ss}.{SSS}',
};

// Colours of series, by number; beyond ten they repeat with another line type or symbol.
export function seriesColour(i) {
  return colour(`series-${(i % kSeriesColours) + 1}`);
}
export const seriesDash = (i) => ['solid', 'dashed', 'dotted'][Math.floor(i / kSeriesColours) % 3];
export const seriesSymbol = (i) => ['circle', 'triangle', 'rect'][Math.floor(i / kSeriesColours) % 3];

// A name as one line of canvas text: no longer than there is room, and nothing in it is taken for
// markup ("{style|text}") or turns the direction of what follows.
export function label(name) {
  const letters = [...named(name).replace(/\s+/g, ' ')];
  const text = letters.length > kNameLengthMax ? `${letters.slice(0, kNameLengthMax - 1).join('')}…` : letters.join('');
  return `\u2068${text.replaceAll('{', '{\u200b')}\u2069`;
}

// points     of one x, as ECharts gives them, the lowest series first; [x, y, and its name where it has one of its own]
// tooltip    heading(x), figure(y) as text; total: the sum means something
function tooltipText(points, {heading, figure, total}) {
  const amount = (point) => point.value[1];
  const sum = (of) => figure(of.reduce((all, point) => all + amount(point), 0));
  const there = points.filter((point) => Number.isFinite(amount(point)));
  const bySize = [...there].sort((a, b) => Math.abs(amount(b)) - Math.abs(amount(a)));
  const shown = new Set(bySize.slice(0, kTooltipRows)), rest = bySize.slice(kTooltipRows);
  const rows = there.filter((point) => shown.has(point)).reverse();
  const width = Math.max(0, ...rows.map((point) => figure(amount(point)).length));
  const lines = rows.map((point) => `${point.marker}${figure(amount(point)).padStart(width, '\u2007')}  ${label(point.value[2] ?? point.seriesName)}`);
  lines.unshift(heading(points[0]?.value[0]) + (total && there.length > 1 ? `, ${sum(there)} in total` : ''));
  if (rest.length > 0) lines.push(`and ${rest.length} more${total ? ` with ${sum(rest)}` : ''}`);
  return lines.join('\n');
}

// `over` over `base`, at any depth: what `over` has counts. A list of objects takes an object as a change of each of them, and a
// list one by one.
export function merged(base, over) {
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (over === undefined) return base;
  if (Array.isArray(base) && base.every(isObject)) {
    if (isObject(over)) return base.map((one) => merged(one, over));
    if (Array.isArray(over) && over.every(isObject)) return base.map((one, i) => merged(one, over[i])).concat(over.slice(base.length));
  }
  if (!isObject(base) || !isObject(over)) return over;
  return {...base, ...Object.fromEntries(Object.entries(over).map(([name, value]) => [name, merged(base[name], value)]))};
}

export class Chart {
  #chart;
  #axes = '';  // their types in the last drawing
  #selectable = false;
  #resized;

  // `size` of texts, in px
  constructor(node, {size = 12} = {}) {
    this.size = size;
    this.#chart = echarts.init(node, null, {renderer: 'canvas'});
    this.#resized = new ResizeObserver(() => this.#chart.resize());
    this.#resized.observe(node);
  }

  close() {
    this.#resized.disconnect();
    this.#chart.dispose();
  }

  // Dragging across the chart chooses a part of its x axis: choose(from, to). What is not much wider than a click is none.
  onSelect(choose) {
    this.#selectable = true;
    this.#chart.on('brushEnd', ({areas}) => {
      const [from, to] = areas[0]?.coordRange ?? [], [left, right] = areas[0]?.range ?? [];
      if (areas.length > 0) this.#chart.dispatchAction({type: 'brush', areas: []});
      if (to > from && right - left > kDragMin) choose(from, to);
    });
  }

  // choose(point) of a point that is clicked: {seriesName, dataIndex, value}.
  onClick(choose) {
    this.#chart.on('click', choose);
  }

  get width() {
    return this.#chart.getWidth();
  }

  get height() {
    return this.#chart.getHeight();
  }

  // `option`: series with ids, axes (`labels` formats what they say, `fit` is how they fit), grid, and of the tooltip
  // {trigger, heading, figure, total}, or `text(points)` instead of those; the common parts are added here. Series whose
  // ids begin with "band" are not named in tooltips. `over` is merged over all of it.
  draw(option, over) {
    const axes = `${option.xAxis.type} ${option.yAxis.type}`;
    if (axes !== this.#axes) this.#chart.clear();  // an axis of another type would keep what the old one had
    this.#axes = axes;
    const ink = colour('ink'), muted = colour('muted'), line = colour('line'), panel = colour('panel');
    const axis = ({labels, fit, ...own}, align) => ({
      axisLine: {onZero: false, lineStyle: {color: line}},
      axisTick: {lineStyle: {color: line}},
      axisLabel: {color: muted, fontSize: this.size, hideOverlap: true, formatter: own.type === 'time' ? kTimeTicks : labels, ...fit},
      splitLine: {lineStyle: {color: line}},
      nameTextStyle: {color: muted, align, fontSize: this.size},
      ...own,
    });
    const text = getComputedStyle(document.body).fontFamily;
    const whole = merged({
      animation: false,
      textStyle: {fontFamily: text, color: ink},
      aria: {enabled: true},
      ...option,
      legend: {formatter: label, textStyle: {color: muted, fontFamily: text, fontSize: this.size}, pageTextStyle: {color: muted}, pageIconColor: muted, pageIconInactiveColor: line, ...option.legend},
      xAxis: {...axis(option.xAxis, 'center'), splitLine: {show: option.yAxis.type === 'category', lineStyle: {color: line}}},
      yAxis: axis(option.yAxis, 'left'),
      tooltip: {
        renderMode: 'richText', confine: true, backgroundColor: panel, borderColor: line,
        textStyle: {color: ink, fontSize: this.size, lineHeight: 1.5 * this.size, fontFamily: text}, trigger: option.tooltip.trigger,
        axisPointer: {type: 'line', lineStyle: {color: muted}},
        formatter: (points) => (option.tooltip.text ?? tooltipText)([points].flat().filter(({seriesId}) => !seriesId?.startsWith('band')), {heading: time, ...option.tooltip}),
      },
      ...(this.#selectable ? {brush: {toolbox: [], xAxisIndex: 0, brushStyle: {color: colour('accent-soft'), borderColor: colour('accent'), opacity: 0.5}, outOfBrush: {colorAlpha: 1}, throttleType: 'debounce'}} : {}),
    }, over);
    whole.tooltip.renderMode = 'richText';  // whatever `over` says: the policy refuses others, and texts are not markup
    this.#chart.setOption(whole, {replaceMerge: ['series']});
    if (this.#selectable) this.#chart.dispatchAction({type: 'takeGlobalCursor', key: 'brush', brushOption: {brushType: 'lineX', brushMode: 'single'}});
  }

  // What the chart holds now, for tests: {name: [[x, y], …]}.
  drawn() {
    // Where fewer series replaced more, ECharts keeps the places of those that went, as null.
    const series = (this.#chart.getOption()?.series ?? []).filter((one) => one !== null);
    return Object.fromEntries(series.map(({name, data}) => [name, data]));
  }
}
