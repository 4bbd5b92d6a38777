// Any topic as a chart: two numbers of each record, x and y by name if the records have them.
// Records with few different keys get a line each. The choice lives in the address: ?topic=NAME&x=FIELD&y=FIELD&kind=line|scatter

import {Chart, label, seriesColour, seriesDash} from './chart.js';
import {LiveTopic, Status, getJson} from './live.js';
import {Shell, $, el, setText} from './shell.js';
import {plain, tick, whole} from './format.js';

const kPoints = 2_000;      // kept and drawn
const kDepth = 4;           // of nested objects that are searched for numbers
const kFieldsMax = 100;
const kKeysMax = 20;        // drawn as lines of their own; where there are more, all is one
const kTime = '(record time)';
const kPeriodMin = 5_000;   // ms; nothing is expected more often than that
const kTopicName = /^[\w.-]{1,200}$/;

const parameters = new URLSearchParams(location.search);
const chosen = {x: parameters.get('x'), y: parameters.get('y'), kind: parameters.get('kind')};
const chart = new Chart($('chart'));
let name = parameters.get('topic');
let topic = null;
let records = [];           // the last ones: {partition, timestamp, key, value}
let fields = new Set();     // dotted paths of numbers seen
let period = null;          // the longest silence among the last records, ms
let without = 0;            // records without the two numbers
let drawn = {x: null, y: null, kind: null, points: 0};

const shell = new Shell({
  draw,
  status: () => topic?.status ?? Status.connecting,
  age: () => topic?.age ?? null,
  state: () => ({name, topic: topic?.state() ?? null, without, ...drawn, series: chart.drawn()}),
});

function follow(wanted) {
  topic?.close();
  name = wanted;
  forget();
  topic = new LiveTopic(name, {
    tail: ({partitions}) => Math.ceil(kPoints / Math.max(1, partitions.length)),
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
  fields = new Set();
  period = null;
}

function take({partition, timestamp, key, value}) {
  records.push({partition, timestamp, key, value});
  if (records.length > 2 * kPoints) records = records.slice(-kPoints);
  collectFields(value, '', 0);
  shell.news();
}

function collectFields(value, path, depth) {
  if (typeof value === 'number' && path !== '') {
    if (fields.size < kFieldsMax) fields.add(path);
  } else if (value !== null && typeof value === 'object' && !Array.isArray(value) && depth < kDepth) {
    for (const [field, inner] of Object.entries(value)) collectFields(inner, path ? `${path}.${field}` : field, depth + 1);
  }
}

function numberAt(record, path) {
  if (path === kTime) return record.timestamp;
  let value = record.value;
  for (const field of path.split('.')) {
    value = value !== null && typeof value === 'object' && Object.hasOwn(value, field) ? value[field] : undefined;
  }
  return typeof value === 'number' ? value : undefined;
}

// What to draw when nothing was chosen: x and y, or else the first number over time.
function axes() {
  const both = fields.has('x') && fields.has('y');
  const x = chosen.x && (chosen.x === kTime || fields.has(chosen.x)) ? chosen.x : both ? 'x' : kTime;
  const first = [...fields].find((field) => field !== x);
  const y = chosen.y && fields.has(chosen.y) ? chosen.y : both && x !== 'y' ? 'y' : first;
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
function recordsInView(x) {
  const last = records.slice(-kPoints);
  if (x !== kTime) return last;
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
function linesOf(shown, x, y) {
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
  if (x === kTime) for (const points of lines.values()) points.sort((a, b) => a[0] - b[0]);
  return [...lines].sort(([a], [b]) => a.localeCompare(b, 'en', {numeric: true}));
}

function draw() {
  const {x, y} = axes();
  const shown = recordsInView(x);
  period = records.length > 1 ? longestSilence() : null;
  const lines = linesOf(shown, x, y), count = lines.reduce((sum, [, points]) => sum + points.length, 0);
  without = shown.length - count;
  const kind = kindOf(lines);
  drawn = {x, y: y ?? null, kind, points: count};
  fillSelect($('x'), [kTime, ...fields], x);
  fillSelect($('y'), [...fields], y);
  for (const button of $('kind').children) button.setAttribute('aria-pressed', String(button.value === kind));
  drawEmpty(count);
  setText($('points'), count === 0 ? '\u00a0'
    : `${whole(count)} points${without > 0 ? `; ${whole(without)} records without these numbers` : ''}`);
  const legend = lines.length > 1;
  chart.draw({
    aria: {enabled: true, label: {description: `${count} points of topic ${name}, ${y} over ${x}.`}},
    grid: {left: 8, right: 30, top: 36, bottom: legend ? 52 : 24, containLabel: true},
    legend: {show: legend, type: 'scroll', bottom: 0, itemWidth: 20, itemHeight: 10},
    tooltip: {trigger: kind === 'line' ? 'axis' : 'item', figure: plain, ...(x === kTime ? {} : {heading: (n) => `${label(x)} ${plain(n)}`})},
    xAxis: {type: x === kTime ? 'time' : 'value', scale: true, name: x === kTime ? '' : x, nameLocation: 'middle', nameGap: 28, labels: tick},
    yAxis: {type: 'value', scale: true, name: y ?? '', labels: tick},
    series: lines.map(([line, points], i) => ({
      id: line, name: line, type: kind, data: points, color: seriesColour(i), showSymbol: points.length < 3,
      symbolSize: kind === 'scatter' ? 6 : 4, itemStyle: {opacity: kind === 'scatter' ? 0.7 : 1},
      lineStyle: {width: 1.5, type: seriesDash(i)}, sampling: kind === 'line' ? 'lttb' : undefined,
    })),
  });
}

function drawEmpty(points) {
  $('empty').hidden = points > 0 || !topic || topic.status === Status.connecting;
  if ($('empty').hidden) return;
  const missing = topic.status === Status.missing, record = `'{"x":1,"y":2}' ORIGIN/topics/${name}/records`;
  setText($('empty-title'), missing ? `There is no topic ${name}` : records.length > 0 ? 'No numbers to draw' : 'Nothing to draw yet');
  setText($('empty-text'), missing ? 'Choose another one, or create it:'
    : records.length > 0 ? 'The records of this topic have no two numbers. A record that has them:' : 'Send a record with the numbers x and y, and it appears here:');
  // The name may come from a link that somebody else made: nothing that a shell would act on.
  $('empty-command').hidden = !kTopicName.test(name);
  $('empty-command').dataset.command =
      missing ? `curl -d '{"name":"${name}"}' ORIGIN/topics` : `curl -H 'Content-Type: application/json' -d ${record}`;
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
  let names = [];
  try {
    names = (await getJson('/topics')).topics.map((t) => t.name);
  } catch {
    // The status says that the server does not answer; the list comes with a later look.
  }
  if (!name) {
    if (names.length === 0) return void setTimeout(listTopics, 2_000);
    follow(names.includes('player-positions') ? 'player-positions' : names[0]);
  }
  fillSelect($('topic'), names.includes(name) ? names : [name, ...names], name);
  setTimeout(listTopics, 10_000);
}

if (name) follow(name);
listTopics();
