// A state: its rows, window by window, searched by key, a page at a time.

import {getJson} from '../live.js';
import {el, setText} from '../dom.js';
import {bytes, plain, time, whole} from '../format.js';
import {serviceId} from './model.js';
import {LiveFacts, facts, links, section, whenQuiet} from './parts.js';
import {messageOf} from './search.js';

const kPage = 50;
const kRefresh = 2_000;         // ms between two looks at the first page,
const kRefreshLarge = 10_000;   // and where there are many rows
const kLarge = 200_000;
const kWindows = 50;
const kNewest = 'newest';       // of the windows, whichever it is at the moment

export class StateView {
  #service;
  #state;
  #context;
  #facts = new LiveFacts(['Rows', 'In memory']);
  #window = el('select', {'aria-label': 'Window', id: 'row-window', hidden: ''});
  #how = el('select', {'aria-label': 'How to search', id: 'row-how'}, el('option', {value: 'prefix'}, 'Key begins with'), el('option', {value: 'key'}, 'Key is'));
  #search = el('input', {type: 'search', placeholder: 'key', 'aria-label': 'Key to search', id: 'row-search', autocomplete: 'off', spellcheck: 'false'});
  #note = el('p', {class: 'note', role: 'status'});
  #head = el('tr');
  #rows = el('tbody');
  #more = el('button', {type: 'button', hidden: '', id: 'row-more'}, 'More rows');
  #table_name;
  #asked = null;       // {parameters, window} of the pages that are shown; window undefined: all
  #next = null;        // where the following page begins
  #pages = 1;
  #shown = [];         // {columns, rows}
  #windows = [];
  #refreshed_at = -Infinity;
  #stop = new AbortController();
  body = el('div', {});

  constructor(service, state, context) {
    this.#service = service;
    this.#state = state;
    this.#context = context;
    this.#table_name = context.stateOf(service, state)?.table ?? state;
    this.body.append(this.#facts.node,
      facts([['Service', links([serviceId(service)], '')], ['In SQL', el('code', {}, this.#table_name), true]]),
      section('Rows', el('div', {class: 'record-controls'}, this.#window, this.#how, this.#search), this.#note,
        el('div', {class: 'scroll', role: 'region', 'aria-label': 'Rows', tabindex: '0'}, el('table', {class: 'rows'}, el('thead', {}, this.#head), this.#rows)), this.#more));
    this.#window.addEventListener('change', () => this.#restart());
    this.#how.addEventListener('change', () => this.#restart());
    this.#search.addEventListener('input', whenQuiet(() => this.#restart()));
    this.#more.addEventListener('click', () => this.#load(true));
  }

  update() {
    const known = this.#context.stateOf(this.#service, this.#state);
    if (known) this.#facts.set({Rows: whole(known.rows ?? 0), 'In memory': bytes(known.bytes ?? 0)});
    const wait = (known?.rows ?? 0) > kLarge ? kRefreshLarge : kRefresh;
    if (this.#pages > 1 || performance.now() - this.#refreshed_at < wait) return;
    this.#refreshed_at = performance.now();
    this.#load(false);
  }

  draw() {}

  close() {
    this.#stop.abort();
  }

  state() {
    return {rows: this.#shown.length, note: this.#note.textContent, windows: this.#windows, more: !this.#more.hidden};
  }

  #restart() {
    this.#more.disabled = true;  // until what it would follow is there
    this.#refreshed_at = performance.now();
    this.#load(false);
  }

  async #load(is_more) {
    this.#stop.abort();
    this.#stop = new AbortController();
    const {signal} = this.#stop;
    this.#pages = is_more ? this.#pages + 1 : 1;  // at once: what is more than a page is not refreshed
    try {
      const asked = is_more ? this.#asked : this.#question();
      const page = await this.#page(asked, is_more ? this.#next : null, signal);
      if (signal.aborted) return;
      this.#showWindows(page.windows);
      this.#asked = asked.parameters.window === kNewest ? this.#question(page.windows.at(-1)) : asked;
      this.#more.disabled = false;
      this.#shown = is_more ? [...this.#shown, ...page.rows] : page.rows;
      this.#next = page.next;
      this.#more.hidden = page.next === null;
      this.#draw(page.columns, is_more ? page.rows : null);
    } catch (error) {
      if (error.name === 'AbortError' || error instanceof TypeError) return;  // gone, or the server is: the status says so
      setText(this.#note, `${error.message[0].toUpperCase()}${error.message.slice(1)}`);
      if (!is_more) this.#rows.replaceChildren();
    }
  }

  #showWindows(windows) {
    if (windows.length === 0) return;
    this.#windows = windows.slice(-kWindows).reverse();
    const chosen = this.#window.options.length === 0 ? kNewest : this.#window.value;
    const option = ({start, end, closed, rows}) => el('option', {value: start}, `${time(start)} to ${time(end)}, ${closed ? 'closed' : 'open'}, ${whole(rows)} rows`);
    const options = [el('option', {value: kNewest}, 'Newest window'), el('option', {value: ''}, 'All windows'), ...this.#windows.map(option)];
    const before = [...this.#window.options].map((o) => o.textContent).join('\n');
    if (before !== options.map((o) => o.textContent).join('\n') && document.activeElement !== this.#window) {
      this.#window.replaceChildren(...options);
      this.#window.value = options.some(({value}) => value === chosen) ? chosen : kNewest;
    }
    this.#window.hidden = false;
  }

  // What the controls ask for at the moment; `newest`: the window that this is, once it is known.
  #question(newest) {
    const chosen = this.#window.value, is_newest = chosen === kNewest || this.#window.options.length === 0;
    const window = is_newest ? newest : this.#windows.find(({start}) => String(start) === chosen);
    const parameters = {limit: kPage};
    if (this.#search.value !== '') parameters[this.#how.value] = this.#search.value;
    if (window) parameters.window = window.start;
    else if (is_newest && this.#hasWindows()) parameters.window = kNewest;
    return {parameters, window};
  }

  #hasWindows() {
    return this.#context.columnsOf(this.#service, this.#state).some(({name}) => name === '_window_start');
  }

  async #page({parameters: asked}, after, signal) {
    const parameters = new URLSearchParams(after === null ? asked : {...asked, after});
    const response = await fetch(`states/${encodeURIComponent(this.#service)}/${encodeURIComponent(this.#state)}?${parameters}`, {cache: 'no-store', signal});
    if (!response.ok) throw new Error(await messageOf(response));
    return response.json();
  }

  // `added`: only these rows are new.
  #draw(columns, added) {
    const {window} = this.#asked, in_one = window !== undefined;
    const times = new Set(['_updated_at', '_window_start', '_window_end']);
    const hidden = new Set(in_one ? ['_window_start', '_window_end', '_window_closed'] : ['_window_end']);
    const shown = columns.map((name, i) => ({name, i})).filter(({name}) => !hidden.has(name));
    const title = {_key: 'key', _updated_at: 'updated', _window_start: 'window', _window_closed: 'closed'};
    const types = new Map(this.#context.columnsOf(this.#service, this.#state).map(({name, type}) => [name, type]));
    const is_number = (name) => !times.has(name) && /^([iuf]\d|distinct$)/.test(types.get(name) ?? '') && name !== '_window_closed';
    const heads = shown.map(({name}) => el('th', {scope: 'col', class: is_number(name) ? 'number' : ''}, title[name] ?? name));
    if ([...this.#head.children].map((h) => h.textContent).join('\n') !== heads.map((h) => h.textContent).join('\n')) this.#head.replaceChildren(...heads);
    const text = (name, value) => {
      if (value === null) return '–';
      if (name === '_window_closed') return value ? 'yes' : 'no';
      if (times.has(name)) return time(value);
      return typeof value === 'number' && name !== '_key' ? plain(value) : String(value);
    };
    const row = (values) => el('tr', {}, ...shown.map(({name, i}, column) =>
      el(column === 0 ? 'th' : 'td', {class: is_number(name) ? 'number' : '', title: text(name, values[i]), ...(column === 0 ? {scope: 'row'} : {})}, text(name, values[i]))));
    if (added) this.#rows.append(...added.map(row));
    else this.#rows.replaceChildren(...this.#shown.map(row));
    const count = this.#shown.length, searched = this.#search.value !== '';
    const of = in_one ? ` of the window ${time(window.start)} to ${time(window.end)}, ${window.closed ? 'closed' : 'open'}` : '';
    if (count === 0) setText(this.#note, searched ? 'No row has such a key.' : 'No rows at the moment.');
    else if (this.#pages > 1) setText(this.#note, `${whole(count)} rows${of}, as they were when they were loaded.`);
    else setText(this.#note, `${this.#next === null ? (searched ? 'The rows' : 'All rows') : `The first ${whole(count)} rows`}${of}, live.`);
  }
}

// Of all states; they stay while the dataflow runs.
export async function loadColumns() {
  const {states} = await getJson('states');
  return new Map(states.map(({service, state, columns}) => [`${service}/${state}`, columns]));
}
