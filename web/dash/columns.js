// Which column of a query's answer is meant: the one that a panel names, else one that is called as the field is, else the next one
// that fits, in the order of the reference.

const kTimeMin = 1e11;   // ms UTC: 1973; a smaller number is no time
const kIsoTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/;

// ms UTC of what a query calls a time: ms, or ISO 8601 (without an offset: UTC); NaN else.
export function timeOf(value) {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !kIsoTime.test(value)) return NaN;
  const text = value.replace(' ', 'T');
  return Date.parse(text.length > 10 && !/(Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text);
}

const first = (rows, c) => rows.find((row) => row[c] !== null)?.[c];

const kFits = {
  number: (value) => typeof value === 'number',
  time: (value) => (typeof value === 'number' ? value >= kTimeMin : Number.isFinite(timeOf(value))),
  text: (value) => typeof value === 'string',
  any: () => true,
};

// A column cannot be found, or is not what it has to be: the panel says so.
export class ColumnError extends Error {}

// wanted  {field: kind} or {field: [kind, mode]}, in the order of the reference. Modes: 'optional' may be nowhere; 'named' is only
//         what is named, by the panel or as the field.
// Returns {field: place}; -1 where one is not there.
export function pick(spec, {columns, rows}, wanted) {
  const places = {}, taken = new Set();
  for (const field of Object.keys(wanted)) {
    if (typeof spec[field] === 'string') places[field] = named(columns, spec[field], field);
    if (field in places) taken.add(places[field]);
  }
  // What has to be there comes first: it may be a column that has the name of something else.
  const byName = (is_named) => {
    for (const [field, rule] of Object.entries(wanted)) {
      const place = columns.indexOf(field);
      if (([rule].flat()[1] === 'named') !== is_named || field in places || place === -1 || taken.has(place)) continue;
      places[field] = place;
      taken.add(place);
    }
  };
  byName(false);
  for (const [field, rule] of Object.entries(wanted)) {
    const [kind, mode] = [rule].flat();
    if (field in places || mode === 'named') continue;
    const fits = (value) => kFits[kind](value) || (value === undefined && mode === undefined);  // nothing but nulls may be anything
    const place = columns.findIndex((_, c) => !taken.has(c) && fits(first(rows, c)));
    if (place === -1 && mode === undefined && rows.length > 0) {
      throw new ColumnError(`The query has no column that could be the ${field}: name it (${field}: COLUMN). It has: ${columns.join(', ')}`);
    }
    places[field] = place;
    if (place !== -1) taken.add(place);
  }
  byName(true);
  for (const field of Object.keys(wanted)) places[field] ??= -1;
  return places;
}

export function named(columns, name, field) {
  const place = columns.indexOf(name);
  if (place === -1) throw new ColumnError(`${field} names column "${name}", but the query has: ${columns.join(', ')}`);
  return place;
}

export const isNumeric = (rows, c) => kFits.number(first(rows, c));
const kTimeNames = /(^|_)(at|time|since|until|start|end|from|to|day|hour|minute|date)(_|$)|time$/i;
// A large number is a time only where the column is called like one. A day of the calendar ("2026-05-01") is no moment: it is the same
// in all zones.
export const isDay = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
export function isTime(rows, c, name = '') {
  const value = first(rows, c);
  return kFits.time(value) && !isDay(value) && (typeof value === 'string' || kTimeNames.test(name));
}

// Any value as text.
export function textOf(value) {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

// What thresholds say of a number: [{from, state}], the last one whose `from` it reaches.
export function stateBy(thresholds, value) {
  if (typeof value !== 'number') return 'none';
  return [...(thresholds ?? [])].sort((a, b) => a.from - b.from).findLast(({from}) => value >= (from ?? -Infinity))?.state ?? 'none';
}

const kWords = {
  good: 'good', ok: 'good', up: 'good', healthy: 'good', recovered: 'good', resolved: 'good',
  warning: 'warning', warn: 'warning', degraded: 'warning', pending: 'warning',
  bad: 'bad', down: 'bad', critical: 'bad', error: 'bad', firing: 'bad', failed: 'bad',
};

// Of a text or a number: good, warning, bad or none.
export const stateOf = (value, thresholds) => (typeof value === 'number' ? stateBy(thresholds, value) : kWords[String(value).toLowerCase()] ?? 'none');
