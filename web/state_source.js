// The rows of a state as something to chart, as topic_source.js says: the largest of a column, or two columns against
// each other, looked at again every few seconds.

import {Status} from './live.js';
import {kBarsMax, areTimes} from './lines.js';
import {columnsOf, listStates, placeOf, refreshOf, topOf} from './states.js';
import {barsNote} from './topic_source.js';
import {time, whole} from './format.js';

const kPoints = 2_000;        // of a scatter
const kRetry = 2_000;         // ms, after a failure
const kStaleAfter = 15_000;   // without a changed row
const kRefused = 'The server did not answer the query';

export class StateSource {
  #options;
  #state = null;       // as the server describes it
  #asked = null;       // {x, y, by, kind} of the answer wanted
  #answer = null;      // {asked, rows, total, …}
  #status = Status.connecting;
  #problem = null;     // what the server says against the query
  #timer = null;
  #attempt = 0;        // tells a superseded look that it is
  #looks = 0;

  // `name`: SERVICE/STATE; onNews() rows came; onChange() the status; onTick() each second
  constructor(name, options) {
    this.name = name;
    this.#options = options;
    this.ticker = setInterval(() => options.onTick(), 1_000);
    this.wake = () => document.hidden || this.#look();
    document.addEventListener('visibilitychange', this.wake);
    window.addEventListener('online', this.wake);
    this.#look();
  }

  close() {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearInterval(this.ticker);
    document.removeEventListener('visibilitychange', this.wake);
    window.removeEventListener('online', this.wake);
  }

  get status() {
    return this.#status === Status.live && this.age > kStaleAfter ? Status.stale : this.#status;
  }

  // Since a row changed.
  get age() {
    const at = this.#answer?.updated_at ?? null;
    return at === null ? null : Math.max(0, Date.now() - at);
  }

  state() {
    return {looks: this.#looks, problem: this.#problem, total: this.#answer?.total ?? null, without: this.#answer?.without ?? 0};
  }

  async #look() {
    const attempt = ++this.#attempt;
    clearTimeout(this.#timer);
    let wait = kRetry;
    try {
      if (!document.hidden) {
        const state = (await listStates()).find((one) => placeOf(one) === this.name) ?? null;
        if (attempt !== this.#attempt) return;
        this.#state = state;
        const asked = this.#asked;
        const answer = state && asked ? {asked, ...await topOf(state, {...asked, limit: asked.kind === 'bars' ? kBarsMax : kPoints})} : null;
        if (attempt !== this.#attempt) return;
        if (state) wait = refreshOf(state);
        if (answer || !state) this.#answer = answer;
        this.#problem = null;
        this.#setStatus(!state ? Status.missing : !asked ? this.#status : answer.total === 0 ? Status.empty : Status.live);
        this.#looks += 1;
        this.#options.onNews();
      }
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const refused = error.status !== undefined;
      this.#problem = refused ? error.message : null;
      this.#setStatus(!refused ? Status.disconnected : this.#answer ? this.#status : Status.stale);
      this.#options.onChange();
    }
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  #setStatus(status) {
    const before = this.#status;
    this.#status = status;
    if (status !== before) this.#options.onChange();
  }

  choices(chosen) {
    const {numbers, times, texts} = this.#state ? columnsOf(this.#state) : {numbers: [], times: [], texts: []};
    const of = (options, wanted, otherwise) => (options.includes(wanted) ? wanted : otherwise);
    const y = of(numbers, chosen.y, numbers[0]), by = of(texts, chosen.by, texts[0]);
    const xs = [...numbers, ...times], x = of(xs, chosen.x, xs.find((column) => column !== y));
    const kind = chosen.kind === 'scatter' ? 'scatter' : 'bars';
    return {x: {options: xs, value: x, used: kind !== 'bars'}, y: {options: numbers, value: y}, by: {options: texts, value: by}, kinds: ['scatter', 'bars'], kind};
  }

  picture({x, y, by, kind}) {
    const asked = {y: y.value ?? null, x: kind === 'bars' ? null : x.value ?? null, by: by.value, kind};
    if (this.#state && JSON.stringify(asked) !== JSON.stringify(this.#asked)) {
      this.#asked = asked;
      this.#look();
    }
    const answer = JSON.stringify(this.#answer?.asked) === JSON.stringify(asked) ? this.#answer : null;
    const rows = asked.y === null ? [] : (answer?.rows ?? []).map(([name, value, along]) => ({name: String(name ?? ''), value, along}));
    const {total = 0, without = 0, window = null} = answer ?? {};
    const counted = (n) => `${whole(n)} ${n === 1 ? 'row' : 'rows'}`;
    const of = window ? `the window ${time(window.start)} to ${time(window.end)}, ${window.closed ? 'closed' : 'open'}` : this.name;
    const common = {kind, without, more: total - without - rows.length, points: rows.length, value_name: y.value, y: y.value, x: x.value,
      note: answer === null ? '' : [barsNote(rows.length, total - without, counted, of), without > 0 && `${whole(without)} have no value there`,
        this.#problem && `${kRefused}: ${this.#problem}`].filter(Boolean).join('; ')};
    if (kind === 'bars') return {...common, bars: rows};
    const points = rows.map(({value, along, name}) => [along, value, name]);
    return {...common, lines: [[`${y.value}`, points]], times: areTimes(points.map(([along]) => along))};
  }

  whyEmpty() {
    if (this.#state === null) return this.status !== Status.missing ? null : [`There is no state ${this.name}`, 'Choose another one.', null];
    const {numbers} = columnsOf(this.#state), read = `gameflow sql 'select * from "${this.#state.table}" limit 10' --server ORIGIN`;
    if (numbers.length === 0) return ['No numbers to draw', 'The rows of this state hold no numbers. To read them:', read];
    if (this.#problem) return [kRefused, this.#problem, null];
    if (this.#answer === null) return null;
    if (this.#answer.total === 0) return ['Nothing to draw yet', 'The state has no rows. They appear here when they come.', null];
    return ['No numbers to draw', 'No row has a value there. To read them:', read];
  }
}
