// Any topic or state as a chart: lines, points, or the newest values as bars. What there is to choose, and what is
// drawn when nothing was, is the source's: topic_source.js or state_source.js. The choice lives in the address:
// ?topic=NAME or ?state=SERVICE/STATE, &y=FIELD &x=FIELD &by=FIELD &kind=line|scatter|bars

import {Chart} from './chart.js';
import {Places, drawPicture} from './chart_picture.js';
import {Status, getJson} from './live.js';
import {$, el, setText} from './dom.js';
import {Shell} from './shell.js';
import {StateSource} from './state_source.js';
import {TopicSource} from './topic_source.js';
import {listStates, placeOf} from './states.js';

const kTopicName = /^[\w.-]{1,200}$/;
const kListInterval = 10_000, kListRetry = 2_000;
const kChoices = ['x', 'y', 'by', 'kind'];

const parameters = new URLSearchParams(location.search);
const chosen = Object.fromEntries(kChoices.map((choice) => [choice, parameters.get(choice)]));
const chart = new Chart($('chart'));
const places = new Places();
let source = null;
let server = Status.connecting;  // what is known while there is no source
let filled = false;              // the first fill was drawn: colours stay as they are
let schemas = new Map();         // topic -> name of its type, or null
let usual;                       // topic to begin with: the first one with places to draw, else the first one
let states = [];                 // SERVICE/STATE
let drawn = {x: null, y: null, by: null, kind: null, points: 0};

const shell = new Shell({
  draw,
  status: () => source?.status ?? server,
  age: () => source?.age ?? null,
  state: () => ({name: source?.name ?? null, ...(source?.state() ?? {topic: null, without: 0}), filled, ...drawn, series: chart.drawn()}),
});

const is_state = (name) => name.includes('/');

function follow(name) {
  source?.close();
  const events = {onNews: () => shell.news(), onChange: () => shell.invalidate(), onTick: () => shell.refreshStatus()};
  source = is_state(name) ? new StateSource(name, events) : new TopicSource(name, {schema: () => schemas.get(name) ?? null, ...events});
  document.title = `${name} · gameflow`;
  filled = false;
  shell.invalidate();
}

function draw() {
  if (source === null) return;
  const choices = source.choices(chosen), {x, y, by, kinds, kind} = choices;
  if (!filled) places.clear();
  filled = source.status === Status.live || source.status === Status.stale;
  const picture = source.picture(choices);
  drawn = {x: x.value ?? null, y: y.value ?? null, by: by.value ?? null, kind, points: picture.points, more: picture.more,
    bars: (picture.bars ?? []).map(({name, value}) => [name, value])};
  for (const [id, {options, value}] of Object.entries({x, y, by})) fillSelect($(id), [['', options]], value);
  $('x').disabled = x.used === false;
  for (const button of $('kind').children) {
    button.setAttribute('aria-pressed', String(button.value === kind));
    button.disabled = !kinds.includes(button.value);
  }
  drawEmpty(picture.points);
  setText($('points'), picture.note || '\u00a0');
  drawPicture(chart, picture, places, source.name);
}

function drawEmpty(points) {
  const why = points > 0 || source.status === Status.connecting ? null : source.whyEmpty();
  $('empty').hidden = why === null;
  if (why === null) return;
  const [title, text, command] = why;
  setText($('empty-title'), title);
  setText($('empty-text'), text);
  // The name may come from a link that somebody else made: nothing that a shell would act on.
  $('empty-command').hidden = command === null || !(is_state(source.name) || kTopicName.test(source.name));
  $('empty-command').dataset.command = command ?? '';
}

// `groups`: [[title or '', names]]
function fillSelect(select, groups, value) {
  const wanted = JSON.stringify(groups);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    const options = (names) => names.map((name) => el('option', {value: name}, name));
    select.replaceChildren(...groups.flatMap(([title, names]) => (title === '' ? options(names) : [el('optgroup', {label: title}, ...options(names))])));
  }
  if (value !== undefined && select.value !== value && document.activeElement !== select) select.value = value;
}

function choose(changes) {
  Object.assign(chosen, changes);
  filled = false;
  const url = new URL(location.href);
  url.search = '';
  url.searchParams.set(is_state(source.name) ? 'state' : 'topic', source.name);
  for (const [key, value] of Object.entries(chosen)) {
    if (value) url.searchParams.set(key, value);
  }
  history.replaceState(null, '', url);
  draw();
}

$('topic').addEventListener('change', () => {
  follow($('topic').value);
  choose({x: null, y: null, by: null, kind: null});
});
for (const id of ['x', 'y', 'by']) $(id).addEventListener('change', () => choose({[id]: $(id).value}));
for (const button of $('kind').children) button.addEventListener('click', () => choose({kind: button.value}));
addEventListener('resize', () => shell.invalidate());

async function list() {
  try {
    const [{topics}, listed] = await Promise.all([getJson('topics'), listStates().catch(() => [])]);
    schemas = new Map(topics.map((topic) => [topic.name, topic.schema]));
    usual = (topics.find(({columns}) => columns?.includes('x') && columns.includes('y')) ?? topics[0])?.name;
    states = listed.map(placeOf);
    server = Status.empty;
  } catch {
    server = Status.disconnected;  // the list comes with a later look
  }
  shell.invalidate();
  const names = [...schemas.keys()];
  if (source === null) {
    if (names.length === 0) return void setTimeout(list, kListRetry);
    follow(usual);
  }
  const {name} = source;
  const groups = [['Topics', is_state(name) || names.includes(name) ? names : [name, ...names]],
    ['States', !is_state(name) || states.includes(name) ? states : [name, ...states]]];
  fillSelect($('topic'), groups.filter(([, all]) => all.length > 0), name);
  setTimeout(list, kListInterval);
}

const first = parameters.get('state') ?? parameters.get('topic');
if (first) follow(first);
list();
