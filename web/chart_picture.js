// Draws what a source makes (topic_source.js): lines, points, or bars with names.

import {label, seriesColour, seriesDash, seriesSymbol} from './chart.js';
import {colour} from './shell.js';
import {plain, tick} from './format.js';

const kBarHeight = 28;      // of the plot, for each bar, where there are few
const kNameShare = 0.4;     // of the width, for names
const kDigitWidth = 7;      // px
const kDetails = 12;        // fields of an item in its tooltip
const kPlacesKept = 60;     // names that keep their colour while they are away

// Colours of lines. By name, so that they are the same at the next visit; what comes after the first fill changes no
// other's.
export class Places {
  #places = new Map();  // line -> its number, which gives the colour

  clear() {
    this.#places.clear();
  }

  put(names) {
    if (this.#places.size > kPlacesKept) {
      const now = new Set(names);
      for (const name of this.#places.keys()) if (!now.has(name)) this.#places.delete(name);
    }
    const used = new Set(this.#places.values());
    let free = 0;
    for (const name of names) {
      if (this.#places.has(name)) continue;
      while (used.has(free)) free += 1;
      used.add(free);
      this.#places.set(name, free);
    }
  }

  of(name) {
    return this.#places.get(name);
  }
}

export function drawPicture(chart, picture, places, title) {
  if (picture.kind === 'bars') drawBars(chart, picture, title);
  else drawLines(chart, picture, places, title);
}

function drawLines(chart, {kind, lines, times, x, y, points}, places, title) {
  const legend = lines.length > 1, scatter = kind === 'scatter';
  places.put(lines.map(([name]) => name));
  chart.draw({
    aria: {enabled: true, label: {description: `${points} points of ${title}, ${y} over ${x || 'time'}.`}},
    grid: {left: 8, right: 30, top: 36, bottom: legend ? 52 : 24, containLabel: true},
    // The symbol of a line would hide how it is dashed.
    legend: {show: legend, type: 'scroll', bottom: 0, itemWidth: 24, itemHeight: 10, data: lines.map(([name]) => name), itemStyle: {opacity: scatter ? 1 : 0}},
    tooltip: {trigger: scatter ? 'item' : 'axis', figure: plain, ...(times ? {} : {heading: (n) => `${label(x)} ${plain(n)}`})},
    xAxis: {type: times ? 'time' : 'value', scale: true, name: x ?? '', nameLocation: 'middle', nameGap: 28, labels: tick},
    yAxis: {type: 'value', scale: true, name: y ?? '', labels: tick},
    series: lines.map(([name, data]) => ({
      id: `line ${name}`, name, type: kind, data, color: seriesColour(places.of(name)), showSymbol: data.length < 3,
      symbol: seriesSymbol(places.of(name)), symbolSize: scatter ? 6 : 4, itemStyle: {opacity: scatter ? 0.7 : 1},
      lineStyle: {width: 1.5, type: seriesDash(places.of(name))}, sampling: scatter ? undefined : 'lttb',
    })),
  });
}

// A bar for each name, the first on top. Few bars keep together instead of growing.
function drawBars(chart, {bars, value_name: y}, title) {
  const digits = Math.max(0, ...bars.map(({value}) => plain(value).length));
  const room = chart.height - 36 - 44;
  chart.draw({
    aria: {enabled: true, label: {description: `${bars.length} bars of ${title}: ${y ?? 'a number'} by name, the largest first.`}},
    grid: {left: 8, right: 16 + digits * kDigitWidth, top: 8, bottom: 24 + Math.max(0, room - bars.length * kBarHeight), containLabel: true},
    legend: {show: false},
    tooltip: {trigger: 'axis', text: ([point]) => barText(bars[point?.dataIndex], y)},
    xAxis: {type: 'value', name: y ?? '', nameLocation: 'middle', nameGap: 28, labels: tick},
    yAxis: {
      type: 'category', inverse: true, data: bars.map(({name}) => name), labels: label, axisTick: {show: false}, splitLine: {show: false},
      fit: {interval: 0, hideOverlap: false, fontSize: bars.length * 14 > room ? 10 : 12, width: Math.floor(chart.width * kNameShare), overflow: 'truncate'},
    },
    series: [{
      id: 'bars', name: y ?? '', type: 'bar', data: bars.map(({value}) => value), color: seriesColour(0), barMaxWidth: 18, barCategoryGap: '30%',
      label: {show: true, position: 'right', color: colour('muted'), fontSize: 11, formatter: ({value}) => plain(value)},
    }],
  });
}

// Name and number, then what else the item has.
function barText(bar, y) {
  if (bar === undefined) return '';
  const others = [...(bar.row?.values ?? [])].filter(([field, value]) => field !== y && value !== bar.name).slice(0, kDetails);
  return [label(bar.name), `${label(y)}: ${plain(bar.value)}`, ...others.map(([field, value]) => `${label(field)}: ${typeof value === 'number' ? plain(value) : label(value)}`)].join('\n');
}
