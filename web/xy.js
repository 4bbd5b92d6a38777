// Any topic as a chart: two numbers of each record, x and y by name if the records have them. x may be
// a time: of the record, ISO 8601 in text, or ms since 1970. Records with few different keys get a line
// each. The choice lives in the address: ?topic=NAME&x=FIELD&y=FIELD&kind=line|scatter

import {Chart, label, seriesColour, seriesDash, seriesSymbol} from './chart.js';
import {LiveTopic, Status, getJson} from './live.js';
import {Shell, $, el, setText} from './shell.js';
import {plain, short, tick, whole} from './format.js';
import {tailWithin} from './windows.js';

const kPoints = 2_000;      // kept and drawn
const kDepth = 4;           // of nested objects that are searched for numbers
const kFieldsMax = 100;
const kKeysMax = 20;        // drawn as lines of their own; where there are more, all is one
const kTime = '(record time)';
const kValue = '(value)';   // a record that is itself a number
const kIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/;
const kTimesFrom = Date.UTC(2001), kTimesTo = Date.UTC(2101);  // numbers between are taken for ms on x
const kPeriodMin = 5_000;   // ms; nothing is expected more often than that
const kTopicName = /^[\w.-]{1,200}$/;

const parameters = new URLSearchParams(location.search);
const chosen = {x: parameters.get('x'), y: parameters.get('y'), kind: parameters.get('kind')};
const chart = new Chart($('chart'));
let name = parameters.get('topic');
let topic = null;
let server = Status.connecting;  // what is known while there is no topic
let records = [];           // the last ones: {partition, timestamp, key, numbers: Map path -> number}
let numbers = new Set();    // dotted paths seen
let times = new Set();      // of texts that are times
let places = new Map();     // line -> its number, which gives the colour
let filled = false;         // the first fill was drawn: they stay as they are
let schemas = new Map();    // topic -> name of its type, or null
let period = null;          // the longest silence among the last records, ms
let without = 0;            // records without the two numbers
let drawn = {x: null, y: null, kind: null, points: 0};

const shell = new Shell({
  draw,
  status: () => topic?.status ?? server,
  age: () => topic?.age ?? null,
  state: () => ({name, topic: topic?.state() ?? null, without, filled, ...drawn, series: chart.drawn()}),
});

function follow(wanted) {
  topic?.close();
  name = wanted;
  document.title = `${name} · gameflow`;
  forget();
  topic = new LiveTopic(name, {
    tail: (topic) => Math.ceil(tailWithin(kPoints)(topic) / Math.max(1, topic.partitions.length)),
    period: () => period,
    onRecord: take,
    onReset: forget,
    onChange: () => shell.invalidate(),
    onTick: () => shell.refreshStatus(),
  });
  shell.invalidate();
}

function forget() {
  records = [];
  numbers = new Set();
  times = new Set();
  places = new Map();
  filled = false;
  period = null;
}

// Only the numbers are kept: a record may be large.
function take({partition, timestamp, key, value}) {
  const record = {partition, timestamp, key, numbers: new Map()};
  collect(value, '', 0, record.numbers);
  records.push(record);
  if (records.length > 2 * kPoints) records = records.slice(-kPoints);
  shell.news();
}

function collect(value, path, depth, found) {
  if (typeof value === 'number') {
    remember(numbers, path || kValue, value, found);
  } else if (typeof value === 'string' && kIso.test(value)) {
    remember(times, path, Date.parse(/[Z+]|-\d\d:\d\d$/.test(value) ? value : `${value}Z`), found);
  } else if (value !== null && typeof value === 'object' && !Array.isArray(value) && depth < kDepth) {
    for (const [field, inner] of Object.entries(value)) collect(inner, path ? `${path}.${field}` : field, depth + 1, found);
  }
}

function remember(fields, path, number, found) {
  if (path === '' || !Number.isFinite(number)) return;
  if (fields.size < kFieldsMax) fields.add(path);
  if (fields.has(path)) found.set(path, number);
}

const numberAt = (record, path) => (path === kTime ? record.timestamp : record.numbers.get(path));

// Whether all that x shows are times.
function isTime(x, last) {
  if (x === kTime || times.has(x)) return true;
  return last.length > 0 && last.every((record) => {
    const number = numberAt(record, x);
    return number === undefined || (number >= kTimesFrom && number < kTimesTo);
  });
}

// What to draw when nothing was chosen: x and y, or else the first number over time.
function axes() {
  const both = (numbers.has('x') || times.has('x')) && numbers.has('y');
  const x = [kTime, ...numbers, ...times].includes(chosen.x) ? chosen.x : both ? 'x' : kTime;
  const first = [...numbers].find((field) => field !== x);
  const y = numbers.has(chosen.y) ? chosen.y : both && x !== 'y' ? 'y' : first;
  return {x, y};
}

// Values that never go back are drawn as a line, a cloud as points.
function kindOf(lines) {
  if (chosen.kind === 'line' || chosen.kind === 'scatter') return chosen.kind;
  const ahead = ([, points]) => points.every((point, i) => i === 0 || point[0] >= points[i - 1][0]);
  return lines.every(ahead) ? 'line' : 'scatter';
}

// The last records. Those of a quiet partition reach back further than those of a busy one: over
// time, begin where all have some.
function recordsInView(last, overTime) {
  if (!overTime) return last;
  const partitions = new Map();
  for (const {partition, timestamp} of last) {
    const {count, oldest} = partitions.get(partition) ?? {count: 0, oldest: Infinity};
    partitions.set(partition, {count: count + 1, oldest: Math.min(oldest, timestamp)});
  }
  const full = [...partitions.values()].filter(({count}) => count >= kPoints / partitions.size);
  const from = Math.max(-Infinity, ...full.map(({oldest}) => oldest));
  return last.filter(({timestamp}) => timestamp >= from);
}

function longestSilence() {
  const times = records.slice(-kPoints / 10).map(({timestamp}) => timestamp).sort((a, b) => a - b);
  return times.slice(1).reduce((longest, time, i) => Math.max(longest, time - times[i]), kPeriodMin);
}

// The points of each key, by name of the line.
function linesOf(shown, x, y, overTime) {
  const keys = new Set(shown.map(({key}) => key));
  const apart = keys.size > 1 && keys.size <= kKeysMax && !keys.has(null);
  const lines = new Map();
  for (const record of y ? shown : []) {
    const px = numberAt(record, x), py = numberAt(record, y);
    if (px === undefined || py === undefined) continue;
    const line = apart ? record.key : y;
    if (!lines.has(line)) lines.set(line, []);
    lines.get(line).push([px, py]);
  }
  // Partitions arrive side by side.
  if (overTime) for (const points of lines.values()) points.sort((a, b) => a[0] - b[0]);
  return [...lines].sort(([a], [b]) => a.localeCompare(b, 'en', {numeric: true}));
}

// By name, so that lines have the same colours at the next visit; what comes after the first fill
// changes no other's.
function placeLines(lines) {
  if (!filled) places.clear();
  filled = topic?.status === Status.live || topic?.status === Status.stale;
  for (const [line] of lines) if (!places.has(line)) places.set(line, places.size);
}

function draw() {
  const {x, y} = axes();
  const last = records.slice(-kPoints), time = isTime(x, last), shown = recordsInView(last, time);
  period = records.length > 1 ? longestSilence() : null;
  const lines = linesOf(shown, x, y, time), count = lines.reduce((sum, [, points]) => sum + points.length, 0);
  without = shown.length - count;
  const kind = kindOf(lines);
  placeLines(lines);
  drawn = {x, y: y ?? null, kind, points: count};
  fillSelect($('x'), [...new Set([kTime, ...numbers, ...times])], x);
  fillSelect($('y'), [...numbers], y);
  for (const button of $('kind').children) button.setAttribute('aria-pressed', String(button.value === kind));
  drawEmpty(count, x, y);
  setText($('points'), count === 0 ? '\u00a0' : pointsText(count, shown.length));
  const legend = lines.length > 1, scatter = kind === 'scatter';
  chart.draw({
    aria: {enabled: true, label: {description: `${count} points of topic ${name}, ${y} over ${x}.`}},
    grid: {left: 8, right: 30, top: 36, bottom: legend ? 52 : 24, containLabel: true},
    // The symbol of a line would hide how it is dashed.
    legend: {show: legend, type: 'scroll', bottom: 0, itemWidth: 24, itemHeight: 10, data: lines.map(([line]) => line), itemStyle: {opacity: scatter ? 1 : 0}},
    tooltip: {trigger: scatter ? 'item' : 'axis', figure: plain, ...(time ? {} : {heading: (n) => `${label(x)} ${plain(n)}`})},
    xAxis: {type: time ? 'time' : 'value', scale: true, name: x === kTime ? '' : x, nameLocation: 'middle', nameGap: 28, labels: tick},
    yAxis: {type: 'value', scale: true, name: y ?? '', labels: tick},
    series: lines.map(([line, points]) => ({
      id: line, name: line, type: kind, data: points, color: seriesColour(places.get(line)), showSymbol: points.length < 3,
      symbol: seriesSymbol(places.get(line)), symbolSize: scatter ? 6 : 4, itemStyle: {opacity: scatter ? 0.7 : 1},
      lineStyle: {width: 1.5, type: seriesDash(places.get(line))}, sampling: scatter ? undefined : 'lttb',
    })),
  });
}

function pointsText(points, of) {
  const {skipped} = topic.state();
  return `${whole(points)} points from the last ${whole(of)} records` +
      (without > 0 ? `; ${whole(without)} lack these numbers` : '') +
      (skipped > 0 ? `; ${short(skipped)} skipped to keep up` : '');
}

function drawEmpty(points, x, y) {
  $('empty').hidden = points > 0 || !topic || topic.status === Status.connecting;
  if ($('empty').hidden) return;
  const [title, text, command] = whyEmpty(x, y);
  setText($('empty-title'), title);
  setText($('empty-text'), text);
  // The name may come from a link that somebody else made: nothing that a shell would act on.
  $('empty-command').hidden = command === null || !kTopicName.test(name);
  $('empty-command').dataset.command = command ?? '';
}

// Title, text, and the command that helps.
function whyEmpty(x, y) {
  if (topic.status === Status.missing) {
    return [`There is no topic ${name}`, 'Choose another one, or create it:', `curl -d '{"name":"${name}"}' ORIGIN/topics`];
  }
  if (records.length > 0) {
    return ['No numbers to draw', y ? `No record has both ${x} and ${y}. To read them:` : 'The records of this topic hold no numbers. To read them:',
      `gameflow consume ${name} --offset -10 --server ORIGIN`];
  }
  if (schemas.get(name)) return ['Nothing to draw yet', 'The topic has no records. They appear here when they come.', null];
  return ['Nothing to draw yet', 'Send a record with the numbers x and y, and it appears here:',
    `curl -H 'Content-Type: application/json' -d '{"x":1,"y":2}' ORIGIN/topics/${name}/records`];
}

function fillSelect(select, options, value) {
  const present = [...select.options].map((option) => option.value);
  if (present.join('\n') !== options.join('\n')) {
    select.replaceChildren(...options.map((option) => el('option', {value: option}, option)));
  }
  if (value !== undefined && select.value !== value && document.activeElement !== select) select.value = value;
}

function choose(changes) {
  Object.assign(chosen, changes);
  filled = false;
  const url = new URL(location.href);
  url.search = '';
  url.searchParams.set('topic', name);
  for (const [key, value] of Object.entries(chosen)) {
    if (value) url.searchParams.set(key, value);
  }
  history.replaceState(null, '', url);
  draw();
}

$('topic').addEventListener('change', () => {
  follow($('topic').value);
  choose({x: null, y: null, kind: null});
});
for (const axis of ['x', 'y']) $(axis).addEventListener('change', () => choose({[axis]: $(axis).value}));
for (const button of $('kind').children) button.addEventListener('click', () => choose({kind: button.value}));

async function listTopics() {
  let names = [...schemas.keys()];
  try {
    schemas = new Map((await getJson('/topics')).topics.map((t) => [t.name, t.schema]));
    names = [...schemas.keys()];
    server = Status.empty;
  } catch {
    server = Status.disconnected;  // the list comes with a later look
  }
  shell.invalidate();
  if (!name) {
    if (names.length === 0) return void setTimeout(listTopics, 2_000);
    follow(names.includes('player-positions') ? 'player-positions' : names[0]);
  }
  fillSelect($('topic'), names.includes(name) ? names : [name, ...names], name);
  setTimeout(listTopics, 10_000);
}

if (name) follow(name);
listTopics();
