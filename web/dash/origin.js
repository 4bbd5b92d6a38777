// What the numbers of a panel were computed over, and how complete they are, in words. From the tables that its queries read, and what
// `_progress` says of those.

export const kProgressQuery = 'select name, service, complete_to, lag, late, stopped from _progress order by name, service';

const kLateMin = 0.05;        // a smaller share of late records is not worth a word on the panel
const kLagMin = 10_000;       // likewise of records to come: less is read within the next epochs
const count = new Intl.NumberFormat('en-US').format;
const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

// Rows of `_progress` by table: Map of name to [{service, completeTo, lag, late, stopped}].
export function progressOf({columns, rows}) {
  const tables = new Map();
  const at = Object.fromEntries(columns.map((column, i) => [column, i]));
  for (const row of rows ?? []) {
    const name = row[at.name].toLowerCase();
    if (!tables.has(name)) tables.set(name, []);
    tables.get(name).push({service: row[at.service], completeTo: row[at.complete_to], lag: row[at.lag], late: row[at.late], stopped: row[at.stopped]});
  }
  return tables;
}

// reads: names in SQL; progress: null where it is not known yet; time: ms to text. Returns {text: a sentence for each table, warning: what should be seen at once, or ''}.
export function originOf(reads, progress, time) {
  if (progress === null) return {text: reads.map((name) => `From ${name}.`).join(' '), warning: ''};
  const makersOf = (name) => progress.get(name) ?? [];
  return {text: reads.map((name) => sentence(name, makersOf(name), time)).join(' '), warning: warningOf(reads.flatMap(makersOf))};
}

function sentence(name, makers, time) {
  const made = makers.filter(({service}) => service !== null);
  if (name.startsWith('_')) return `From ${name}, as it is now.`;
  if (made.length === 0) return `From ${name}, ${makers.find(({stopped}) => stopped)?.stopped ?? 'as it comes in'}.`;
  return `From ${name}, made by ${made.map((maker) => `${maker.service} (${words(maker, time).join(', ')})`).join(' and ')}.`;
}

function words({completeTo, lag, late, stopped}, time) {
  return [
    ...(completeTo === null ? [] : [`complete to ${time(completeTo)}`]),
    lag === 0 ? 'nothing to be read' : `${count(lag)} records to be read`,
    ...(late > 0 ? [`${percent(late)} of the last minute came too late`] : []),
    ...(stopped === null ? [] : [stopped]),
  ];
}

function warningOf(makers) {
  if (makers.some(({stopped}) => stopped !== null)) return 'incomplete: something has stopped';
  const lag = Math.max(0, ...makers.map((maker) => maker.lag)), late = Math.max(0, ...makers.map((maker) => maker.late));
  const parts = [];
  if (lag >= kLagMin) parts.push(`${count(lag)} records to be read`);
  if (late >= kLateMin) parts.push(`${percent(late)} late`);
  return parts.length > 0 ? `incomplete: ${parts.join(', ')}` : '';
}
