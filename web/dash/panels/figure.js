// One number: its change to the period before, its state by thresholds, a small line of how it went.

import {sparkPoints} from '../../sparkline.js';
import {pick, stateBy, textOf, timeOf} from '../columns.js';
import {changeOf} from '../units.js';
import {h} from '../view.js';

export const figure = {height: 3, view, parts: ['sparkline']};

function view(spec, {main, sparkline}, context) {
  const row = main.rows[0] ?? [];
  const {value: v, before: b} = pick(spec, main, {value: ['number', 'optional'], before: ['number', 'named']});
  const value = row[v === -1 ? 0 : v] ?? null;
  const [number, unit] = typeof value === 'number' ? context.unit(spec.unit, spec.decimals).parts(value) : [textOf(value), ''];
  const state = stateBy(spec.thresholds, value);
  const href = main.rows.length > 0 ? context.href(spec.link, main.columns, row) : null;
  const shown = [h('span', {class: 'number'}, number), unit && h('span', {class: 'unit'}, ` ${unit}`)];
  // It is as large as its letters have room.
  const letters = number.length + (unit ? unit.length / 2 + 0.5 : 0);
  return [
    h('p', {class: 'figure', 'data-state': state, style: {'--letters': String(Math.max(4, letters))}},
      href ? h('a', {href}, shown) : shown, state !== 'none' && h('span', {class: 'hidden'}, ` (${state})`)),
    h('p', {class: 'note'}, change(spec, value, row[b], context)),
    sparkline && spark(spec.sparkline, sparkline),
  ];
}

// In words and with an arrow: colour alone says nothing to some.
function change(spec, value, before, context) {
  if (before === undefined) return '\u00a0';
  const {text, part} = changeOf(value, before) ?? {};
  if (text === undefined) return 'nothing before';
  const unit = context.unit(spec.unit, spec.decimals);
  const better = part === 0 || !spec.better ? '' : (part > 0) === (spec.better === 'higher') ? 'good' : 'bad';
  return [
    h('span', {class: better}, `${part > 0 ? '▲ ' : part < 0 ? '▼ ' : ''}${text}`),
    ` from ${unit.name === '' ? unit.text(before) : unit.parts(before)[0]}`,
    better && h('span', {class: 'hidden'}, better === 'good' ? ', better' : ', worse'),
  ];
}

function spark(spec, answer) {
  if (!answer.rows || answer.rows.length < 2) return h('div', {class: 'spark'});
  const {time, value} = pick(spec, answer, {time: ['time', 'optional'], value: 'number'});
  const values = [...answer.rows].sort((a, b) => (time === -1 ? 0 : timeOf(a[time]) - timeOf(b[time]))).map((row) => row[value] ?? 0);
  const {line, area, box} = sparkPoints(values, values.length);
  return h('div', {class: 'spark'}, h('svg', {class: 'sparkline', viewBox: box, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
    h('polygon', {points: area}), h('polyline', {points: line})));
}
