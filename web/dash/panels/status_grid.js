// Things with a state: servers, regions. The state is a colour, a sign and a word.

import {pick, stateOf, textOf} from '../columns.js';
import {named} from '../../format.js';
import {h} from '../view.js';

export const kSigns = {good: '✓', warning: '!', bad: '✕', none: '–'};

export const statusGrid = {height: 5, view, key: ['label']};

function view(spec, {main}, context) {
  const {label, state, value} = pick(spec, main, {label: 'any', state: 'any', value: ['number', 'named']});
  const unit = context.unit(spec.unit, spec.decimals);
  const cells = main.rows.map((row) => {
    const name = named(textOf(row[label])), what = stateOf(row[state], spec.thresholds), href = context.href(spec.link, main.columns, row);
    const figure = value !== -1 ? unit.text(row[value]) : typeof row[state] === 'number' ? unit.text(row[state]) : '';
    return h('li', {'data-state': what, title: `${name}: ${what === 'none' ? 'no state' : what}`},
      h('span', {class: 'sign', 'aria-hidden': 'true'}, kSigns[what]),
      h('span', {class: 'name'}, href ? h('a', {href}, name) : name, h('span', {class: 'hidden'}, ` ${what === 'none' ? 'no state' : what} `)),
      figure && h('span', {class: 'value'}, figure));
  });
  return [h('ul', {class: 'status-grid'}, cells)];
}
