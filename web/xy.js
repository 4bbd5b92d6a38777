// Any topic as a chart: two numbers of each record, x and y by name if the records have them.
// The choice lives in the address: ?topic=NAME&x=FIELD&y=FIELD&kind=line|scatter

import {Chart, seriesColour} from './chart.js';
import {LiveTopic, Status, getJson} from './live.js';
import {Shell, $, el, setText} from './shell.js';
import {plain, short, whole} from './format.js';

const kPoints = 2_000;      // kept and drawn
const kDepth = 4;           // of nested objects that are searched for numbers
const kFieldsMax = 100;
const kTime = '(record time)';
const kTopicName = /^[\w.-]{1,200}$/;

const parameters = new URLSearchParams(location.search);
const chosen = {x: parameters.get('x'), y: parameters.get('y'), kind: parameters.get('kind')};
const chart = new Chart($('chart'));
let name = parameters.get('topic');
let topic = null;
let records = [];           // the last ones: {timestamp, value}
let fields = new Set();     // dotted paths of numbers seen
let without = 0;            // records without the two numbers
let drawn = {x: null, y: null, kind: null, points: 0, last: null};

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
}

function take({timestamp, value}) {
  records.push({timestamp, value});
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
function kindOf(points) {
  if (chosen.kind === 'line' || chosen.kind === 'scatter') return chosen.kind;
  return points.every((point, i) => i === 0 || point[0] >= points[i - 1][0]) ? 'line' : 'scatter';
}

function draw() {
  const {x, y} = axes();
  const points = [];
  const shown = records.slice(-kPoints);
  for (const record of y ? shown : []) {
    const px = numberAt(record, x), py = numberAt(record, y);
    if (px !== undefined && py !== undefined) points.push([px, py]);
  }
  if (x === kTime) points.sort((a, b) => a[0] - b[0]);  // partitions arrive side by side
  without = shown.length - points.length;
  const kind = kindOf(points);
  drawn = {x, y: y ?? null, kind, points: points.length, last: points.at(-1) ?? null};
  fillSelect($('x'), [kTime, ...fields], x);
  fillSelect($('y'), [...fields], y);
  for (const button of $('kind').children) button.setAttribute('aria-pressed', String(button.value === kind));
  drawEmpty(points.length);
  setText($('points'), points.length === 0 ? '\u00a0'
    : `${whole(points.length)} points${without > 0 ? `; ${whole(without)} records without these numbers` : ''}`);
  chart.draw({
    aria: {enabled: true, label: {description: `${points.length} points of topic ${name}, ${y} over ${x}.`}},
    grid: {left: 8, right: 24, top: 36, bottom: 24, containLabel: true},
    tooltip: {trigger: kind === 'line' ? 'axis' : 'item', valueFormatter: (v) => (Array.isArray(v) ? v : [v]).map(plain).join(', ')},
    xAxis: {type: x === kTime ? 'time' : 'value', scale: true, name: x === kTime ? '' : x, nameLocation: 'middle', nameGap: 28},
    yAxis: {type: 'value', scale: true, name: y ?? '', labels: short},
    series: [{
      id: 'points', name: y ?? '', type: kind, data: points, color: seriesColour(0), showSymbol: points.length < 3,
      symbolSize: kind === 'scatter' ? 6 : 4, itemStyle: {opacity: kind === 'scatter' ? 0.7 : 1},
      lineStyle: {width: 1.5}, sampling: kind === 'line' ? 'lttb' : undefined,
    }],
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
