// The largest, as bars with names.

import {pick, textOf} from '../columns.js';
import {named} from '../../format.js';
import {h} from '../view.js';

const kLimit = 10;

export const topList = {height: 7, view, key: ['label']};

function view(spec, {main}, context) {
  const {label, value} = pick(spec, main, {label: 'any', value: 'number'});
  const unit = context.unit(spec.unit, spec.decimals);
  const rows = main.rows.slice(0, spec.limit ?? kLimit);
  const top = Math.max(...rows.map((row) => Math.abs(row[value] ?? 0)), Number.EPSILON);
  const all = rows.map((row, i) => {
    // Who ties shares the place.
    const place = 1 + rows.findIndex((other) => other[value] === row[value]);
    const name = named(textOf(row[label])), href = context.href(spec.link, main.columns, row);
    return h('li', {key: `${i}`, style: {'--share': String(Math.abs(row[value] ?? 0) / top)}},
      h('span', {class: 'place'}, rows[i - 1]?.[value] === row[value] ? '' : String(place)),
      h('span', {class: 'name', title: name}, href ? h('a', {href}, name) : name),
      h('span', {class: 'value'}, unit.number(row[value]), unit.name && h('span', {class: 'unit'}, ` ${unit.name}`)));
  });
  return [h('ol', {class: 'top-list', style: {'--rows': String(spec.limit ?? kLimit)}}, all)];
}
