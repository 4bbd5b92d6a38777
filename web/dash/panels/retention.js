// Cohorts by age: how many of each came back. The larger the share, the stronger the colour; the share is written, too.

import {isDay, isTime, pick, textOf, timeOf} from '../columns.js';
import {fullDay} from '../zones.js';
import {h} from '../view.js';

export const retention = {height: 8, view, key: ['cohort', 'age']};

// {ages: [ascending], cohorts: [{name, size, values: Map(age -> value)}]}, cohorts as the query has them.
export function cohortsOf(spec, main, zone) {
  const {cohort, age, value, size} = pick(spec, main, {cohort: 'any', age: 'number', value: 'number', size: ['number', 'named']});
  const time = isTime(main.rows, cohort, main.columns[cohort]);
  const ages = new Set(), cohorts = new Map();
  for (const row of main.rows) {
    const began = row[cohort], name = isDay(began) ? fullDay('UTC', timeOf(began)) : time ? fullDay(zone, timeOf(began)) : textOf(began);
    if (!cohorts.has(name)) cohorts.set(name, {name, size: null, values: new Map()});
    const one = cohorts.get(name);
    one.values.set(row[age], row[value]);
    if (size !== -1) one.size = row[size];
    ages.add(row[age]);
  }
  for (const one of cohorts.values()) one.size ??= one.values.get(0) ?? null;
  return {ages: [...ages].sort((a, b) => a - b), cohorts: [...cohorts.values()]};
}

function view(spec, {main}, context) {
  const {ages, cohorts} = cohortsOf(spec, main, context.zone);
  const unit = context.unit(spec.unit, spec.decimals), shares = context.unit('ratio', 0);
  const cell = ({size, values}, age) => {
    const value = values.get(age);
    if (value === undefined || value === null) return h('td', {class: 'number'}, '');
    const share = size > 0 ? value / size : null;
    return h('td', {class: 'number share', style: {'--share': String(Math.min(1, share ?? 0))}, title: `${unit.text(value)} of ${unit.text(size)}`},
      share === null ? unit.text(value) : shares.text(share));
  };
  return [h('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Rows of ${spec.title ?? 'the table'}`}, h('table', {class: 'retention'},
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Cohort'), h('th', {scope: 'col', class: 'number'}, 'Size'),
      ages.map((age) => h('th', {scope: 'col', class: 'number'}, `${age}`)))),
    h('tbody', {}, cohorts.map((cohort) => h('tr', {}, h('th', {scope: 'row'}, cohort.name), h('td', {class: 'number'}, unit.text(cohort.size)),
      ages.map((age) => cell(cohort, age)))))))];
}
