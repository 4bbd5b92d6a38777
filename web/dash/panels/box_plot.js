// How values are spread, by name: the middle half as a box, its median, the rest as whiskers.

import {pick, textOf} from '../columns.js';
import {named} from '../../format.js';
import {valueAxis} from './axes.js';

const kFields = ['minimum', 'lower', 'median', 'upper', 'maximum'];

export const boxPlot = {height: 7, chart, key: ['label']};

export function boxesOf(spec, main) {
  const places = pick(spec, main, {label: 'any', ...Object.fromEntries(kFields.map((field) => [field, 'number']))});
  return main.rows.map((row) => ({name: named(textOf(row[places.label])), values: kFields.map((field) => row[places[field]])}));
}

function chart(spec, {main}, context) {
  const boxes = boxesOf(spec, main), unit = context.unit(spec.unit, spec.decimals), {colour} = context;
  const tone = context.series(0);
  const words = (i) => [context.label(boxes[i].name), ...[4, 3, 2, 1, 0].map((v) => `${kFields[v]}: ${unit.text(boxes[i].values[v])}`)].join('\n');
  return {
    summary: `${boxes.length} boxes: ${boxes.slice(0, 5).map(({name, values}) => `${name}, median ${unit.text(values[2])}`).join('; ')}.`,
    rowOf: ({dataIndex}) => main.rows[dataIndex],
    option: {
      grid: {left: 4, right: 12, top: unit.name ? 26 : 10, bottom: 4, containLabel: true},
      legend: {show: false},
      tooltip: {trigger: 'axis', text: ([point]) => (boxes[point?.dataIndex] ? words(point.dataIndex) : '')},
      xAxis: {type: 'category', data: boxes.map(({name}) => name), labels: context.label, axisTick: {show: false}, fit: {fontSize: 12 * context.scale}},
      yAxis: valueAxis(context, unit, boxes.flatMap(({values}) => values), {scale: true, splitLine: {show: true, lineStyle: {color: colour('line')}}}),
      series: [{
        id: 'boxes', name: spec.title, type: 'boxplot', data: boxes.map(({values}) => values), boxWidth: [6, 36], color: tone,
        itemStyle: {color: colour('accent-soft'), borderColor: tone, borderWidth: 1.5},
      }],
    },
  };
}
