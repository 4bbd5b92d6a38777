// States over HTTP: which there are, and the true top of one by a column, by SQL. Requests throw as getJson does, with
// what the server says.

import {getJson} from './live.js';

const kRequestTimeout = 5_000;
const kRefresh = 2_000;         // ms between two looks at a state,
const kRefreshLarge = 10_000;   // and where it has many rows
const kLarge = 200_000;

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
const is_own = ({name}) => !name.startsWith('_');
const is_number = ({type}) => /^([iuf]\d+|decimal)\b/.test(type);
const is_time = ({type}) => /^timestamp\b/.test(type);
const is_text = ({type}) => /^(string|enum|bool)\b/.test(type);

export const placeOf = ({service, state}) => `${service}/${state}`;
export const refreshOf = ({rows}) => (rows > kLarge ? kRefreshLarge : kRefresh);

// All of the dataflow: {service, state, table, rows, columns: [{name, type}]}.
export async function listStates() {
  return (await getJson('states')).states;
}

// Names of columns: `numbers` can be looked for the largest, also `times` lie along x, `texts` name rows.
export function columnsOf({columns}) {
  const names = (all) => all.map(({name}) => name), own = columns.filter(is_own);
  return {
    numbers: names(own.filter(is_number)),
    times: names([...own.filter(is_time), ...columns.filter(({name}) => name === '_updated_at')]),
    texts: ['_key', ...names(own.filter(is_text))],
  };
}

// The rows with the largest `y` of a state, of its newest window where it has windows:
// {rows: [[name, y, x]], total, without, updated_at, window}. `without` of all `total` rows lack y or x, which may be null
// for none; `updated_at` is null where there are no rows.
export async function topOf(state, {y, x = null, by = '_key', limit}) {
  const window = state.columns.some(({name}) => name === '_window_start') ? await newestWindow(state) : null;
  const wanted = [y, x].filter((column) => column !== null);
  const in_window = window ? `_window_start = ${window.start}` : '1';
  const has_all = wanted.map((column) => `${quoted(column)} is not null`).join(' and ') || '1';
  const from = `from ${quoted(state.table)} where ${in_window}`;
  const [[total, having, updated_at]] = await query(`select count(*), sum(${has_all}), max(_updated_at) ${from}`);
  const rows = await query(`select ${quoted(by)}, ${wanted.map(quoted).join(', ') || 'null'} ${from} and ${has_all} ` +
    `order by ${y === null ? quoted(by) : `${quoted(y)} desc, ${quoted(by)}`} limit ${limit}`);
  return {rows, total: Math.max(total, rows.length), without: total - (having ?? 0), updated_at, window};
}

async function newestWindow({service, state}) {
  const {windows} = await getJson(`states/${encodeURIComponent(service)}/${encodeURIComponent(state)}?window=newest&limit=1`);
  return windows.at(-1) ?? null;
}

async function query(sql) {
  const response = await fetch('sql', {
    method: 'POST', headers: {'Content-Type': 'text/plain'}, body: sql, cache: 'no-store', signal: AbortSignal.timeout(kRequestTimeout),
  });
  const reply = await response.json().catch(() => null);
  if (!response.ok) throw Object.assign(new Error(reply?.error?.message ?? `/sql: ${response.status}`), {status: response.status});
  return reply.rows;
}
