// The overview: what runs, how fast, what it has worked out, and what did not fit. Asks /dataflow, /topics and
// /connectors once a second, and for the results that changed.

import {Status, getJson} from './live.js';
import {$, el, setText} from './dom.js';
import {Shell} from './shell.js';
import {listDashboards} from './navigation.js';
import {Results, chooseResults} from './results.js';
import {listStates} from './states.js';
import {Rates, kHistory} from './rates.js';
import {LiveTable} from './live_table.js';
import {Sparkline} from './sparkline.js';
import {bytes, duration, rate, short, time, whole} from './format.js';

const kPollInterval = 1_000;
const kSlots = 30;             // places for points in the sparkline of a tile, at least
const kStaleAfter = 15_000;
const kTopicsShown = 100, kConnectorsShown = 100;
const kTopicName = /^[\w.-]{1,200}$/;

let status = Status.connecting;
let dataflow = null;           // the last answer of /dataflow; null: the server runs none
let topics = [];               // the last answer of /topics
let connectors = [];           // the last answer of /connectors
let advanced_at = null;        // when records last came in; null: nobody knows
let polls = 0;
const rates = new Rates('gameflow.rates.topics');
const moved = new Rates('gameflow.rates.connectors');  // what they move, by their own reports
const results = new Results($('results'));
const rest = new Results($('results-rest'), {only_seen: true});
let chosen = null;             // which results: {shown, rest}; null: not known yet
let dashboards = null;         // null: not known yet

const shell = new Shell({
  draw,
  status: () => status,
  age: () => (advanced_at === null ? null : Date.now() - advanced_at),
  state: () => ({
    polls,
    topics: Object.fromEntries(topics.map((t) => [t.name, {records: t.records, rate: rates.of(t.name)}])),
    connectors: Object.fromEntries(connectors.map((c) => [c.name, {state: c.state, records: c.records, rate: rateOf(c)}])),
    counters: totals(),
    results: {...results.state(), ...rest.state()},
  }),
});
const rateSpark = new Sparkline($('rate-spark'));
const numbers = (...titles) => titles.map((title) => [title, 'number']);
const topicTable = new LiveTable($('topics'),
  [['Topic'], ...numbers('Records', 'Per second'), ['Last 2 minutes', 'spark-column'], ...numbers('Stored', 'Partitions')]);
const serviceTable = new LiveTable($('services'),
  [['Service'], ...numbers('Records in', 'Out', 'Waiting', 'Late', 'Unread times', 'Dead', 'Open windows'), ['Watermark']]);
const connectorTable = new LiveTable($('connectors'),
  [['Connector'], ['Type'], ['Topics'], ['State'], ...numbers('Records', 'Per second', 'Waiting', 'Rejected'), ['Last error', 'message']]);
const clockTable = new LiveTable($('clocks'),
  [['Platform'], ...numbers('Events', 'Corrected', 'Not readable'), ['Last clock that was off']]);

const endOf = (topic) => topic.partitions.reduce((sum, {end}) => sum + end, 0);

function inputTopics() {
  if (!dataflow) return topics.map(({name}) => name);
  const made = new Set(dataflow.services.flatMap(({sinks}) => sinks).concat(dataflow.dead_letter_topic ?? []));
  return topics.map(({name}) => name).filter((name) => !made.has(name));
}

async function poll() {
  if (!document.hidden) {
    try {
      const [described, listed, connected] = await Promise.all([getDataflow(), getJson('topics'), getJson('connectors')]);
      dataflow = described;
      topics = listed.topics;
      measure(listed.now);
      measureConnectors(connected.connectors);
      polls += 1;
      lookAtResults();
    } catch {
      status = Status.disconnected;
      rates.clear();
      moved.clear();
      shell.refreshStatus();
    }
    shell.invalidate();
  }
  setTimeout(poll, kPollInterval * (0.9 + Math.random() / 5));
}

async function lookAtResults() {
  try {
    const has_states = dataflow?.services.some(({states}) => states?.length > 0);
    chosen = dataflow ? chooseResults(dataflow, has_states ? await listStates() : []) : {shown: [], rest: []};
  } catch {
    chosen ??= {shown: [], rest: []};
    return;  // a later poll asks again
  }
  const news = () => shell.invalidate();
  const updated = [results.update(chosen.shown, topics, news), rest.update(wantedRest(), topics, news)];
  shell.invalidate();  // cards have their room before they are read
  await Promise.all(updated);
  shell.invalidate();
}

// Of what is folded away: nothing until it is opened, then what is looked for.
function wantedRest() {
  if (!$('results-more').open) return [];
  const wanted = $('results-find').value.trim().toLowerCase();
  return chosen.rest.filter(({id, service}) => `${id} ${service}`.toLowerCase().includes(wanted));
}

listDashboards().then((list) => {
  dashboards = list;
  $('pages').prepend(...list.map(({name, title, description}) => el('a', {class: 'card', href: `dash/${encodeURIComponent(name)}`},
    el('h2', {}, title ?? name), el('p', {class: 'note'}, description ?? ''))));
  const command = list.find((dashboard) => dashboard.try)?.try;
  $('try-command').hidden = !command;
  $('try-command').dataset.command = command ?? '';
  shell.invalidate();
});
$('results-more').addEventListener('toggle', () => void lookAtResults());
$('results-find').addEventListener('input', () => void lookAtResults());

async function getDataflow() {
  try {
    return await getJson('dataflow');
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function measure(at) {
  const inputs = new Set(inputTopics());
  let records = 0;
  for (const topic of topics) {
    const end = endOf(topic);
    const grew = rates.add(topic.name, at, end);
    if (!inputs.has(topic.name)) continue;
    records += end;
    if (grew) advanced_at = Date.now();
  }
  if (records === 0) status = Status.empty;
  else if (polls === 0) status = Status.filling;
  else {
    advanced_at ??= newestEvent();
    status = advanced_at === null || Date.now() - advanced_at > kStaleAfter ? Status.stale : Status.live;
  }
}

// Between two reports nothing is known.
function measureConnectors(now) {
  const before = new Map(connectors.map((connector) => [connector.name, connector.reported_at_ms]));
  for (const {name, records, reported_at_ms: at} of now) {
    if (at !== null && at !== before.get(name)) moved.add(name, at, records);
  }
  connectors = now;
}

function rateOf({name, state}) {
  return state === 'running' ? moved.of(name) : null;
}

// Before any record was seen to come in: how old the newest one is, by its event time.
function newestEvent() {
  const partitions = (dataflow?.services ?? []).flatMap(({sources}) => sources).flatMap((source) => source.partitions);
  const newest = Math.max(...partitions.map(({watermark}) => watermark ?? -Infinity));
  return Number.isFinite(newest) ? Date.now() - Math.max(0, dataflow.now - newest) : null;
}

function totals() {
  const sum = {records_in: 0, records_out: 0, records_late: 0, records_dead: 0, windows_open: 0, windows_closed: 0};
  for (const {counters} of dataflow?.services ?? []) {
    for (const name of Object.keys(sum)) sum[name] += counters[name] ?? 0;
  }
  return sum;
}

// The service most of whose last minute was late, or null: few late records are nothing to shout about.
function mostLate() {
  const shares = (dataflow?.services ?? []).filter(({late_last_minute: l}) => l && l.records > 0)
    .map(({name, late_last_minute: l}) => ({name, share: l.late / l.records, reason: l.reason}));
  const worst = shares.sort((a, b) => b.share - a.share)[0];
  return worst && worst.share >= 0.5 ? worst : null;
}

function draw() {
  $('empty').hidden = status !== Status.empty || dashboards === null;
  if (dataflow) {
    const {name, version, services} = dataflow;
    setText($('dataflow'), `${name} ${version} · ${services.length} services · ${topics.length} topics`);
  }
  if (polls === 0) return;  // nothing is known yet, not even whether a dataflow runs here
  drawTiles();
  if (chosen === null || dashboards === null) return;
  $('later').hidden = false;
  drawResults();
  drawOwnCommand();
  drawTopics();
  drawServices();
  drawConnectors();
  drawClocks();
}

function drawTiles() {
  const inputs = inputTopics();
  const known = inputs.map((name) => rates.of(name)).filter((r) => r !== null);
  const records = topics.filter(({name}) => inputs.includes(name)).reduce((sum, topic) => sum + topic.records, 0);
  setText($('rate'), known.length > 0 ? rate(known.reduce((a, b) => a + b, 0)) : '–');
  setText($('rate-note'), `${short(records)} kept in ${inputs.length} topics`);
  const histories = inputs.map((name) => rates.history(name));
  const length = Math.max(0, ...histories.map((h) => h.length));
  rateSpark.draw(Array.from({length}, (_, i) => histories.reduce((sum, h) => sum + (h[h.length - length + i] ?? 0), 0)), Math.max(kSlots, length));

  const sum = totals();
  setText($('windows'), dataflow ? short(sum.windows_closed) : '–');
  setText($('windows-note'), dataflow ? `${whole(sum.windows_open)} open` : 'no dataflow runs here');
  setText($('late'), dataflow ? short(sum.records_late) : '–');
  setText($('dead'), dataflow ? short(sum.records_dead) : '–');
  const letters = sum.records_dead > 0 ? dataflow.dead_letter_topic : null;
  if (letters) $('dead').href = `studio#topic/${encodeURIComponent(letters)}`;
  setText($('dead-note'), letters ? `kept in ${letters}` : 'kept with reason');
  const worst = mostLate();
  setText($('late-note'), worst ? `${Math.round(worst.share * 100)} % of the last minute in ${worst.name}` : 'for their window');
  $('late-note').title = worst?.reason ?? '';
  $('late-tile').dataset.tone = worst ? 'bad' : sum.records_late > 0 ? 'warn' : '';
  $('dead-tile').dataset.tone = sum.records_dead > 0 ? 'bad' : '';
  const delays = (dataflow?.services ?? []).filter((s) => s.watermark !== null).map((s) => dataflow.now - s.watermark);
  setText($('delay'), delays.length > 0 ? duration(Math.max(...delays)) : '–');
  setText($('delay-note'), delays.length > 0 ? 'behind the clock' : 'no events yet');
}

function drawResults() {
  const {length} = chosen.rest;
  $('results-panel').hidden = chosen.shown.length === 0;
  $('results-more').hidden = length === 0;
  setText($('results-more').firstElementChild, `${whole(length)} more ${length === 1 ? 'result' : 'results'}`);
  results.draw();
  rest.draw();
}

// The topic that one's own records are for: with most of them, then the one that most services read, then the one that
// the dataflow names first. Topics of buttons are small, and read by the service that knows what they mean.
function topicToSendTo() {
  const sources = (dataflow?.services ?? []).flatMap((service) => service.sources.map(({topic}) => topic));
  const inputs = inputTopics();
  const records = new Map(topics.map((topic) => [topic.name, topic.records]));
  const readers = (name) => sources.filter((topic) => topic === name).length;
  const candidates = [...new Set([...sources, ...inputs])].filter((name) => inputs.includes(name));
  return candidates.sort((a, b) => records.get(b) - records.get(a) || readers(b) - readers(a))[0];
}

function drawOwnCommand() {
  const name = topicToSendTo();
  if (name && kTopicName.test(name)) $('own-command').dataset.command = $('own-command').dataset.of.replace('TOPIC', name);
}

const linkTo = (href, text) => (cell) => cell.firstChild ?? cell.append(el('a', {href}, text));

const sparks = new WeakMap();  // cell -> its Sparkline

function sparkIn(cell) {
  if (!sparks.has(cell)) {
    const box = el('div', {class: 'spark'});
    cell.append(box);
    sparks.set(cell, new Sparkline(box));
  }
  return sparks.get(cell);
}

const rateText = (perSecond) => (perSecond === null ? '–' : rate(perSecond));
const namesOf = (all) => all.map(({name}) => name);

function drawTopics() {
  const shown = topics.slice(0, kTopicsShown);
  setText($('topics-note'), topics.length > kTopicsShown ? `the first ${kTopicsShown} of ${whole(topics.length)}` : '');
  topicTable.set(shown.map(({name, records, bytes: stored, partitions}) => [
    linkTo(`stat/page-echarts.html?topic=${encodeURIComponent(name)}`, name), short(records), rateText(rates.of(name)),
    (cell) => sparkIn(cell).draw(rates.history(name), kHistory), bytes(stored), partitions.length,
  ]), namesOf(shown));
}

function drawServices() {
  const services = dataflow?.services ?? [];
  $('services-panel').hidden = services.length === 0;
  serviceTable.set(services.map(({name, counters, sources, watermark}) => [
    linkTo(`studio#service/${encodeURIComponent(name)}`, name), short(counters.records_in), short(counters.records_out),
    short(sources.flatMap(({partitions}) => partitions).reduce((sum, {lag}) => sum + lag, 0)),
    [short(counters.records_late), counters.records_late > 0 ? 'warn' : ''],
    [short(counters.timestamp_fallbacks), counters.timestamp_fallbacks > 0 ? 'warn' : '', 'times that could not be read, for which another was taken'],
    [short(counters.records_dead), counters.records_dead > 0 ? 'bad' : ''], short(counters.windows_open),
    watermark === null ? '–' : `${time(watermark)}, ${duration(dataflow.now - watermark)} behind`,
  ]), namesOf(services));
}

const kTones = {failed: 'bad', lost: 'bad', retrying: 'warn'};  // of states of connectors

function drawConnectors() {
  $('connectors-panel').hidden = connectors.length === 0;
  const shown = connectors.slice(0, kConnectorsShown);
  connectorTable.set(shown.map((connector) => {
    const {name, type, direction, topics: of, state, reported_at_ms: at, records, lag, rejected, last_error: error} = connector;
    const topicNames = of.length === 0 ? '–' : `${direction === 'sink' ? 'from' : 'to'} ${of.slice(0, 3).join(', ')}${of.length > 3 ? ', …' : ''}`;
    return [name, type ?? '–', topicNames, [state, kTones[state]], at === null ? '–' : short(records), rateText(rateOf(connector)),
      lag === null ? '–' : short(lag), [short(rejected), rejected > 0 ? 'bad' : ''], [error?.split('\n', 1)[0] ?? '', '', error ?? '']];
  }), namesOf(shown));
}

function drawClocks() {
  const clocks = dataflow?.clocks ?? [];
  $('clocks-panel').hidden = clocks.length === 0;
  clockTable.set(clocks.map(({platform, events, corrected, unreadable, drift_ms: drift}) => [
    platform || 'all', short(events), [short(corrected), corrected > 0 ? 'warn' : ''], [short(unreadable), unreadable > 0 ? 'bad' : ''],
    corrected === 0 ? '–' : `${duration(Math.abs(drift))} ${drift > 0 ? 'behind' : 'ahead'}`,
  ]), clocks.map(({platform}) => platform));
}

setInterval(() => shell.refreshStatus(), 1_000);
poll();
