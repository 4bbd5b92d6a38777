// Studio: the graph of the running dataflow with its figures, and what is behind each node. What is open
// is in the address (#service/NAME, #topic/NAME, #operator/SERVICE/0, #state/SERVICE/NAME), so that it can be
// linked to, and "back" closes it.

import {Status, getJson} from '../live.js';
import {Rates} from '../rates.js';
import {$, setText} from '../dom.js';
import {Shell} from '../shell.js';
import {GraphView} from './graph.js';
import {buildGraph, countersOf, edgeRate, operatorFigures, serviceFigures, serviceId, topicId} from './model.js';
import {decodeHash, encodeHash} from './parts.js';
import {TopicView} from './records.js';
import {StateView, loadColumns} from './rows.js';
import {OperatorView, ServiceView} from './services.js';

const kPollInterval = 1_000;
const kStaleAfter = 15_000;
const kGraphAgain = 10;        // polls until the graph is asked for again: the server may run another one

const kFits = 0.7;             // a graph that is readable as a whole is shown as a whole

let status = Status.connecting;
let advanced_at = null;        // when records last came in; null: nobody knows
let polls = 0;
let described = '';            // the graph that is drawn, as text
let graph = null;
let open = {hash: '', node: null, view: null};
let opener = null;             // what had the focus before

const rates = new Rates('gameflow.rates.studio');
const context = {
  rates,
  dataflow: null,              // the last answer of GET /dataflow
  topics: new Map(),           // of GET /topics, by name
  columns: new Map(),
  get graph() { return graph; },
  get deadLetterTopic() { return this.dataflow.dead_letter_topic; },
  topic(name) { return this.topics.get(name); },
  stateOf(service, state) { return this.dataflow.services.find(({name}) => name === service)?.states.find(({name}) => name === state); },
  columnsOf(service, state) { return this.columns.get(`${service}/${state}`) ?? []; },
  invalidate: () => shell.news(),
};

const view = new GraphView($('canvas'), $('stage'), openHash);
const shell = new Shell({
  draw,
  status: () => status,
  age: () => (advanced_at === null ? null : Date.now() - advanced_at),
  state: () => ({polls, open: open.hash, found: $('found').textContent, nodes: view.box, zoom: view.camera.zoom,
    edges: graph?.edges ?? [], view: open.view?.state() ?? null}),
});

async function poll() {
  if (!document.hidden) {
    try {
      await ask();
      polls += 1;
      $('gone').hidden = true;
      $('loading').hidden = true;
    } catch (error) {
      if (error.status === undefined && error.name === 'ReferenceError') throw error;
      status = Status.disconnected;
      rates.clear();
      described = '';  // whoever answers next may run another dataflow
      $('gone').hidden = graph === null;
      shell.refreshStatus();
    }
    shell.invalidate();
  }
  setTimeout(poll, kPollInterval * (0.9 + Math.random() / 5));
}

async function ask() {
  const [dataflow, listed] = await Promise.all([getJson('dataflow').catch(noneIf404), getJson('topics')]);
  context.topics = new Map(listed.topics.map((topic) => [topic.name, topic]));
  context.dataflow = dataflow;
  $('none').hidden = dataflow !== null;
  if (dataflow === null) {
    status = Status.empty;
    $('stage').replaceChildren();
    graph = null;
    described = '';
    return;
  }
  if (described === '' || polls % kGraphAgain === 0) await describe(dataflow);
  measure(listed.now, dataflow);
}

function noneIf404(error) {
  if (error.status === 404) return null;
  throw error;
}

async function describe(dataflow) {
  const [description, columns] = await Promise.all([getJson('dataflow/graph'), loadColumns()]);
  const text = JSON.stringify(description);
  context.columns = columns;
  if (text === described) return;
  const is_first = graph === null;
  const was = JSON.stringify([...(graph?.nodes.values() ?? [])]);
  described = text;
  graph = buildGraph(description, dataflow);
  if (was === JSON.stringify([...graph.nodes.values()])) return;
  view.setGraph(graph, !is_first);
  setText($('title'), dataflow.name);
  document.title = `${dataflow.name} · Studio · gameflow`;
  const operators = [...graph.nodes.values()].reduce((sum, {operators: list}) => sum + list.length, 0);
  const topics = [...graph.nodes.values()].filter(({kind}) => kind === 'topic').length;
  setText($('summary'), `${dataflow.version} · ${dataflow.services.length} services · ${operators} operators · ${topics} topics`);
  find();
  show(is_first);
}

function measure(at, dataflow) {
  const made = new Set(dataflow.services.flatMap(({sinks}) => sinks).concat(dataflow.dead_letter_topic ?? []));
  let records = 0;
  for (const topic of context.topics.values()) {
    const end = topic.partitions.reduce((sum, p) => sum + p.end, 0);
    const grew = rates.add(topic.name, at, end);
    if (made.has(topic.name)) continue;
    records += end;
    if (grew) advanced_at = Date.now();
  }
  for (const service of dataflow.services) {
    for (const [name, count] of countersOf(service)) rates.add(name, at, count);
  }
  if (records === 0) status = Status.empty;
  else if (polls === 0) status = Status.filling;
  else status = advanced_at === null || Date.now() - advanced_at > kStaleAfter ? Status.stale : Status.live;
  $('waiting').hidden = status !== Status.empty;
}

function draw() {
  const {dataflow} = context;
  if (!graph || !dataflow) return;
  const services = new Map(dataflow.services.map((service) => [serviceId(service.name), service]));
  view.update((id) => {
    const service = services.get(id);
    if (service) return serviceFigures(service, dataflow.now, rates);
    const name = id.slice(id.indexOf('/') + 1), topic = context.topic(name);
    return topic ? {rate: rates.of(name), records: topic.records} : null;
  });
  view.updateEdges((edge) => edgeRate(edge, rates));
  view.updateOperators((id, operator) => services.has(id) && operatorFigures(services.get(id), operator, rates).failed > 0);
  open.view?.update();
  open.view?.draw();
}

// --- what is open ----------------------------------------------------------------------------------

function openHash(hash) {
  const wanted = `#${encodeHash(hash)}`;
  if (location.hash === wanted) $('details-title').focus();
  else location.hash = wanted;
}

// What the address asks for: {node, kind, title, view}, or null.
function resolve(hash) {
  const [kind, name, rest, more] = decodeHash(hash);
  const id = kind === 'topic' ? topicId(name) : serviceId(name);
  const node = graph?.nodes.get(id);
  if (!node) return null;
  if (kind === 'topic') return {node: id, kind: 'Topic', title: name, make: () => new TopicView(name, context, rest, more)};
  if (kind === 'service') return {node: id, kind: 'Service', title: name, make: () => new ServiceView(name, context)};
  if (kind === 'state' && node.states.some((s) => s.name === rest)) return {node: id, kind: `State of ${name}`, title: rest, make: () => new StateView(name, rest, context)};
  const operator = kind === 'operator' ? node.operators[Number(rest)] : undefined;
  return operator ? {node: id, kind: `Operator of ${name}`, title: operator.name, make: () => new OperatorView(name, operator, context)} : null;
}

function show(is_first = false) {
  const hash = decodeHash(location.hash).join('/');
  const found = hash === '' ? null : resolve(location.hash);
  open.view?.close();
  const was_open = open.view !== null;
  open = {hash: found ? hash : '', node: found?.node ?? null, view: found?.make() ?? null};
  $('details').hidden = !found;
  guardCanvas();
  view.select(open.node, open.hash);
  if (found) {
    if (!was_open) opener = $('stage').contains(document.activeElement) ? document.activeElement : null;
    setText($('details-kind'), found.kind);
    setText($('details-title'), found.title);
    $('details-body').replaceChildren(open.view.body);
    $('details-body').scrollTop = 0;
    open.view.update();
    open.view.draw();
    if (!was_open && view.camera.fitZoom() >= kFits) view.camera.fit();  // there is less room now
    else view.show(open.node, is_first ? {centre: true} : {});
    $('details-title').focus({preventScroll: true});
  } else if (was_open) {
    const back = opener?.isConnected ? opener : null;
    if (back) back.focus({preventScroll: true});
    else $('canvas').querySelector('.node-name[tabindex="0"]')?.focus({preventScroll: true});
  }
}

function close() {
  if (open.view === null) return false;
  history.pushState(null, '', location.pathname);
  show();
  return true;
}

// Where what is open covers the graph, Tab must not come to it.
const narrow = matchMedia('(max-width: 900px)');
function guardCanvas() {
  $('canvas').inert = open.view !== null && narrow.matches;
}
narrow.addEventListener('change', guardCanvas);
addEventListener('hashchange', () => show());
addEventListener('popstate', () => {
  if (location.hash === '') show();
});
$('details-close').addEventListener('click', close);

// --- search, zoom, keys ----------------------------------------------------------------------------

let found_at = -1;

function find() {
  const text = $('search').value.trim();
  const found = view.find(text);
  found_at = -1;
  setText($('found'), text === '' ? '' : found.length === 0 ? 'none' : `${found.length} found`);
  if (found.length > 0) view.show(found[0], {centre: true, zoom_min: 0.5});
}

$('search').addEventListener('input', find);
$('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const found = view.find($('search').value.trim());
  if (found.length === 0) return;
  found_at = (found_at + 1) % found.length;
  view.show(found[found_at], {centre: true, zoom_min: 0.5});
  view.focus(found[found_at]);
});
$('zoom-in').addEventListener('click', view.camera.zoomIn);
$('zoom-out').addEventListener('click', view.camera.zoomOut);
$('zoom-fit').addEventListener('click', () => view.camera.fit());
addEventListener('resize', () => view.camera.zoomBy(1));

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input, select, textarea');
  if (event.key === 'Escape') {
    if (event.target.matches('input') && event.target.value !== '') {
      event.target.value = '';  // what was searched for goes first
      event.target.dispatchEvent(new Event('input'));
    } else if (!close() && $('search').value !== '') {
      $('search').value = '';
      find();
    } else {
      return;
    }
    event.preventDefault();
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    $('search').focus();
    event.preventDefault();
  }
});

setInterval(() => shell.refreshStatus(), 1_000);
poll();
