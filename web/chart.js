// An ECharts chart that follows its size and the theme. Loaded as a global from echarts.min.js.
//
// Under our Content-Security-Policy tooltips must be `richText`: the HTML ones carry style
// attributes, which the browser refuses. Colours come from style.css at every drawing.

import {colour} from './shell.js';

const kSeriesColours = 10;

// Colours of series, by number; beyond ten they repeat with another line type.
export function seriesColour(i) {
  return colour(`series-${(i % kSeriesColours) + 1}`);
}
export const seriesDash = (i) => ['solid', 'dashed', 'dotted'][Math.floor(i / kSeriesColours) % 3];

export class Chart {
  #chart;

  constructor(node) {
    this.#chart = echarts.init(node, null, {renderer: 'canvas'});
    new ResizeObserver(() => this.#chart.resize()).observe(node);
  }

  // `option`: series with ids, axes (`labels` formats their numbers) and grid; the common parts are
  // added here.
  draw(option) {
    const ink = colour('ink'), muted = colour('muted'), line = colour('line'), panel = colour('panel');
    const axis = ({labels, ...own}, align) => ({
      axisLine: {onZero: false, lineStyle: {color: line}},
      axisTick: {lineStyle: {color: line}},
      axisLabel: {color: muted, fontSize: 12, hideOverlap: true, formatter: labels},
      splitLine: {lineStyle: {color: line}},
      nameTextStyle: {color: muted, align},
      ...own,
    });
    const text = getComputedStyle(document.body).fontFamily;
    this.#chart.setOption({
      animation: false,
      textStyle: {fontFamily: text, color: ink},
      aria: {enabled: true},
      ...option,
      legend: {textStyle: {color: muted, fontFamily: text}, pageTextStyle: {color: muted}, pageIconColor: muted, pageIconInactiveColor: line, ...option.legend},
      xAxis: {...axis(option.xAxis, 'center'), splitLine: {show: false}},
      yAxis: axis(option.yAxis, 'left'),
      tooltip: {
        renderMode: 'richText', confine: true, backgroundColor: panel, borderColor: line,
        textStyle: {color: ink, fontSize: 12, fontFamily: text}, ...option.tooltip,
      },
    }, {replaceMerge: ['series']});
  }

  // What the chart holds now, for tests: {name: [[x, y], …]}.
  drawn() {
    // Where fewer series replaced more, ECharts keeps the places of those that went, as null.
    const series = (this.#chart.getOption()?.series ?? []).filter((one) => one !== null);
    return Object.fromEntries(series.map(({name, data}) => [name, data]));
  }

  highlight(name) {
    this.#chart.dispatchAction(name === null ? {type: 'downplay'} : {type: 'highlight', seriesName: name});
  }
}
