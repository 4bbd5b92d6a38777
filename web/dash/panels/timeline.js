// What happened, the newest first, by day.

import {pick, textOf, timeOf} from '../columns.js';
import {named} from '../../format.js';
import {h} from '../view.js';
import {fullDay, timeOfDay} from '../zones.js';

const kShown = 200;       // more are in the table
const kColours = 10;

export const timeline = {height: 9, view};

function view(spec, {main}, context) {
  const {time, label, text, kind} = pick(spec, main, {time: 'time', label: 'any', text: ['any', 'named'], kind: ['any', 'named']});
  const rows = main.rows.map((row) => [timeOf(row[time]), row]).filter(([at]) => Number.isFinite(at)).sort(([a], [b]) => b - a).slice(0, kShown);
  // Colours by name, so that they stay while others come and go.
  const kinds = kind === -1 ? [] : [...new Set(rows.map(([, row]) => textOf(row[kind])))].sort();
  const items = [];
  let day = null;
  for (const [at, row] of rows) {
    const name = named(textOf(row[label])), href = context.href(spec.link, main.columns, row), what = kind === -1 ? null : textOf(row[kind]);
    if (fullDay(context.zone, at) !== day) {
      day = fullDay(context.zone, at);
      items.push(h('li', {class: 'day'}, day));
    }
    items.push(h('li', {style: {'--tone': `var(--series-${(what === null ? 0 : kinds.indexOf(what) % kColours) + 1})`}},
      h('time', {datetime: new Date(at).toISOString()}, timeOfDay(context.zone, at)),
      h('span', {class: 'name'}, href ? h('a', {href}, name) : name, what !== null && what !== name && h('span', {class: 'kind'}, what)),
      text !== -1 && row[text] !== null && h('span', {class: 'text'}, textOf(row[text]))));
  }
  return [h('ol', {class: 'timeline'}, items)];
}
