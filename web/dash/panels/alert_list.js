// Alerts: what is wrong, since when; what was mended.

import {buttonsOf} from '../actions.js';
import {pick, stateOf, textOf, timeOf} from '../columns.js';
import {duration, named} from '../../format.js';
import {h} from '../view.js';
import {kSigns} from './status_grid.js';

export const alertList = {height: 7, view, empty: 'No alerts.'};

function view(spec, {main}, context) {
  const {state, title, text, since, at} = pick({...spec, title: spec.title_column}, main,
      {state: 'any', title: 'text', text: ['text', 'named'], since: ['time', 'named'], at: ['time', 'named']});
  const items = main.rows.map((row) => {
    const what = stateOf(row[state], spec.thresholds), name = named(textOf(row[title])), href = context.href(spec.link, main.columns, row);
    const began = timeOf(row[since]), seen = timeOf(row[at]);
    const when = [
      Number.isFinite(began) && `since ${context.time(began)}${what !== 'good' && began <= context.now ? `, for ${rough(context.now - began)}` : ''}`,
      Number.isFinite(seen) && `at ${context.time(seen)}`,
    ].filter(Boolean).join(', ');
    return h('li', {'data-state': what},
      h('span', {class: 'sign', 'aria-hidden': 'true'}, kSigns[what]),
      h('span', {class: 'name'}, h('span', {class: 'state'}, textOf(row[state])), ' ', href ? h('a', {href}, name) : name),
      text !== -1 && h('span', {class: 'text'}, textOf(row[text])),
      h('span', {class: 'note'}, when),
      buttonsOf(spec, main.columns, row, context));
  });
  return [h('ul', {class: 'alert-list'}, items)];
}

// Without seconds once it is minutes: a line that changes each second draws the eye.
const rough = (ms) => duration(ms).replace(/( min) \d+ s$/, '$1');
