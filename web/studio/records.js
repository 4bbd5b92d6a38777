// A topic: its records as they come, from any offset, or those with a text in them.

import {LiveTopic, getJson} from '../live.js';
import {el, setText} from '../dom.js';
import {bytes, duration, rate, short, whole} from '../format.js';
import {topicId} from './model.js';
import {LiveFacts, facts, links, recordItem, recordList, section, whenQuiet} from './parts.js';
import {readRecords, searchBack} from './search.js';

const kTail = 50;      // records to begin with, of each partition
const kShown = 200;    // at most so many are kept
const kPage = 100;
const kHits = 100;     // a search rests when it has found so many

export class TopicView {
  #name;
  #context;
  #facts = new LiveFacts(['Records', 'Per second', 'On disk']);
  #list = recordList({id: 'records', role: 'region', 'aria-label': 'Records'});
  #note = el('p', {class: 'note', role: 'status'});
  #more = el('button', {type: 'button', hidden: ''}, 'More');
  #newer = el('button', {type: 'button', hidden: ''}, 'Newer');
  #partition = el('select', {'aria-label': 'Partition', id: 'record-partition'});
  #offset = el('input', {type: 'text', inputmode: 'numeric', placeholder: 'Offset', 'aria-label': 'From offset', size: '8', id: 'record-offset', autocomplete: 'off'});
  #search = el('input', {type: 'search', placeholder: 'Search keys and values', 'aria-label': 'Search keys and values', id: 'record-search', autocomplete: 'off', spellcheck: 'false'});
  #live = null;
  #mode = 'live';     // 'live', 'offset' or 'search'
  #records = [];      // newest first, where live
  #info = null;       // the topic as GET /topics has it
  #stop = null;       // AbortController of what runs
  body = el('div', {});

  // `partition` and `offset`: where to begin, if somebody has said so.
  constructor(name, context, partition, offset) {
    this.#name = name;
    this.#context = context;
    const {graph} = context;
    const id = topicId(name), node = graph.nodes.get(id);
    const neighbours = (at, pick) => graph.edges.filter((e) => e[at] === id).map((e) => e[pick]);
    this.body.append(this.#facts.node,
      facts([['Type', node?.type || 'any JSON'], ['Written by', links(neighbours('to', 'from'), 'clients')],
        ['Read by', links(neighbours('from', 'to'), 'nobody')]]),
      section('Records', el('div', {class: 'record-controls'}, this.#partition, this.#offset, this.#search),
        this.#note, this.#newer, this.#list, this.#more));
    this.#partition.addEventListener('change', () => this.#restart());
    this.#offset.addEventListener('input', whenQuiet(() => this.#restart()));
    this.#search.addEventListener('input', whenQuiet(() => this.#restart()));
    this.#fillPartitions(context.topic(name)?.partitions.length ?? 1);
    if (partition !== undefined && this.#partition.querySelector(`option[value="${CSS.escape(partition)}"]`)) this.#partition.value = partition;
    if (offset !== undefined) this.#offset.value = offset;
  }

  update() {
    this.#info = this.#context.topic(this.#name);
    if (!this.#info) {
      setText(this.#note, `There is no topic ${this.#name} on the server.`);
      return;
    }
    const {records, bytes: size, partitions, retention_age_ms: age} = this.#info;
    const per_second = this.#context.rates.of(this.#name);
    this.#facts.set({Records: whole(records), 'Per second': per_second === null ? '–' : rate(per_second),
      'On disk': `${bytes(size)}${age === null ? '' : `, kept ${duration(age)}`}`});
    if (this.#fillPartitions(partitions.length) || !this.#live) this.#restart();
  }

  draw() {
    if (this.#mode === 'live') this.#drawLive();
  }

  close() {
    this.#stop?.abort();
    this.#live?.close();
  }

  state() {
    return {mode: this.#mode, note: this.#note.textContent, shown: [...this.#list.children].map((item) => item.dataset.place), live: this.#live?.status};
  }

  #fillPartitions(count) {
    if (this.#partition.length === count + (count > 1 ? 1 : 0)) return false;
    const options = Array.from({length: count}, (_, i) => el('option', {value: i}, `Partition ${i}`));
    if (count > 1) options.unshift(el('option', {value: ''}, `All ${count} partitions`));
    this.#partition.replaceChildren(...options);
    this.#partition.hidden = count === 1;
    return true;
  }

  // As they are now: what came a moment ago is to be found too.
  async #wanted() {
    const chosen = this.#partition.value;
    const {partitions} = await getJson(`topics/${encodeURIComponent(this.#name)}`);
    return partitions.filter(({partition}) => chosen === '' || partition === Number(chosen));
  }

  // Shows from the beginning what the controls ask for.
  #restart() {
    this.#stop?.abort();
    this.#stop = new AbortController();
    const text = this.#search.value.trim(), offset = this.#offset.value.trim();
    this.#mode = text !== '' ? 'search' : offset !== '' ? 'offset' : 'live';
    this.#list.replaceChildren();
    this.#more.hidden = this.#newer.hidden = true;
    this.#offset.removeAttribute('aria-invalid');
    if (!this.#live) this.#follow();
    if (this.#mode === 'live') return this.#drawLive();
    const run = this.#mode === 'search' ? this.#runSearch(text, offset, this.#stop.signal) : this.#readFrom(offset, this.#stop.signal);
    run.catch((error) => {
      if (error.name !== 'AbortError') setText(this.#note, `${error.message[0].toUpperCase()}${error.message.slice(1)}`);
    });
  }

  #follow() {
    this.#live = new LiveTopic(this.#name, {
      tail: () => kTail,
      onRecord: (record) => {
        this.#records.unshift(record);
        if (this.#records.length > kShown * 4) this.#records.length = kShown * 2;
        this.#context.invalidate();
      },
      onReset: () => (this.#records = []),
    });
  }

  #drawLive() {
    const chosen = this.#partition.value;
    const of = this.#records.filter(({partition}) => chosen === '' || partition === Number(chosen));
    const shown = of.sort((a, b) => b.timestamp - a.timestamp || b.offset - a.offset).slice(0, kShown);
    const known = new Map([...this.#list.children].map((item) => [item.dataset.place, item]));
    const items = shown.map((record) => known.get(`${record.partition}:${record.offset}`) ?? recordItem(record));
    const is_same = items.length === known.size && items.every((item, i) => item === this.#list.children[i]);
    if (!is_same) {
      // What is open or has the focus must not be taken out of the page and put back.
      const keep = new Set(items);
      for (const item of known.values()) if (!keep.has(item)) item.remove();
      items.forEach((item, i) => {
        if (this.#list.children[i] !== item) this.#list.insertBefore(item, this.#list.children[i] ?? null);
      });
    }
    setText(this.#note, shown.length === 0 ? 'No records yet.' : 'The newest first, as they come.');
  }

  async #readFrom(text, signal) {
    const offset = Number(text);
    const partition = Number(this.#partition.value || 0);
    const info = this.#info.partitions[partition];
    if (!/^\d+$/.test(text) || offset < info.begin || offset > info.end) {
      this.#offset.setAttribute('aria-invalid', 'true');
      setText(this.#note, `Partition ${partition} has offsets ${whole(info.begin)} to ${whole(Math.max(info.begin, info.end - 1))}.`);
      return;
    }
    if (this.#partition.value === '') this.#partition.value = '0';
    const {records, next} = await readRecords(this.#name, {partition, offset, limit: kPage}, signal);
    if (signal.aborted) return;
    this.#list.replaceChildren(...records.map((record) => recordItem(record)));
    setText(this.#note, records.length === 0 ? 'This is the end of the partition.' : `Offsets ${whole(records[0].offset)} to ${whole(records.at(-1).offset)}, the oldest first.`);
    this.#newer.hidden = offset <= info.begin;
    setText(this.#newer, 'Older');
    this.#newer.onclick = () => this.#goTo(Math.max(info.begin, offset - kPage));
    this.#more.hidden = records.length === 0;
    setText(this.#more, 'Newer');
    this.#more.onclick = () => this.#goTo(next);
  }

  #goTo(offset) {
    this.#offset.value = String(offset);
    this.#restart();
  }

  async #runSearch(text, offset, signal) {
    const partitions = (await this.#wanted()).map((p) => (/^\d+$/.test(offset) ? {...p, end: Math.min(p.end, Number(offset) + 1)} : p));
    const total = partitions.reduce((sum, {begin, end}) => sum + Math.max(0, end - begin), 0);
    if (signal.aborted) return;
    let looked = 0, found = 0, rest = 0;
    const say = (doing) => setText(this.#note, `${whole(found)} found in the newest ${short(looked)} of ${short(total)} records${doing}`);
    say(' …');
    for await (const step of searchBack(this.#name, partitions, text, signal)) {
      if (signal.aborted) return;
      looked += step.looked;
      found += step.records.length;
      rest += step.records.length;
      this.#list.append(...step.records.map((record) => recordItem(record)));
      say(' …');
      if (rest >= kHits && looked < total) {
        say('.');
        rest = 0;
        await new Promise((resolve) => {
          this.#more.hidden = false;
          setText(this.#more, 'Search on');
          this.#more.onclick = resolve;
        });
        this.#more.hidden = true;
      }
    }
    say('.');
  }
}

