// What /ws/sql says of one query, and what is known of it then. Pure: an answer is a value, a message makes the next one.
//
// An answer is {version, at, columns, rows, truncated, reads, error}: rows is null before the first message and while there is an error;
// reads are the tables in SQL that it was computed over.

export const kNoAnswer = Object.freeze({version: null, at: null, columns: [], rows: null, truncated: false, reads: [], error: null});

// The answer after `message`; null where the message does not follow on it, so that all rows have to be asked for.
export function applyMessage(answer, message, key) {
  const {version, at} = message;
  if (message.error) return {...kNoAnswer, version: version ?? null, at: at ?? null, error: message.error};
  if (message.rows) {
    return {version, at, columns: message.columns, rows: message.rows, truncated: message.truncated === true, reads: message.reads ?? [], error: null};
  }
  if (answer.rows === null || message.after !== answer.version) return null;
  const places = key.map((name) => answer.columns.indexOf(name));
  if (places.includes(-1)) return null;
  const keyOf = (row) => JSON.stringify(places.map((place) => row[place]));
  const gone = new Set(message.removed?.map((values) => JSON.stringify(values)));
  for (const [, row] of message.changed ?? []) gone.add(keyOf(row));
  const kept = answer.rows.filter((row) => !gone.has(keyOf(row)));
  return {...answer, version, at, rows: insert(kept, message.changed ?? []), truncated: message.truncated ?? answer.truncated};
}

// `changed` names places of the new list, ascending: one pass instead of a splice for each.
function insert(kept, changed) {
  const rows = [];
  let next = 0;
  for (const [place, row] of changed) {
    while (rows.length < place && next < kept.length) rows.push(kept[next++]);
    rows.push(row);
  }
  while (next < kept.length) rows.push(kept[next++]);
  return rows;
}

// Names of parameters in a statement: `:name`, `@name` or `$name`, not in texts, quoted names or comments.
export function parametersOf(sql) {
  const names = new Set();
  const parts = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[:@$]([A-Za-z_][A-Za-z0-9_]*)/g;
  for (const [, name] of sql.matchAll(parts)) if (name) names.add(name);
  return names;
}
