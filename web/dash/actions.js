// Buttons of a row: each sends a record that is made of it to a topic. What became of that stands beside the buttons.

import {el} from '../dom.js';
import {h} from './view.js';

const kTimeout = 15_000;
const kDoneFor = 8_000;
const kPhase = Object.freeze({sending: 'sending', done: 'done', failed: 'failed'});

// The record with what its `:NAME`s stand for: columns of the row, or `more`. What has no value is left out.
export function recordOf(template, columns, row, more) {
  const valueOf = (value) => {
    if (typeof value === 'string' && value.length > 1 && value.startsWith(':')) {
      const name = value.slice(1), place = columns.indexOf(name);
      return name in more ? more[name] : place === -1 ? null : row[place];
    }
    if (Array.isArray(value)) return value.map(valueOf);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([name, each]) => [name, valueOf(each)]);
    return Object.fromEntries(entries.filter(([name, each]) => each !== null || value[name] === null));
  };
  return valueOf(template);
}

const asks = (template) => JSON.stringify(template).includes('":answer"');

// The buttons of a row; [] where the panel has none.
export function buttonsOf(spec, columns, row, context) {
  if (!spec.actions?.length) return [];
  const states = (context.ui.actions ??= new Map());
  const of = JSON.stringify(spec.actions.map(({record}) => recordOf(record, columns, row, {now: null, id: null, answer: null})));
  const state = states.get(of) ?? {};
  const set = (next) => {
    states.set(of, next);
    context.update();
  };
  const busy = state.phase === kPhase.sending;
  return [
    h('span', {class: 'row-actions'},
      spec.actions.map((action) => h('button', {
        type: 'button', class: 'small', disabled: busy, 'aria-label': `${action.label}: ${nameOf(spec, columns, row)}`,
        on: {click: () => click(action, {columns, row, state, set, get: () => states.get(of), context, spec})},
      }, busy && state.label === action.label ? `${action.label} …` : action.label)),
      h('span', {class: 'row-said', role: 'status', 'data-phase': state.phase ?? null}, words(state))),
  ];
}

// What a row is called: its first text.
function nameOf(spec, columns, row) {
  const wanted = spec.columns?.[0]?.column ?? spec.title_column, place = columns.indexOf(wanted);
  return String(row[place === -1 ? 0 : place] ?? '');
}

function words({phase, label, error}) {
  if (phase === kPhase.sending) return '';
  if (phase === kPhase.done) return `✓ ${label}`;
  return phase === kPhase.failed ? error : '';
}

async function click(action, {columns, row, state, set, get, context, spec}) {
  let answer = null;
  if (action.question) {
    answer = await ask(action, nameOf(spec, columns, row), asks(action.record));
    if (answer === null) return;
  }
  // One that is sent again after a failure has the same id, so that the topic can tell.
  const again = state.phase === kPhase.failed && state.label === action.label && state.answer === answer;
  const id = again ? state.id : crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const next = {label: action.label, id, answer};
  set({...next, phase: kPhase.sending});
  const record = recordOf(action.record, columns, row, {now: new Date(context.now).toISOString(), id, answer: answer === '' ? null : answer});
  const key = action.key === undefined ? null : row[columns.indexOf(action.key)];
  const error = await send(action.topic, record, key);
  set(error === null ? {...next, phase: kPhase.done} : {...next, phase: kPhase.failed, error});
  if (error !== null) return;
  setTimeout(() => {
    if (get()?.id === id) set({});
  }, kDoneFor);
}

// null where it is stored, or was already; else what a person is told: that it is not, or that nobody knows.
export async function send(topic, record, key = null) {
  const address = `topics/${encodeURIComponent(topic)}/records${key === null || key === undefined ? '' : `?key=${encodeURIComponent(key)}`}`;
  try {
    const response = await fetch(address, {
      method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(record), signal: AbortSignal.timeout(kTimeout),
    });
    const said = await response.json().catch(() => ({}));
    const [mistake] = said.errors ?? [];
    if (mistake) return `Not sent: ${mistake.field ? `${mistake.field}: ` : ''}${mistake.message}`;
    if (response.ok) return null;
    const why = said.error?.message ?? `the server answered ${response.status}`;
    return said.error?.code === 'outcome_unknown' ? `${kPerhaps}: ${why}` : `Not sent: ${why}`;
  } catch (error) {
    return error.name === 'TimeoutError' ? `${kPerhaps}: the server did not answer in time` : 'Not sent: the server cannot be reached';
  }
}

// The same button sends the same record again: with an id that the topic knows it is stored once.
const kPerhaps = 'It may have been stored';

const answers = new Map();   // by question: what was answered last

// What was answered; null: it is not to be sent.
// It names the row, as another one may have come under the pointer.
function ask({label, question}, name, wants_answer) {
  const input = el('input', {type: 'text', 'aria-label': question, value: answers.get(question) ?? '', maxlength: '200'});
  const dialog = el('dialog', {class: 'ask', 'aria-label': label},
    el('form', {method: 'dialog'},
      el('p', {}, el('strong', {}, name)), el('p', {}, question),
      ...(wants_answer ? [input] : []),
      el('p', {class: 'buttons'}, el('button', {type: 'submit', value: 'send', class: 'primary'}, label), el('button', {type: 'button', class: 'cancel'}, 'Cancel'))));
  dialog.querySelector('.cancel').addEventListener('click', () => dialog.close(''));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (dialog.returnValue !== 'send') return resolve(null);
      if (wants_answer) answers.set(question, input.value);
      resolve(wants_answer ? input.value.trim() : '');
    });
  });
}
