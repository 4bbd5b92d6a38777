// What the dataflow has worked out, on the overview: of each topic that a service writes the newest record, and of each
// state the top rows, as a short list. Fed by the overview's polls; one request at a time for states.

import {getJson} from './live.js';
import {el, setText} from './dom.js';
import {Fields, kValue, timeOf} from './fields.js';
import {columnsOf, placeOf, refreshOf, topOf} from './states.js';
import {named, plain, time, whole} from './format.js';

const kCards = 12;              // that are always there
const kAhead = 300;             // px below and above what is seen
const kRows = 5;
const kPartitions = 4;          // of a topic that are asked for their last record: those that grew most
const kLargeRecord = 500_000;   // letters; one that is larger is read only
const kLargeInterval = 10_000;  // ms, so often
const kTextMax = 200;

// [{id, kind: 'topic' or 'state', name, service, state}] in the order of the dataflow. Where there are too many: rather
// topics that no service reads, then states, then topics on the way; `rest` is what is left.
export function chooseResults({services, dead_letter_topic}, states) {
  const read = new Set(services.flatMap(({sources}) => sources.map(({topic}) => topic)));
  const known = new Map(states.map((state) => [placeOf(state), state]));
  const all = new Map();
  for (const {name: service, sinks, states: own} of services) {
    for (const name of sinks) {
      if (name !== dead_letter_topic && !all.has(name)) all.set(name, {id: name, kind: 'topic', name, service, rank: read.has(name) ? 2 : 0});
    }
    for (const {name} of own ?? []) {
      const id = `${service}/${name}`;
      if (known.has(id)) all.set(id, {id, kind: 'state', name, service, state: known.get(id), rank: 1});
    }
  }
  const best = new Set([...all.values()].sort((a, b) => a.rank - b.rank).slice(0, kCards));
  return {shown: [...all.values()].filter((one) => best.has(one)), rest: [...all.values()].filter((one) => !best.has(one))};
}

// {entries: [[name, text]], more, note} of any value.
export function summaryOf(value) {
  if (Array.isArray(value)) return listSummary(value);
  if (value === null || typeof value !== 'object') return {entries: [[figure(value), '']], more: 0, note: ''};
  const fields = Object.entries(value);
  return {entries: fields.slice(0, kRows).map(([name, inner]) => [name, figure(inner)]), more: Math.max(0, fields.length - kRows), note: ''};
}

// The items with the largest numbers; without numbers the first.
function listSummary(list) {
  const fields = new Fields(), {rows} = fields.read(list), items = rows.get('') ?? [];
  const of_items = (paths) => [...paths].filter((path) => fields.home(path) === '');
  const usual = (paths) => of_items(paths).find((path) => items.slice(0, 100).filter((row) => row.at(path) !== undefined).length * 2 >= Math.min(items.length, 100));
  const label = usual(fields.texts), number = usual(fields.numbers);
  const all = items.map((row, i) => ({name: row.text(label) ?? `#${i + 1}`, number: row.number(number)}));
  if (number !== undefined) all.sort((a, b) => (b.number ?? -Infinity) - (a.number ?? -Infinity));
  const what = number === undefined || number === kValue ? '' : `, ${number}${label === undefined ? '' : ` by ${label}`}`;
  return {entries: all.slice(0, kRows).map(({name, number: n}) => [name, n === undefined ? '' : plain(n)]),
    more: Math.max(0, list.length - kRows), note: `${whole(list.length)} ${list.length === 1 ? 'item' : 'items'}${what}`};
}

function figure(value) {
  if (typeof value === 'number') return plain(value);
  if (typeof value === 'string') {
    const at = timeOf(value);
    return at === null ? value.slice(0, kTextMax) : time(at);
  }
  if (Array.isArray(value)) return `${whole(value.length)} ${value.length === 1 ? 'item' : 'items'}`;
  return String(JSON.stringify(value)).slice(0, kTextMax);
}

export class Results {
  #parent;
  #cards = new Map();  // id -> {result, node, list, note, place, ends, wait_until, summary}
  #busy = false;
  #only_seen;

  // only_seen: what is far from what is seen is not read
  constructor(parent, {only_seen = false} = {}) {
    this.#parent = parent;
    this.#only_seen = only_seen;
  }

  // After a poll. Never throws: what cannot be read stays as it was.
  async update(shown, topics, news) {
    this.#keep(shown);
    if (this.#busy) return;
    this.#busy = true;
    const ends = new Map(topics.map(({name, partitions}) => [name, partitions]));
    for (const card of this.#cards.values()) {
      if (performance.now() < card.wait_until || (this.#only_seen && !isSeen(card.node))) continue;
      try {
        if (await (card.result.kind === 'topic' ? this.#readTopic(card, ends.get(card.result.name)) : this.#readState(card))) news();
      } catch {
        // A later poll reads it.
      }
    }
    this.#busy = false;
  }

  #keep(shown) {
    const ids = new Set(shown.map(({id}) => id));
    for (const [id, {node}] of this.#cards) {
      if (ids.has(id)) continue;
      node.remove();
      this.#cards.delete(id);
    }
    for (const [i, result] of shown.entries()) {
      if (!this.#cards.has(result.id)) this.#cards.set(result.id, makeCard(result));
      const card = this.#cards.get(result.id);
      card.result = result;
      if (this.#parent.children[i] !== card.node) this.#parent.insertBefore(card.node, this.#parent.children[i] ?? null);
    }
  }

  async #readTopic(card, partitions = []) {
    const grew = partitions.filter(({partition, begin, end}) => end > begin && end !== card.ends.get(partition));
    const growth = ({partition, begin, end}) => end - (card.ends.get(partition) ?? begin);
    let newest = null;
    for (const {partition, end} of grew.sort((a, b) => growth(b) - growth(a)).slice(0, kPartitions)) {
      const response = await fetch(`topics/${encodeURIComponent(card.result.name)}/records?partition=${partition}&offset=-1&limit=1`, {cache: 'no-store'});
      const text = response.ok ? await response.text() : '';
      if (text.length > kLargeRecord) card.wait_until = performance.now() + kLargeInterval;
      if (text.trim() === '') continue;
      const record = JSON.parse(text);
      card.ends.set(partition, end);
      if (!(newest?.timestamp > record.timestamp)) newest = record;
    }
    if (newest === null) {
      const is_new = card.summary === null && partitions.length > 0 && partitions.every(({begin, end}) => begin === end);
      if (is_new) card.summary = {entries: [], more: 0, note: ''};
      return is_new;
    }
    card.place = `${newest.partition}:${newest.offset}`;
    card.summary = {...summaryOf(newest.value), at: newest.timestamp};
    return true;
  }

  async #readState(card) {
    const {state} = card.result, {numbers, texts} = columnsOf(state);
    card.wait_until = performance.now() + refreshOf(state);
    const number = numbers[0] ?? null;
    const {rows, total, window} = await topOf(state, {y: number, x: number === null ? texts[1] ?? null : null, limit: kRows});
    const of = window ? ` of the ${window.closed ? 'last' : 'open'} window` : '';
    card.summary = {entries: rows.map(([name, value]) => [String(name ?? ''), figure(value ?? '')]), more: Math.max(0, total - rows.length),
      note: `${whole(total)} ${total === 1 ? 'row' : 'rows'}${of}${number === null ? '' : `, ${number} by key`}`};
    return true;
  }

  draw() {
    for (const {result, list, note, summary} of this.#cards.values()) {
      const none = result.kind === 'topic' ? 'No record yet' : 'No rows at the moment';
      fillList(list, summary?.entries ?? [], summary === null ? 'Not read yet' : none, summary?.more ?? 0);
      const kind = result.kind === 'topic' ? 'Topic' : 'State';
      setText(note, [kind, summary?.note, summary?.at && time(summary.at)].filter(Boolean).join(' · '));
      note.title = note.textContent;
    }
  }

  // For tests.
  state() {
    return Object.fromEntries([...this.#cards].map(([id, {place, summary}]) => [id, {place, ...summary}]));
  }
}

function isSeen(node) {
  const {top, bottom} = node.getBoundingClientRect();
  return bottom > -kAhead && top < innerHeight + kAhead;
}

function makeCard(result) {
  const list = el('ol', {class: 'preview'}), note = el('p', {class: 'note'});
  const query = result.kind === 'topic' ? `topic=${encodeURIComponent(result.name)}` : `state=${encodeURIComponent(result.id)}`;
  const node = el('a', {class: 'card', href: `stat/page-echarts.html?${query}`, 'data-result': result.id}, el('h2', {title: result.id}, result.name), note, list);
  return {result, node, list, note, place: null, ends: new Map(), wait_until: 0, summary: null};
}

function fillList(list, entries, otherwise, more) {
  const shown = entries.length > 0 ? [...entries, ...(more > 0 ? [[`and ${whole(more)} more`, '']] : [])] : [[otherwise, '']];
  while (list.children.length > shown.length) list.lastChild.remove();
  while (list.children.length < shown.length) list.append(el('li', {}, el('bdi'), el('bdi')));
  shown.forEach(([name, value], i) => {
    const [left, right] = list.children[i].children;
    setText(left, named(name));
    setText(right, value);
    left.title = name;
    right.title = value;
  });
}
