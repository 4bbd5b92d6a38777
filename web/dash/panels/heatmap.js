// A value for each x and y, as a colour.

import {isTime, pick, textOf, timeOf} from '../columns.js';
import {dayAndTime, tickText, wallOf} from '../zones.js';

const kDay = 86_400_000;

export const heatmap = {height: 8, chart, key: ['x', 'y']};

// {x: [names], y: [names], cells: [[x, y, value]], rows, low, high}: numbers and times ascend, texts are in the order of the query, the
// first one at the top.
export function cellsOf(spec, main, zone) {
  const {x, y, value} = pick(spec, main, {x: 'any', y: 'any', value: 'number'});
  const axis = (c) => {
    const time = isTime(main.rows, c, main.columns[c]), names = new Map();
    let values = [...new Set(main.rows.map((row) => row[c]))];
    if (time) values.sort((a, b) => timeOf(a) - timeOf(b));
    else if (values.every((one) => typeof one === 'number')) values.sort((a, b) => a - b);
    const whole = time && values.every((one) => wallOf(zone, timeOf(one)) % kDay === 0);
    values.forEach((one, i) => names.set(one, i));
    const timeText = (ms) => (whole ? tickText(zone, ms, kDay) : dayAndTime(zone, ms));
    return {names, is_text: !time && values.some((one) => typeof one === 'string'), texts: values.map((one) => (time ? timeText(timeOf(one)) : textOf(one)))};
  };
  const across = axis(x), up = axis(y);
  const rows = main.rows.filter((row) => row[value] !== null);
  const cells = rows.map((row) => [across.names.get(row[x]), up.names.get(row[y]), row[value]]);
  let low = Infinity, high = -Infinity;
  for (const [, , one] of cells) {
    low = Math.min(low, one);
    high = Math.max(high, one);
  }
  return {x: across.texts, y: up.texts, from_above: up.is_text, cells, rows, low, high};
}

function chart(spec, {main}, context) {
  const {x, y, from_above, cells, rows, low, high} = cellsOf(spec, main, context.zone), unit = context.unit(spec.unit, spec.decimals);
  const size = 11 * context.scale, {colour} = context;
  const hidden = {show: false};
  const category = (data, more) => ({type: 'category', data, labels: context.label, axisTick: hidden, axisLine: hidden, splitLine: hidden, ...more});
  const min = Math.min(0, low), max = high > min ? high : min + 1;
  return {
    summary: `${cells.length} values for ${x.length} times ${y.length} places, from ${unit.text(low)} to ${unit.text(high)}.`,
    rowOf: ({dataIndex}) => rows[dataIndex],
    option: {
      grid: {left: 4, right: 8, top: 4, bottom: 34, containLabel: true},
      legend: {show: false},
      tooltip: {trigger: 'item', text: ([point]) => `${context.label(x[point.value[0]])}, ${context.label(y[point.value[1]])}\n${unit.text(point.value[2])}`},
      xAxis: category(x, {fit: {fontSize: size}}),
      yAxis: category(y, {inverse: from_above, fit: {fontSize: size, width: Math.floor(context.width * 0.3), overflow: 'truncate', interval: 'auto'}}),
      visualMap: {
        type: 'continuous', min, max, calculable: false, hoverLink: false, orient: 'horizontal', left: 'center', bottom: 0, itemWidth: 10, itemHeight: 120,
        text: [unit.text(max), unit.text(min)],
        textStyle: {color: colour('muted'), fontSize: size}, inRange: {color: [colour('heat-0'), colour('heat-1'), colour('heat-2')]},
      },
      series: [{
        id: 'cells', name: spec.title, type: 'heatmap', data: cells, progressive: 0,
        itemStyle: {borderColor: colour('panel'), borderWidth: 1}, emphasis: {itemStyle: {borderColor: colour('ink')}},
      }],
    },
  };
}
