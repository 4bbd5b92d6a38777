// A service and an operator: code, counters, partitions, and what failed last.

import {el, setText} from '../dom.js';
import {LiveTable} from '../live_table.js';
import {duration, rate, short, time, whole} from '../format.js';
import {codeBlock} from './code.js';
import {operatorFigures, serviceFigures, serviceId, topicId} from './model.js';
import {LiveFacts, facts, failureItem, linkTo, links, recordList, section} from './parts.js';
import {searchBack} from './search.js';

const kFailures = 10;

// The last dead letters of a service or of one of its operators, looked for again whenever there are more of them.
class Failures {
  #wanted;
  #context;
  #list = recordList({});
  #note = el('p', {class: 'note', role: 'status'}, 'None.');
  #seen = -1;
  #stop = new AbortController();
  shown = [];
  node;

  // `operator`: undefined: of all
  constructor(service, operator, context) {
    this.#context = context;
    this.#wanted = {service, operator};
    this.node = section('Last failures', this.#note, this.#list);
  }

  update(dead) {
    if (dead === this.#seen) return;
    this.#seen = dead;
    if (dead === 0) return;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#load(this.#stop.signal).catch(() => (this.#seen = -1));
  }

  close() {
    this.#stop.abort();
  }

  async #load(signal) {
    const {service, operator} = this.#wanted;
    const topic = this.#context.deadLetterTopic;
    const info = this.#context.topic(topic);
    if (!info) return;
    const mine = ({value}) => value?.service === service && (operator === undefined || value.operator === operator);
    const contains = `"service":${JSON.stringify(service)}${operator === undefined ? '' : `,"operator":${JSON.stringify(operator)}`}`;
    const found = [];
    for await (const {records} of searchBack(topic, info.partitions, contains, signal)) {
      found.push(...records.filter(mine));
      if (found.length >= kFailures) break;
    }
    if (signal.aborted) return;
    this.shown = found.slice(0, kFailures);
    this.#list.replaceChildren(...this.shown.map((record) => failureItem(record, operator === undefined)));
    setText(this.#note, found.length === 0 ? 'None that is kept.' : found.length > kFailures ? `The newest ${kFailures}.` : '');
    if (found.length > 0) this.#note.append(' ', linkTo(topicId(topic), 'All dead letters'));
  }
}

const kSince = 'Since the server started.';

function tableOf(label, columns, name = '') {
  const node = el('table', {class: `rows ${name}`});
  return {table: new LiveTable(node, columns), node: el('div', {class: 'scroll', role: 'region', 'aria-label': label, tabindex: '0'}, node)};
}

const countAndRate = (n, per_second) => (n === null ? '–' : per_second > 0 ? `${whole(n)} (${rate(per_second)} /s)` : whole(n));
const failedCell = (n) => [whole(n), n > 0 ? 'bad' : ''];

function counterFacts(service, now, context) {
  const f = serviceFigures(service, now, context.rates), {counters} = service;
  return {
    In: countAndRate(counters.records_in, f.in),
    Out: countAndRate(counters.records_out, f.out),
    Lag: [whole(f.lag), f.held ? 'warn' : ''],
    Watermark: f.delay === null ? '–' : `${duration(f.delay)} behind`,
    Late: [whole(counters.records_late), counters.records_late > 0 ? 'warn' : ''],
    'Unread times': [whole(counters.timestamp_fallbacks), counters.timestamp_fallbacks > 0 ? 'warn' : ''],
    'Dead letters': [whole(counters.records_dead), counters.records_dead > 0 ? 'bad' : ''],
  };
}

export class ServiceView {
  #name;
  #context;
  #facts;
  #held = el('p', {class: 'warn', hidden: ''}, 'Gets no input at the moment: memory is full of its state.');
  #stopped = el('p', {class: 'bad', hidden: ''});
  #late = el('p', {class: 'warn', hidden: ''});
  #operators = tableOf('Operators', [['Operator'], ['In', 'number'], ['Out', 'number'], ['Failed', 'number']], 'steps');
  #names;
  #partitions = tableOf('Input', [['Partition'], ['Next', 'number'], ['Lag', 'number'], ['Watermark']]);
  #failures;
  body = el('div', {});

  constructor(name, context) {
    this.#name = name;
    this.#context = context;
    this.#failures = new Failures(name, undefined, context);
    const {graph} = context;
    const id = serviceId(name), node = graph.nodes.get(id);
    const timed = ['Late', 'Watermark', node.join ? 'Kept' : 'Windows'];
    this.#facts = new LiveFacts(['In', 'Out', 'Lag', 'Dead letters', ...(node.window ?? node.join ? timed : [])]);
    const ends = (at, pick) => graph.edges.filter((e) => e[at] === id).map((e) => e[pick]);
    this.#names = node.operators.map((o) => el('span', {}, linkTo(`operator/${name}/${o.place}`, o.name), ...(o.of ? [el('span', {class: 'note'}, o.of)] : [])));
    this.body.append(this.#facts.node, this.#held, this.#stopped, this.#late,
      facts([['Reads', links(ends('to', 'from'), '–')], ['Writes', links(ends('from', 'to'), 'nothing')],
        ...(node.window ? [['Window', windowText(node.window)]] : []),
        ...(node.join ? [['Join', joinText(node.join)]] : []),
        ...(node.states.length > 0 ? [['States', links(node.states.map((s) => `state/${name}/${s.name}`), ''), true]] : [])]),
      ...(node.operators.length > 0 ? [section('Operators', el('p', {class: 'note'}, kSince), this.#operators.node)] : []),
      section('Input', this.#partitions.node), this.#failures.node);
  }

  update() {
    const {dataflow} = this.#context;
    const service = dataflow.services.find(({name}) => name === this.#name);
    if (!service) return;
    const {windows_open, windows_closed} = service.counters;
    this.#facts.set({...counterFacts(service, dataflow.now, this.#context), Windows: `${whole(windows_open)} open, ${short(windows_closed)} closed`,
      ...(service.join ? {Kept: keptText(service.join)} : {})});
    this.#held.hidden = !service.held;
    this.#stopped.hidden = !service.stopped;
    if (service.stopped) setText(this.#stopped, service.stopped);
    const {records, late, reason} = service.late_last_minute;
    this.#late.hidden = late === 0;
    if (late > 0) setText(this.#late, `${Math.max(1, Math.round((100 * late) / records))} % of the last minute was late: ${reason}.`);
    const {rates, graph} = this.#context;
    this.#operators.table.set(graph.nodes.get(serviceId(this.#name)).operators.map((operator, i) => {
      const f = operatorFigures(service, operator, rates);
      return [this.#names[i], countAndRate(f.in, f.in_rate), countAndRate(f.out, f.out_rate), failedCell(f.failed)];
    }));
    this.#partitions.table.set(serviceFigures(service, dataflow.now, rates).partitions.map((p) => [`${p.topic} ${p.partition}`,
      whole(p.next_offset), whole(p.lag), p.idle ? 'idle' : p.watermark === null ? '–' : time(p.watermark)]));
    this.#failures.update(service.counters.records_dead);
  }

  draw() {}

  close() {
    this.#failures.close();
  }

  state() {
    return {failures: this.#failures.shown.map(({value}) => value.reason)};
  }
}

function windowText(window) {
  return `${window.kind}, ${duration(window.duration_ms)}${window.grace_ms > 0 ? `, closes ${duration(window.grace_ms)} later` : ''}`;
}

function joinText({type, rule, grace_ms}) {
  return `${type}, ${rule}${grace_ms > 0 ? `, decided ${duration(grace_ms)} later` : ''}`;
}

const keptText = ({left, right}) => [left, right].map(({topic, events}) => `${short(events)} of ${topic}`).join(', ');

export class OperatorView {
  #service;
  #operator;
  #context;
  #facts;
  #failures;
  body = el('div', {});

  constructor(service, operator, context) {
    this.#service = service;
    this.#operator = operator;
    this.#facts = new LiveFacts(['In', ...(operator.name === 'update-state' ? [] : ['Out']), 'Failed']);
    this.#context = context;
    this.#failures = new Failures(service, operator.name, context);
    const list = [['Service', links([serviceId(service)], '')]];
    if (operator.of) list.push(['Of', operator.of]);
    this.body.append(this.#facts.node, el('p', {class: 'note'}, operator.name === 'flush' ? `${kSince} In are windows.` : kSince),
      facts(list), section('Code', codeBlock(operator.code)), this.#failures.node);
  }

  update() {
    const {dataflow} = this.#context;
    const service = dataflow.services.find(({name}) => name === this.#service);
    if (!service) return;
    const f = operatorFigures(service, this.#operator, this.#context.rates);
    this.#facts.set({In: countAndRate(f.in, f.in_rate), Out: countAndRate(f.out, f.out_rate), Failed: failedCell(f.failed)});
    this.#failures.update(service.counters.records_dead);
  }

  draw() {}

  close() {
    this.#failures.close();
  }

  state() {
    return {failures: this.#failures.shown.map(({value}) => value.reason)};
  }
}
