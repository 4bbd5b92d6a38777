// /dash/NAME: a dashboard of the server as a page. What is chosen is in the address; what is shown is followed over one WebSocket.

import {signInAfter, Status} from '../live.js';
import {$, el, setText} from '../dom.js';
import {Shell} from '../shell.js';
import {nameOf, readAddress, writeAddress} from './address.js';
import {controls} from './controls.js';
import {kColumns, spansOf} from './layout.js';
import {kProgressQuery, progressOf} from './origin.js';
import {Panel, PanelState} from './panel.js';
import {LiveQueries} from './queries.js';
import {boundsOf, isLive} from './range.js';
import {kTypes} from './types.js';
import {Variables} from './variables.js';
import {patch} from './view.js';
import {offsetText} from './zones.js';

const kLookInterval = 5_000;   // for another version of the dashboard
const kOptionsEvery = 5_000;
const kLookTimeout = 5_000;
const kProgressEvery = 2_000;
const kSkewMin = 3_000;        // less is the way of the answer
const kWallScale = 1.3;
const kWallGap = 12, kUnit = 40;

const name = nameOf(location.pathname);
let dashboard = null;
let missing = false;
let choice = {range: {last: 3_600_000}, zone: 'UTC', wall: false, variables: {}};
let bounds = null;
let panels = [];
let variables = new Variables();
let asked = '';                // what was asked for last, as text
let skew = 0;                  // ms that the server's clock is ahead of ours, where that matters
const ui = {};                 // what is being chosen, and is not yet part of `choice`

const queries = new LiveQueries({onChange: () => {
  settle();
  shell.news();
}});

const followedProgress = queries.follow({sql: kProgressQuery, every: kProgressEvery});
let progress = {answer: null, tables: null};  // the last that is known

// What panels know of the page.
const page = {
  queries,
  get progress() {
    const {answer} = followedProgress;
    if (answer !== progress.answer && answer.rows !== null) progress = {answer, tables: progressOf(answer)};
    return progress.tables;
  },
  params,
  get dashboard() { return dashboard; },
  get choice() { return choice; },
  get bounds() { return bounds; },
  get now() { return Date.now() + skew; },
  get connected() { return queries.phase === 'open'; },
  get every() { return dashboard?.every ?? 1_000; },
  get live() { return dashboard?.time ? isLive(choice.range, page.now) : true; },
  get whole() { return choice.range.day !== undefined || choice.range.last === undefined; },  // its end is shown, even if it is to come
  get scale() { return choice.wall ? kWallScale : 1; },
  setRange: (from, to) => choose({range: {from: Math.round(from), to: Math.round(to)}}),
};

const shell = new Shell({
  draw,
  status,
  age: () => queries.age,
  words: {[Status.missing]: 'No such dashboard', [Status.filling]: 'Loading'},
  state: () => ({dashboard: name, version: dashboard?.version ?? null, choice, bounds, panels: panels.map((panel) => panel.report()), queries: queries.state()}),
});

function status() {
  if (missing) return Status.missing;
  if (queries.phase === 'connecting' || dashboard === null) return queries.phase === 'disconnected' ? Status.disconnected : Status.connecting;
  if (queries.phase !== 'open') return Status.disconnected;
  const states = panels.map(({state}) => state);
  if (states.includes(PanelState.loading)) return Status.filling;
  const told = states.filter((state) => state === PanelState.live || state === PanelState.stale);
  return told.length > 0 && told.every((state) => state === PanelState.stale) ? Status.stale : Status.live;
}

// Values of `:NAME` in queries; `:now` is the server's own.
function params() {
  return {...variables.values(choice.variables), zone: choice.zone, ...(bounds ? {from: bounds.from, to: bounds.to} : {})};
}

// Options have come, perhaps: a variable that has to have a value takes the first one, and a text may be a number.
function settle() {
  if (!dashboard) return;
  const first = variables.firstOf(choice.variables);
  if (Object.keys(first).length > 0) choose({variables: {...choice.variables, ...first}}, {replace: true});
  else if (JSON.stringify([variables.isKnown(choice.variables), params()]) !== asked) ask(true);
}

// Another choice: it goes into the address, and everything is asked for anew.
function choose(change, {replace = false} = {}) {
  choice = {...choice, ...change};
  const address = location.pathname + writeAddress(choice, dashboard);
  if (address !== location.pathname + location.search) history[replace ? 'replaceState' : 'pushState'](null, '', address);
  if (!replace) shell.resume();
  ask(true);
}

function ask(chosen) {
  bounds = dashboard.time ? boundsOf(choice.range, choice.zone, page.now) : null;
  variables.ask(queries, params(), Math.max(page.every, kOptionsEvery));
  const known = variables.isKnown(choice.variables);
  asked = JSON.stringify([known, params()]);
  if (known) for (const panel of panels) panel.follow(chosen);
  shell.invalidate();
}

function draw() {
  if (!dashboard) return;
  patch($('controls'), controls({dashboard, variables: variables.describe(choice.variables), state: choice, bounds, now: page.now, ui, actions: {
    setVariable: (variable, value) => choose({variables: {...choice.variables, [variable]: value}}),
    setRange: (range) => choose({range}),
    setZone: (zone) => choose({zone}),
    update: () => draw(),
  }}));
  setText($('zone'), `Times in ${choice.zone.replaceAll('_', ' ')}${choice.zone === 'UTC' ? '' : ` (${offsetText(choice.zone, page.now)})`}`);
  $('wall').href = writeAddress({...choice, wall: true}, dashboard);
  for (const panel of panels) panel.draw();
}

// The theme changed: charts take their colours from the style sheet.
new MutationObserver(redraw).observe(document.documentElement, {attributeFilter: ['data-theme']});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
function redraw() {
  for (const panel of panels) panel.draw(true);
}

function build(description) {
  const focus = window.scrollY;
  for (const one of [...panels, variables]) one.close();
  dashboard = description;
  variables = new Variables(dashboard.variables);
  choice = readAddress(location.search, dashboard);
  document.title = `${dashboard.title ?? name} · gameflow`;
  document.documentElement.toggleAttribute('data-wall', choice.wall);
  setText($('title'), dashboard.title ?? name);
  setText($('description'), dashboard.description ?? '');
  $('description').hidden = !dashboard.description;
  panels = [];
  const rows = dashboard.rows ?? [], titled = rows.findIndex(({title}) => title);
  $('rows').replaceChildren(...rows.map((row, i) => rowNode(row, i < titled || titled === -1)));
  fitWall();
  ask(false);
  settle();
  draw();
  document.body.dataset.built = '';
  scrollTo(0, focus);
}

const usualHeight = ({type}) => kTypes[type]?.height ?? 4;
const heightOf = (row) => row.height ?? Math.max(...row.panels.map(usualHeight));

// Of a panel that has a line for itself: it need not be as high as those that are beside it elsewhere.
function ownHeight(spec, row) {
  const height = heightOf(row);
  return row.panels.some((one) => usualHeight(one) >= height) ? Math.min(height, usualHeight(spec)) : height;
}

// `is_first`: no row before has a title, so its panels' titles follow that of the page.
function rowNode(row, is_first) {
  const spans = spansOf(row.panels);
  const grid = el('div', {class: 'grid'});
  grid.style.setProperty('--height', String(heightOf(row)));
  row.panels.forEach((spec, i) => {
    const panel = new Panel(spec, page);
    panel.node.style.setProperty('--small-height', String(ownHeight(spec, row)));
    panel.node.style.setProperty('--middle-height', String(spans[i].middle === kColumns ? ownHeight(spec, row) : heightOf(row)));
    for (const [size, span] of Object.entries(spans[i])) panel.node.style.setProperty(`--${size}`, String(span));
    if (is_first) panel.node.querySelector('h3').setAttribute('aria-level', '2');
    panels.push(panel);
    grid.append(panel.node);
  });
  return el('section', {class: 'row'}, ...(row.title ? [el('h2', {}, row.title)] : []), grid);
}

// A wall screen shows all rows at once, as large as they fit.
function fitWall() {
  const root = document.documentElement;
  if (!choice.wall) return root.style.removeProperty('--unit');
  const rows = dashboard.rows ?? [], units = rows.reduce((sum, row) => sum + heightOf(row), 0);
  const room = innerHeight - 56 - rows.reduce((sum, {title}) => sum + kWallGap + (title ? 32 : 0), 0);
  root.style.setProperty('--unit', `${Math.max(kUnit, Math.floor(room / Math.max(1, units)))}px`);
}

// Looks whether the dashboard is another one now: a file that is being written, or a server that was started with others.
async function look() {
  if (!document.hidden) {
    const description = await describe();
    if (description && description.version !== dashboard?.version) build(description);
    $('missing').hidden = !missing;
    shell.refreshStatus();
  }
  setTimeout(look, kLookInterval);
}

// null where it did not answer, or has no such dashboard.
async function describe() {
  let response;
  try {
    response = await fetch(`dashboards/${encodeURIComponent(name)}`, {cache: 'no-store', signal: AbortSignal.timeout(kLookTimeout)});
    signInAfter(response.status);
    missing = response.status === 404;
    if (missing) {
      document.body.dataset.built = '';
      setText($('missing-title'), `There is no dashboard ${name}`);
      setText($('missing-text'), 'A dashboard is a file dashboards/NAME.yaml beside the dataflow. The page goes on when it is there.');
    }
    if (!response.ok) return null;
    // The header has whole seconds; ranges are those of the server's clock, so a browser's that is off does not matter.
    const ahead = Date.parse(response.headers.get('Date')) - Date.now();
    skew = Math.abs(ahead) > kSkewMin ? ahead : 0;
    return await response.json();
  } catch {
    return null;
  }
}

function tick() {
  if (dashboard && bounds && !document.hidden && page.now >= bounds.until) ask(false);
  shell.refreshStatus();
  shell.invalidate();
}

addEventListener('popstate', () => {
  if (!dashboard) return;
  choice = readAddress(location.search, dashboard);
  document.documentElement.toggleAttribute('data-wall', choice.wall);
  fitWall();
  ask(true);
});
addEventListener('keydown', ({key}) => {
  if (key === 'Escape' && choice.wall) location.search = writeAddress({...choice, wall: false}, dashboard);
});
addEventListener('resize', fitWall);
addEventListener('online', () => queries.wake());
document.addEventListener('visibilitychange', () => queries.wake());
setInterval(tick, 1_000);
look();
