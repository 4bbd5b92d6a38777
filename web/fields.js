// What values of JSON hold, of whatever shape: rows of numbers, times and texts, each by a path.
//
// An object is a row. So is each item of a list: of a record that is a list they have the fields of its items
// (`event_count`), of a list in an object they are named `items[].price`. A row also has what the object around it
// has. A number, text or list that is no field of anything is `(value)`.

export const kValue = '(value)';
export const kItemsMax = 50_000;  // of a record; what is beyond is counted as `cut`
const kDepth = 4;                 // of nested objects and lists
const kFieldsMax = 100;           // of each kind; a record may have any number
const kTextMax = 200;             // letters of a text that are kept
const kSizeMax = 200_000;         // rows and values of a record
const kIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/;
const kZoned = /[Z+]|-\d\d:\d\d$/;

// ms since 1970 of an ISO 8601 text, UTC where it names no zone; null of any other.
export function timeOf(text) {
  if (text.length < 16 || !kIso.test(text)) return null;
  const ms = Date.parse(kZoned.test(text) ? text : `${text}Z`);
  return Number.isFinite(ms) ? ms : null;
}

// The fields of one item and, through `around`, of what it lies in.
class Row {
  values = new Map();  // path -> number (a time, too) or text

  constructor(around) {
    this.around = around;
  }

  at(path) {
    return this.values.get(path) ?? this.around?.at(path);
  }

  number(path) {
    const value = this.at(path);
    return typeof value === 'number' ? value : undefined;
  }

  // undefined where it has none.
  text(path) {
    const value = this.at(path);
    return value === undefined ? undefined : String(value);
  }
}

// What all records read so far hold: their paths, in the order in which they were seen.
export class Fields {
  numbers = new Set();
  times = new Set();
  texts = new Set();
  #homes = new Map();  // path -> the list it is a field of: '' of the record or its items, 'items[]'

  // The list whose items have this field.
  home(path) {
    return this.#homes.get(path) ?? '';
  }

  // {is_list, rows: Map list -> [Row], cut, size}; size: values that are kept.
  read(value) {
    const record = {is_list: Array.isArray(value), rows: new Map(), cut: 0, size: 0};
    if (record.is_list) this.#list(value, {home: '', path: '', depth: 0}, null, record);
    else this.#collect(value, {home: '', path: '', depth: 0}, this.#row('', null, record), record);
    return record;
  }

  #row(home, around, record) {
    const row = new Row(around);
    if (!record.rows.has(home)) record.rows.set(home, []);
    record.rows.get(home).push(row);
    record.size += 1;
    return row;
  }

  #list(items, at, around, record) {
    if (!record.rows.has(at.home)) record.rows.set(at.home, []);
    for (const [i, item] of items.entries()) {
      if (record.size > kSizeMax || record.rows.get(at.home).length >= kItemsMax) {
        record.cut += items.length - i;
        return;
      }
      this.#collect(item, at, this.#row(at.home, around, record), record);
    }
  }

  #collect(value, {home, path, depth}, row, record) {
    if (typeof value === 'number') {
      if (Number.isFinite(value)) this.#keep(this.numbers, path || kValue, home, value, row, record);
    } else if (typeof value === 'string') {
      const time = timeOf(value);
      if (time !== null && path !== '') this.#keep(this.times, path, home, time, row, record);
      else this.#keep(this.texts, path || kValue, home, value.slice(0, kTextMax), row, record);
    } else if (typeof value === 'boolean') {
      this.#keep(this.texts, path || kValue, home, String(value), row, record);
    } else if (value !== null && depth < kDepth) {
      if (Array.isArray(value)) {
        const list = `${path}[]`;
        this.#list(value, {home: list, path: list, depth: depth + 1}, row, record);
        return;
      }
      for (const [field, inner] of Object.entries(value)) {
        this.#collect(inner, {home, path: path ? `${path}.${field}` : field, depth: depth + 1}, row, record);
      }
    }
  }

  #keep(known, path, home, value, row, record) {
    if (known.size < kFieldsMax) known.add(path);
    if (!known.has(path)) return;
    if (!this.#homes.has(path)) this.#homes.set(path, home);
    row.values.set(path, value);
    record.size += 1;
  }
}
