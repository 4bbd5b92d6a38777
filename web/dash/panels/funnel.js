// Steps, each with how many of the first and of the step before came so far.

import {pick, textOf} from '../columns.js';
import {named} from '../../format.js';
import {h} from '../view.js';

export const funnel = {height: 7, view, key: ['label']};

const percent = (part, of) => (of > 0 ? `${((100 * part) / of).toFixed(part === of ? 0 : 1)}%` : '–');

function view(spec, {main}, context) {
  const {label, value} = pick(spec, main, {label: 'any', value: 'number'});
  const unit = context.unit(spec.unit, spec.decimals);
  const all = main.rows[0]?.[value] ?? 0;
  const steps = main.rows.map((row, i) => {
    const name = named(textOf(row[label])), count = row[value] ?? 0, before = main.rows[i - 1]?.[value] ?? 0;
    const href = context.href(spec.link, main.columns, row);
    return h('li', {style: {'--share': String(all > 0 ? Math.min(1, count / all) : 0)}},
      h('span', {class: 'name', title: name}, href ? h('a', {href}, name) : name),
      h('span', {class: 'value'}, unit.number(count), unit.name && h('span', {class: 'unit'}, ` ${unit.name}`)),
      h('span', {class: 'bar', 'aria-hidden': 'true'}, h('span', {})),
      h('span', {class: 'note'}, i === 0 ? '100% begin' : `${percent(count, all)} of all, ${percent(count, before)} of the step before`));
  });
  return [h('ol', {class: 'funnel'}, steps)];
}
