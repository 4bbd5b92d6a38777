// Amounts per item over time: stacked lines, one per item, and the same numbers as a table.

import {Chart, seriesColour, seriesDash} from './chart.js';
import {LiveTopic, Status} from './live.js';
import {$, el, setText} from './dom.js';
import {Shell} from './shell.js';
import {WindowSeries, tailWithin, windowLength} from './windows.js';
import {duration, money, named, short, tick, time, whole} from './format.js';

const kTopic = 'purchase-summaries';
const kWindows = 360;     // an hour of 10 s windows
const kItemsMax = 50;     // lines; what is beyond is summed up as one
const kOther = 'other items';
const kRanges = [5, 15, 60];  // minutes

const series = new WindowSeries(kWindows, 10_000);  // of Map item -> amount
const items = [];                                   // in order of appearance: it gives the colour
const known = new Set();
const hidden = new Set();
const rows = new Map();
let invalid = 0;
let range = kRanges.includes(Number(new URLSearchParams(location.search).get('range')))
  ? Number(new URLSearchParams(location.search).get('range')) : 15;

const chart = new Chart($('chart'));
const topic = new LiveTopic(kTopic, {
  tail: tailWithin(kWindows),
  period: () => series.period,
  onRecord: take,
  onReset: forget,
  onChange: () => shell.invalidate(),
  onTick: () => shell.refreshStatus(),
});
const shell = new Shell({
  draw,
  status: () => topic.status,
  age: () => topic.age,
  state: () => ({
    topic: topic.state(), invalid, items: [...items], range,
    windows: series.entries.map(({end, value}) => ({end, amounts: Object.fromEntries(value)})),
    series: chart.drawn(),
  }),
});

windowLength(kTopic).then((ms) => {
  series.length = ms;
  shell.invalidate();
});

for (const button of $('range').children) {
  button.addEventListener('click', () => {
    range = Number(button.value);
    const url = new URL(location.href);
    url.searchParams.set('range', range);
    history.replaceState(null, '', url);
    draw();
  });
}

function take({timestamp, value}) {
  const good = Array.isArray(value) && Number.isFinite(timestamp) &&
      value.every((row) => typeof row?.item_id === 'string' && Number.isFinite(row.total_amount));
  if (!good) {
    invalid += 1;
    return;
  }
  const amounts = new Map();
  // By name, so that the first items have the same colours at the next visit.
  const byName = [...value].sort((a, b) => (a.item_id < b.item_id ? -1 : 1));
  const free = items.length < kItemsMax ? [] : freePlaces(value);
  for (const {item_id, total_amount} of byName) {
    const item = admit(item_id, free) ? item_id : kOther;
    amounts.set(item, (amounts.get(item) ?? 0) + total_amount);
  }
  series.put(timestamp, amounts);
  shell.news();
}

// Whether the item has a line of its own: a new one, where that is left, or one of `free`.
function admit(item, free) {
  if (known.has(item)) return true;
  const room = items.length < kItemsMax || free.length > 0;
  const name = room ? item : kOther;
  if (!known.has(name)) {
    known.add(name);
    if (items.length < kItemsMax || !room) items.push(name);
    else known.delete(items.splice(free.pop(), 1, name)[0]);
  }
  return room;
}

// Where in `items` those are that neither a window kept here nor the new one has.
function freePlaces(value) {
  const used = new Set([kOther, ...value.map(({item_id}) => item_id)]);
  for (const {value: amounts} of series.entries) for (const item of amounts.keys()) used.add(item);
  return [...items.keys()].filter((i) => !used.has(items[i]));
}

function forget() {
  series.clear();
  items.length = 0;
  known.clear();
}

// The windows in the chosen range. A window without a purchase has no result: not zero and not a
// joined line, but a gap.
function inView() {
  const last = series.last?.end ?? 0;
  return series.entries.filter(({end}) => end > last - range * 60_000);
}

const follows = (a, b) => a !== undefined && b !== undefined && b.end - a.end < 1.5 * series.length;

function pointsOf(item, windows) {
  const points = [];
  windows.forEach((window, i) => {
    if (i > 0 && !follows(windows[i - 1], window)) points.push([windows[i - 1].end + series.length, null]);
    points.push([window.end, window.value.get(item) ?? 0]);
  });
  return points;
}

// Ends of the windows with a gap before and after: without a dot nothing of them would be seen.
function lonely(windows) {
  return new Set(windows.filter((window, i) => !follows(windows[i - 1], window) && !follows(window, windows[i + 1])).map(({end}) => end));
}

function draw() {
  $('empty').hidden = topic.status !== Status.empty;
  $('missing').hidden = topic.status !== Status.missing;
  for (const button of $('range').children) button.setAttribute('aria-pressed', String(Number(button.value) === range));
  const windows = inView(), dots = lonely(windows);
  const sums = new Map(items.map((item) => [item, windows.reduce((sum, {value}) => sum + (value.get(item) ?? 0), 0)]));
  drawTiles(windows, sums);
  drawItems(windows.at(-1)?.value ?? new Map(), sums);
  chart.draw({
    aria: {enabled: true, label: {description: `Amount of ${items.length} items over the last ${range} minutes, stacked; the table below has the numbers.`}},
    grid: {left: 8, right: 30, top: 16, bottom: 8, containLabel: true},
    legend: {show: false, selected: Object.fromEntries(items.map((item) => [item, !hidden.has(item)]))},
    tooltip: {trigger: 'axis', figure: money, total: true},
    xAxis: {type: 'time'},
    yAxis: {type: 'value', labels: tick},
    series: items.map((item, i) => ({
      id: item, name: item, type: 'line', stack: 'amount', data: pointsOf(item, windows),
      showSymbol: dots.size > 0, symbolSize: ([end]) => (dots.size === 0 || dots.has(end) ? 5 : 0), connectNulls: false, color: seriesColour(i),
      lineStyle: {width: 1.5, type: seriesDash(i)}, areaStyle: {opacity: 0.22}, emphasis: {focus: 'series'},
      blur: {lineStyle: {opacity: 0.4}, areaStyle: {opacity: 0.1}},
    })),
  });
}

// As exact as there is room for.
const figure = (amount) => (Math.abs(amount) < 100_000 ? money(amount) : Math.abs(amount) < 10_000_000 ? whole(amount) : short(amount));

// What was sold of one item in parts of what was sold of all: refunds may leave less than nothing.
function shareOf(amount, sums) {
  const sold = [...sums.values()].reduce((all, one) => all + Math.max(0, one), 0);
  return amount > 0 ? (100 * amount) / sold : null;
}

function drawTiles(windows, sums) {
  if (windows.length === 0) return;
  const last = windows.at(-1);
  const amount = [...last.value.values()].reduce((a, b) => a + b, 0);
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  const best = [...sums].reduce((a, b) => (b[1] > a[1] ? b : a));
  setText($('window'), `Amount per item, one point for each window of ${duration(series.length)}`);
  setText($('last'), figure(amount));
  $('last').title = money(amount);
  setText($('last-note'), `${time(last.end - series.length)} to ${time(last.end)}`);
  setText($('total'), figure(total));
  $('total').title = money(total);
  setText($('total-note'), `${windows.length} windows of the last ${range === 60 ? 'hour' : `${range} minutes`}`);
  setText($('best'), named(best[0]));
  $('best').title = best[0];
  const share = shareOf(best[1], sums);
  setText($('best-note'), figure(best[1]) + (share === null ? '' : `, ${Math.round(share)} % of all`));
}

function drawItems(last, sums) {
  for (const [item, {row}] of rows) {
    if (known.has(item)) continue;
    row.remove();
    rows.delete(item);
  }
  items.forEach((item, i) => {
    if (!rows.has(item)) rows.set(item, makeItem(item));
    const {button, swatch, cells} = rows.get(item);
    swatch.style.backgroundColor = seriesColour(i);
    button.setAttribute('aria-pressed', String(!hidden.has(item)));
    const share = shareOf(sums.get(item), sums);
    [money(last.get(item) ?? 0), money(sums.get(item)), share === null ? '–' : `${share.toFixed(1)} %`].forEach((text, j) => setText(cells[j], text));
  });
}

function makeItem(item) {
  const swatch = el('span', {class: 'swatch'});
  const button = el('button', {type: 'button', class: 'item', 'aria-pressed': 'true', title: item}, swatch, el('span', {}, named(item)));
  button.addEventListener('click', () => {
    if (!hidden.delete(item)) hidden.add(item);
    draw();
  });
  const cells = Array.from({length: 3}, () => el('td', {class: 'number'}));
  const row = el('tr', {}, el('th', {scope: 'row'}, button), ...cells);
  row.addEventListener('pointerenter', () => chart.highlight(item));
  row.addEventListener('pointerleave', () => chart.highlight(null));
  $('items').tBodies[0].append(row);
  return {row, button, swatch, cells};
}
