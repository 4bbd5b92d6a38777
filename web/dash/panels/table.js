// Rows and columns: sorted, searched and turned page by page by who looks. Every chart can be seen as such a table, too.

import {buttonsOf} from '../actions.js';
import {isNumeric, isTime, named as columnNamed, textOf, timeOf} from '../columns.js';
import {csvOf, download} from '../csv.js';
import {named} from '../../format.js';
import {h} from '../view.js';

const kPageSize = 20;

export const table = {height: 9, view};

// [{place, column, title, unit, number, text(value), link}]
export function columnsOf(spec, {columns, rows}, context) {
  const wanted = spec.columns ?? columns.map((column) => ({column}));
  return wanted.map((one) => {
    const {column, title, unit, decimals, link} = typeof one === 'string' ? {column: one} : one;
    const place = columnNamed(columns, column, 'columns');
    const number = isNumeric(rows, place), time = unit === undefined && isTime(rows, place, column);
    const shape = context.unit(unit, decimals);
    const text = (value) => {
      if (value === null) return '–';
      if (time) return context.time(timeOf(value));
      return number && typeof value === 'number' ? shape.number(value) : named(textOf(value));
    };
    return {place, column, title: title ?? column, unit: shape.name, number: number && !time, text, link};
  });
}

// Rows that have the text in a cell, as it is shown, in the order that was chosen.
export function selected({rows}, columns, {search = '', sort = null}) {
  const wanted = search.trim().toLowerCase();
  const found = wanted === '' ? rows : rows.filter((row) => columns.some(({place, text}) => text(row[place]).toLowerCase().includes(wanted)));
  const by = sort && columns.find(({column}) => column === sort.column);
  if (!by) return found;
  const sign = sort.order === 'descending' ? -1 : 1;
  return [...found].sort((a, b) => compare(a[by.place], b[by.place], sign));
}

// Numbers before texts; nothing at the end, whatever the order.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a !== typeof b) return sign * (typeof a === 'number' ? -1 : 1);
  return sign * textOf(a).localeCompare(textOf(b), 'en', {numeric: true});
}

function view(spec, {main}, context) {
  const {ui, update} = context;
  const columns = columnsOf(spec, main, context);
  const sort = ui.sort ?? (spec.sort ? {order: 'ascending', ...spec.sort} : null);
  const rows = selected(main, columns, {search: ui.search, sort});
  const size = spec.page_size ?? kPageSize, pages = Math.max(1, Math.ceil(rows.length / size));
  const page = Math.min(ui.page ?? 0, pages - 1), first = page * size;
  const set = (change) => {
    Object.assign(ui, change);
    update();
  };
  return [
    h('div', {class: 'table-tools'},
      h('input', {type: 'search', placeholder: 'Search', 'aria-label': `Search in ${spec.title ?? 'the table'}`, value: ui.search ?? '',
        on: {input: ({target}) => set({search: target.value, page: 0})}}),
      h('span', {class: 'note', role: 'status'}, countText(rows.length, main, first, size)),
      h('span', {class: 'pages', role: 'group', 'aria-label': 'Pages', hidden: pages === 1},
        turn('‹', 'Page before', page > 0, () => set({page: page - 1})),
        turn('›', 'Next page', page < pages - 1, () => set({page: page + 1}))),
      h('button', {type: 'button', class: 'small', 'aria-label': `Save ${spec.title ?? 'the table'} as CSV`,
        on: {click: () => download(`${spec.title ?? 'table'}.csv`, fileOf(columns, rows))}}, 'CSV')),
    h('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Rows of ${spec.title ?? 'the table'}`},
      h('table', {},
        h('thead', {}, h('tr', {}, columns.map((column) => head(column, sort, set)), spec.actions && h('th', {scope: 'col'}, 'Actions'))),
        h('tbody', {}, rows.slice(first, first + size).map((row) => h('tr', {}, columns.map((column, c) => cell(column, c, row, spec, main, context)),
          spec.actions && h('td', {}, buttonsOf(spec, main.columns, row, context))))))),
  ];
}

const fileOf = (columns, rows) => csvOf(columns.map(({title}) => title), rows.map((row) => columns.map(({place}) => row[place])));

function countText(count, {rows, truncated}, first, size) {
  const of = `${count === rows.length ? '' : `${count} of `}${rows.length}${truncated ? '+' : ''}`;
  return count > size ? `${first + 1}–${Math.min(count, first + size)} of ${count}${truncated ? '+' : ''}` : `${of} ${rows.length === 1 ? 'row' : 'rows'}`;
}

const turn = (text, label, enabled, click) => h('button', {type: 'button', class: 'small', 'aria-label': label, disabled: !enabled, on: {click}}, text);

function head({column, title, unit, number}, sort, set) {
  const order = sort?.column === column ? sort.order : null;
  // Numbers and times are looked at from the top first.
  const next = order === null ? (number ? 'descending' : 'ascending') : order === 'ascending' ? 'descending' : 'ascending';
  return h('th', {scope: 'col', class: number && 'number', 'aria-sort': order},
    h('button', {type: 'button', class: 'sort', on: {click: () => set({sort: {column, order: next}, page: 0})}},
      h('span', {}, title, unit && h('span', {class: 'unit'}, ` ${unit}`)),
      h('span', {class: 'arrow', 'aria-hidden': 'true'}, order === null ? '↕' : order === 'ascending' ? '↑' : '↓')));
}

function cell({place, number, text, link}, c, row, spec, main, context) {
  const value = text(row[place]);
  const href = context.href(link ?? (c === 0 ? spec.link : undefined), main.columns, row);
  return h(c === 0 ? 'th' : 'td', {scope: c === 0 && 'row', class: number && 'number', title: value.length > 24 && value}, href ? h('a', {href}, value) : value);
}
