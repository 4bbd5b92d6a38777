// The records of a topic as something to chart: what there is to choose, and the picture of a choice.
//
// A source, as this one and that of a state (state_source.js), has: name, status, age, close(), state() for tests,
// choices(chosen) -> {x, y, by: {options, value}, kinds, kind}, picture(choices) -> what chart_picture.js draws with a
// note, and whyEmpty() -> [title, text, command or null], or null where nothing is nothing unusual.

import {LiveTopic, Status} from './live.js';
import {Fields} from './fields.js';
import {areTimes, barsOf, inView, kKey, kLinesMax, kNothing, kTime, kindOf, latestRows, linesOf, newestPoints, numberOf} from './lines.js';
import {short, time, whole} from './format.js';

const kRecords = 2_000;      // kept and drawn,
const kSize = 500_000;       // with so many rows and values
const kPeriodMin = 5_000;    // ms; nothing is expected more often than that
const kBytesAtFirst = 2_000_000;
const kUsualRows = 100;      // of the newest record, that tell which fields are usual

export class TopicSource {
  #topic;
  #schema;
  #records = [];       // the last ones: {partition, timestamp, key} and what Fields.read makes of the value
  #size = 0;           // of them all
  #fields = new Fields();
  #usual = new Map();  // list -> fields that stay chosen by default
  #period = null;      // the longest silence among the last records, ms
  #drawn = {home: ''};  // of the last picture, for whyEmpty

  // schema()   the name of the topic's type, or null
  // onNews()   a record came;  onChange() the status;  onTick() each second
  constructor(name, {schema, onNews, onChange, onTick}) {
    this.name = name;
    this.#schema = schema;
    this.#topic = new LiveTopic(name, {
      tail: (topic) => Math.ceil(tailOf(topic) / Math.max(1, topic.partitions.length)),
      period: () => this.#period,
      onRecord: (record) => {
        this.#take(record);
        onNews();
      },
      onReset: () => this.#forget(),
      onChange, onTick,
    });
  }

  close() {
    this.#topic.close();
  }

  get status() {
    return this.#topic.status;
  }

  get age() {
    return this.#topic.age;
  }

  state() {
    return {topic: this.#topic.state(), without: this.#drawn.without ?? 0};
  }

  #forget() {
    this.#records = [];
    this.#size = 0;
    this.#fields = new Fields();
    this.#usual.clear();
    this.#period = null;
  }

  // Only numbers and short texts are kept: a record may be large.
  #take({partition, timestamp, key, value}) {
    const record = {partition, timestamp: Number(timestamp) || 0, key: key ?? null, ...this.#fields.read(value)};
    this.#records.push(record);
    this.#size += record.size;
    if (this.#records.length <= 2 * kRecords && this.#size <= 2 * kSize) return;
    let from = Math.max(0, this.#records.length - kRecords);
    let size = this.#records.slice(from).reduce((sum, one) => sum + one.size, 0);
    for (; size > kSize && from < this.#records.length - 1; ++from) size -= this.#records[from].size;
    this.#records.splice(0, from);
    this.#size = size;
  }

  get #last() {
    return this.#records.slice(-kRecords);
  }

  choices(chosen) {
    const last = this.#last, {numbers, times} = this.#fields;
    this.#period = this.#records.length > 1 ? longestSilence(this.#records) : null;
    const both = (numbers.has('x') || times.has('x')) && numbers.has('y');
    const y = numbers.has(chosen.y) ? chosen.y : both && chosen.x !== 'y' ? 'y' : this.#default('y', [...numbers].filter((field) => field !== chosen.x));
    const home = y === undefined ? '' : this.#fields.home(y), of_same = (field) => this.#belongs(field, home);
    const xs = [kTime, ...new Set([...numbers, ...times].filter(of_same))];
    const x = xs.includes(chosen.x) && chosen.x !== y ? chosen.x : both && y === 'y' ? 'x' : kTime;
    const is_list = home !== '' || last.some((record) => record.is_list);
    const kinds = ['line', 'scatter', 'bars'];
    let kind = kinds.includes(chosen.kind) ? chosen.kind : is_list ? (both && y === 'y' ? 'scatter' : 'bars') : null;
    const by = this.#by(chosen, {last, home, is_list, kind, y});
    const asked = {x, y, by: by.value, home, is_list, chosen: chosen.kind};
    kind ??= kindOf(this.#lines(last, asked).lines);
    return {x: {options: xs, value: x, used: kind !== 'bars'}, y: {options: [...numbers], value: y}, by, kinds, kind, home, is_list};
  }

  // Whether rows of the list `home` have the field: it is theirs, or of what is around them.
  #belongs(field, home) {
    return home.startsWith(this.#fields.home(field));
  }

  // What tells rows apart: items by their first text, records by their key where those are few.
  #by(chosen, {last, home, is_list, kind, y}) {
    const {texts, numbers} = this.#fields;
    const named = [...texts].filter((field) => this.#belongs(field, home));
    const numbered = is_list && named.length === 0 ? [...numbers].filter((field) => field !== y && this.#belongs(field, home)) : [];
    const options = [kNothing, kKey, ...named, ...numbered];
    if (options.includes(chosen.by)) return {options, value: chosen.by};
    if (!is_list) {
      const keys = new Set(last.map(({key}) => key));
      const apart = keys.size > 1 && !keys.has(null) && (keys.size <= kLinesMax || kind === 'bars');
      return {options, value: apart ? kKey : kNothing};
    }
    const own = named.filter((field) => this.#fields.home(field) === home);
    const value = this.#default(`by ${home}`, own) ?? kNothing;
    const many = kind === 'scatter' && new Set(this.#newestRows(home).map(([, row]) => row.text(value))).size > kLinesMax;
    return {options, value: many ? kNothing : value};
  }

  // The first of the fields that most rows of the newest record have. Once the topic is read to its end it stays:
  // records of another shape must not turn the chart over.
  #default(what, fields) {
    const before = this.#usual.get(what);
    if (before !== undefined && fields.includes(before)) return before;
    const usual = fields.find((field) => {
      const rows = this.#newestRows(this.#fields.home(field)).slice(0, kUsualRows);
      return rows.length > 0 && rows.filter(([, row]) => row.at(field) !== undefined).length * 2 >= rows.length;
    }) ?? fields[0];
    if (usual !== undefined && (this.status === Status.live || this.status === Status.stale)) this.#usual.set(what, usual);
    return usual;
  }

  // [record, row] of the newest record that has such rows: where there are lists, of the newest list.
  #newestRows(home) {
    const record = this.#newest(home);
    return (record?.rows.get(home) ?? []).map((row) => [record, row]);
  }

  #newest(home) {
    const last = this.#last, lists = home === '' && last.some((record) => record.is_list);
    let newest;
    for (const record of last) {
      if (record.rows.has(home) && (record.is_list || !lists) && !(newest?.timestamp > record.timestamp)) newest = record;
    }
    return newest;
  }

  #lines(last, {x, y, by, home}) {
    const times = x === kTime || this.#fields.times.has(x) || areTimes(this.#numbers(last, x));
    const shown = inView(last, times, kRecords);
    return {shown, times, ...linesOf(shown, {home, x, y, by, overTime: times})};
  }

  #numbers(last, x) {
    const home = this.#fields.home(x);
    return last.flatMap((record) => (record.rows.get(home) ?? []).map((row) => numberOf(record, row, x))).filter((n) => n !== undefined);
  }

  picture({x, y, by, kind, home, is_list}) {
    const asked = {x: x.value, y: y.value, by: by.value, home};
    const made = kind === 'bars' ? this.#barsPicture(asked, is_list) : this.#linesPicture(asked, kind, is_list);
    this.#drawn = {without: made.without, kind, ...asked};
    return made;
  }

  #barsPicture(asked, is_list) {
    const {y, home} = asked;
    const newest = is_list ? this.#newest(home) : null, last = this.#last;
    const {bars, total, without} = barsOf(y === undefined ? [] : is_list ? this.#newestRows(home) : latestRows(last, asked), asked);
    const of = is_list ? `the newest record, of ${time(newest?.timestamp)}` : `the last ${whole(last.length)} records`;
    const counted = is_list ? (n) => `${whole(n)} ${n === 1 ? 'item' : 'items'}` : (n) => `${whole(n)} newest ${n === 1 ? 'value' : 'values'}`;
    const missing = y === undefined ? last.length : without;
    return {kind: 'bars', bars, points: bars.length, without: missing, more: total - bars.length, value_name: y,
      note: [barsNote(bars.length, total, counted, of), missing > 0 && `${whole(missing)} lack this number`,
        newest?.cut > 0 && `${whole(newest.cut)} further items were not read`, this.#skipped()].filter(Boolean).join('; ')};
  }

  #linesPicture(asked, kind, is_list) {
    const {lines: found, more, without, shown, times} = this.#lines(this.#last, asked);
    const lines = kind === 'scatter' ? newestPoints(found) : found;
    const count = (of) => of.reduce((sum, [, points]) => sum + points.length, 0);
    const points = count(lines), left = count(found) - points;
    const cut = shown.reduce((sum, one) => sum + one.cut, 0);
    return {kind, lines, times, points, without, more, x: asked.x === kTime ? '' : asked.x, y: asked.y,
      note: [`${whole(points)} points from the last ${whole(shown.length)} records`,
        more > 0 && `the ${whole(lines.length)} lines of the largest latest values, and ${whole(more)} more`,
        without > 0 && `${whole(without)} ${is_list ? 'items ' : ''}lack these numbers`, left > 0 && `${whole(left)} older points are not drawn`,
        cut > 0 && `${whole(cut)} further items were not read`, this.#skipped()].filter(Boolean).join('; ')};
  }

  #skipped() {
    const {skipped} = this.#topic.state();
    return skipped > 0 && `${short(skipped)} skipped to keep up`;
  }

  whyEmpty() {
    const {name} = this;
    if (this.status === Status.missing) return [`There is no topic ${name}`, 'Choose another one, or create it:', `curl -d '{"name":"${name}"}' ORIGIN/topics`];
    if (this.#records.length > 0) {
      const {x, y, home, kind} = this.#drawn, of_bars = kind === 'bars';
      const is_empty = of_bars && this.#newest(home)?.rows.get(home).length === 0;
      if (is_empty && y) return null;
      const why = is_empty ? 'The list in the newest record is empty.' : !y ? 'The records of this topic hold no numbers.' :
        of_bars ? `The newest record has no ${y}.` : `No record has both ${x} and ${y}.`;
      return ['No numbers to draw', `${why} To read them:`, `gameflow consume ${name} --offset -10 --server ORIGIN`];
    }
    if (this.#schema()) return ['Nothing to draw yet', 'The topic has no records. They appear here when they come.', null];
    return ['Nothing to draw yet', 'Send a record with the numbers x and y, and it appears here:',
      `curl -H 'Content-Type: application/json' -d '{"x":1,"y":2}' ORIGIN/topics/${name}/records`];
  }
}

// With how many records to begin: with fewer where they are so big that they would not fit into kBytesAtFirst as they are stored.
function tailOf({records, bytes}) {
  const each = records > 0 ? bytes / records : 0;
  return each > 0 ? Math.max(2, Math.min(kRecords, Math.floor(kBytesAtFirst / each))) : kRecords;
}

// "The 30 largest of 1,234 items in …, and 1,204 more"
export function barsNote(shown, total, counted, of) {
  return shown < total ? `The ${whole(shown)} largest of ${counted(total)} of ${of}, and ${whole(total - shown)} more` : `${counted(total)} of ${of}`;
}

function longestSilence(records) {
  const times = records.slice(-kRecords / 10).map(({timestamp}) => timestamp).sort((a, b) => a - b);
  return times.slice(1).reduce((longest, time, i) => Math.max(longest, time - times[i]), kPeriodMin);
}
