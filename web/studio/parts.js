// Small pieces that the views of studio share.

import {el, setText} from '../dom.js';
import {time} from '../format.js';

// A list of names and values. facts([['Rows', node or text], …]); with a third, true, a value has a row for itself.
export function facts(rows) {
  const list = el('dl', {class: 'facts'});
  for (const [name, value, wide] of rows) list.append(el('div', {class: wide ? 'wide' : ''}, el('dt', {}, name), el('dd', {}, value)));
  return list;
}

// Values that change, by name: set({Rows: '12'}) shows those that are there.
export class LiveFacts {
  #cells = new Map();
  node;

  constructor(names) {
    this.node = facts(names.map((name) => {
      const cell = el('span', {}, '–');
      this.#cells.set(name, cell);
      return [name, cell];
    }));
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const [text, tone = ''] = Array.isArray(value) ? value : [value];
      const cell = this.#cells.get(name);
      if (!cell) continue;
      setText(cell, text);
      if (cell.className !== tone) cell.className = tone;
    }
  }
}

export const section = (title, ...children) => el('section', {class: 'part'}, el('h3', {}, title), ...children);

export const linkTo = (hash, text) => el('a', {href: `#${encodeHash(hash)}`}, text);

export function links(hashes, none) {
  if (hashes.length === 0) return none;
  const list = el('span', {class: 'links'});
  for (const hash of hashes) list.append(linkTo(hash, hash.slice(hash.lastIndexOf('/') + 1)));
  return list;
}

export const encodeHash = (hash) => hash.split('/').map(encodeURIComponent).join('/');
export const decodeHash = (hash) => hash.replace(/^#/, '').split('/').map(decodeURIComponent);

// A list of records. It is one stop of Tab: arrows, Home and End go through it, Enter opens.
export function recordList(attributes) {
  const list = el('div', {class: 'records', ...attributes});
  const heads = () => [...list.querySelectorAll(':scope > details > summary')];
  const stopAt = (wanted) => {
    for (const head of heads()) head.tabIndex = head === wanted ? 0 : -1;
  };
  list.addEventListener('focusin', (event) => {
    if (event.target.matches('summary')) stopAt(event.target);
  });
  list.addEventListener('keydown', (event) => {
    const all = heads(), at = all.indexOf(event.target);
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1}[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    all[Math.min(all.length - 1, Math.max(0, to))].focus();
    event.preventDefault();
  });
  // Records come and go: the stop may be among those that are gone.
  new MutationObserver(() => {
    const all = heads();
    stopAt(all.find((head) => head.tabIndex === 0) ?? all[0]);
  }).observe(list, {childList: true});
  return list;
}

// A record that opens to all of its value. `record`: {partition, offset, timestamp, key, value}
export function recordItem(record) {
  const {partition, offset, timestamp, key, value} = record;
  return opensTo(record,
    el('span', {class: 'place'}, `${partition}:${offset}`),
    el('span', {class: 'at'}, time(timestamp)),
    ...(key === null ? [] : [el('span', {class: 'key', title: key}, key)]),
    el('span', {class: 'value'}, JSON.stringify(value).slice(0, 300)));
}

// A dead letter: what was wrong, and where the record is.
export function failureItem(record, with_operator) {
  const {operator, code, reason, topic, partition, offset} = record.value;
  const item = opensTo(record,
    el('span', {class: 'at'}, time(record.timestamp)),
    ...(with_operator ? [el('span', {class: 'key'}, operator)] : []),
    el('span', {class: 'value bad', title: reason}, code === 'operator_failed' ? reason : `${code}: ${reason}`));
  if (topic !== undefined) item.append(el('p', {class: 'origin'}, linkTo(`topic/${topic}/${partition}/${offset}`, `The record in ${topic}, ${partition}:${offset}`)));
  return item;
}

function opensTo({partition, offset, value}, ...summary) {
  const head = el('summary', {tabindex: '-1'}, ...summary);
  const item = el('details', {class: 'record', 'data-place': `${partition}:${offset}`}, head);
  // Made when it is looked at: a list has hundreds.
  item.addEventListener('toggle', () => {
    if (item.open && !item.querySelector('pre')) {
      head.after(el('pre', {class: 'code', tabindex: '0', role: 'region', 'aria-label': `Record ${partition}:${offset}`}, JSON.stringify(value, null, 2)));
    }
  });
  return item;
}

// Calls `action` once nobody has typed for a moment.
export function whenQuiet(action, wait = 250) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
}
