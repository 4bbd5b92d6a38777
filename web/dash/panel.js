// One panel: its frame, what it follows, the state that it is in, and its drawing by type.

import {Chart, label, seriesColour, seriesDash} from '../chart.js';
import {Places} from '../chart_picture.js';
import {el, setText} from '../dom.js';
import {colour} from '../shell.js';
import {linkTo} from './address.js';
import {ColumnError, isNumeric, isTime, textOf} from './columns.js';
import {Followed} from './followed.js';
import {originOf} from './origin.js';
import {table} from './panels/table.js';
import {kTypes, queriesOf} from './types.js';
import {unitOf} from './units.js';
import {patch} from './view.js';
import {timeIn} from './zones.js';

const kStalePeriods = 3;
const kStaleGrace = 15_000;
const kChartEvery = 5_000;   // a chart up to now moves on so often without new rows

// What a panel can be; `loading` and `disconnected` may show rows of before, and look like it.
export const PanelState = Object.freeze({loading: 'loading', live: 'live', empty: 'empty', stale: 'stale', disconnected: 'disconnected', error: 'error'});

let ids = 0;

export class Panel {
  spec;
  node;
  #page;
  #type;
  #parts;
  #followed = new Followed();
  #state = PanelState.loading;
  #drawn = null;        // what the last drawing was of
  #said = null;         // what was said beside it: arguments of #say, and the progress that was known
  #chart = null;
  #places = new Places();
  #ui = {};
  #as_table = false;
  #touched = 0;
  #newest = null;
  #hrefOf = () => null;  // of a point of the chart

  // page: {queries, progress, dashboard, params(), choice: {…}, bounds, now, connected, every, setRange(from, to), invalidate()}
  constructor(spec, page) {
    this.spec = spec;
    this.#page = page;
    this.#type = kTypes[spec.type];
    this.node = this.#frame();
  }

  close() {
    this.#followed.close();
    this.#chart?.close();
  }

  // Follows what the page asks for now. `chosen`: somebody changed it, so what is shown is not what was asked for.
  follow(chosen) {
    const {queries, every} = this.#page, params = this.#page.params();
    const questions = Object.entries(queriesOf(this.spec)).map(([name, query]) => [name, {...query, params, every}]);
    this.#followed.ask(queries, Object.fromEntries(questions), chosen);
  }

  get state() {
    return this.#state;
  }

  // For tests: what is shown, and what it is made of.
  report() {
    const {title, type} = this.spec, {main, ...parts} = this.#followed.answers;
    return {
      title, type, state: this.#state, columns: main?.columns ?? [], rows: main?.rows ?? null, version: main?.version ?? null,
      parts: Object.fromEntries(Object.entries(parts).map(([name, {rows}]) => [name, rows])),
      drawn: this.#chart && !this.#as_table ? this.#chart.drawn() : null,
    };
  }

  draw(force = false) {
    const {answers} = this.#followed;
    const {now, bounds, choice, connected, progress} = this.#page;
    const moving = this.#type?.chart ? Math.floor(now / kChartEvery) : this.spec.type === 'alert-list' ? Math.floor(now / 1_000) : 0;
    const drawn = [...Object.values(answers), connected, this.#followed.isAwaited, bounds?.from, bounds?.to, choice.zone, this.#as_table, this.#touched, moving];
    if (!force && this.#drawn && drawn.length === this.#drawn.length && drawn.every((one, i) => one === this.#drawn[i])) {
      if (this.#said?.progress !== progress) this.#say(...this.#said.of);
      return;
    }
    this.#drawn = drawn;
    this.#show(answers);
  }

  #show(answers) {
    const {main} = answers, is_text = this.spec.type === 'text';
    let problem = !this.#type ? `There is no panel of type ${this.spec.type}.` : main?.error ? errorText(main.error) : null;
    let state = PanelState.live;
    this.#newest = null;
    if (problem === null && !is_text) {
      if (!main || main.rows === null) state = PanelState.loading;
      else if (main.rows.length === 0 && this.spec.type !== 'figure') state = PanelState.empty;
    }
    let note = '';
    const has_rows = problem === null && (is_text || (main?.rows && state !== PanelState.empty));
    if (has_rows) {
      try {
        note = this.#fill(answers) ?? '';
      } catch (error) {
        if (!(error instanceof ColumnError)) console.error(error);
        problem = error.message;
      }
    }
    if (problem !== null) state = PanelState.error;
    else if (!this.#page.connected && !is_text && state !== PanelState.loading) state = PanelState.disconnected;
    else if (this.#followed.isAwaited) state = PanelState.loading;
    else if (this.#newest && state === PanelState.live && this.#isStale(this.#newest)) state = PanelState.stale;
    this.#state = state;
    this.#say(state, problem, note, has_rows && problem === null, answers);
  }

  #isStale({at, period}) {
    const {now, every, live} = this.#page;
    return live && period !== null && now - at > kStalePeriods * Math.max(period, every) + kStaleGrace;
  }

  #say(...of) {
    const [state, problem, note, has_content, {main, ...parts}] = of, {now, choice, progress} = this.#page;
    this.#said = {of, progress};
    const notes = {
      [PanelState.stale]: () => `nothing since ${timeIn(choice.zone, this.#newest.at, now)}`,
      [PanelState.disconnected]: () => (main?.at ? `as of ${timeIn(choice.zone, main.at, now)}` : ''),
    };
    this.node.dataset.state = state;
    this.node.setAttribute('aria-busy', String(state === PanelState.loading));
    this.#parts.content.hidden = !has_content;
    const empty = main?.rows?.length === 0 ? this.#type?.empty ?? 'Nothing to show for this choice.' : '';
    const words = problem ?? (has_content ? '' : empty);
    this.#parts.message.hidden = words === '';
    setText(this.#parts.message, words);
    // What is beside the numbers may fail by itself: a small line, marks.
    const failed = Object.entries(parts).filter(([, {error}]) => error !== null).map(([name, {error}]) => `${name}: ${error.message}`);
    this.#sayOrigin([main, ...Object.values(parts)]);
    const said = notes[state]?.() ?? [note, main?.truncated && 'cut off', ...failed].filter(Boolean).join(', ');
    setText(this.#parts.note, said);
    this.#parts.note.title = said;
  }

  // Of all that the panel asks.
  #sayOrigin(answers) {
    const {about, origin} = this.#parts, {now, choice, progress} = this.#page;
    if (!about) return;
    const reads = [...new Set(answers.flatMap((answer) => answer?.reads ?? []))].sort();
    const {text, warning} = originOf(reads, progress, (ms) => timeIn(choice.zone, ms, now));
    setText(origin, text);
    setText(about, warning ? '!' : 'i');
    about.toggleAttribute('data-incomplete', warning !== '');
    about.title = warning || (this.spec.definition ?? 'Where it comes from');
  }

  #context(box) {
    const {bounds, choice, now, whole} = this.#page;
    return {
      now, zone: choice.zone, from: bounds?.from ?? null, to: bounds?.to ?? null, whole, scale: this.#page.scale,
      width: box.clientWidth, height: box.clientHeight,
      unit: unitOf, time: (ms) => timeIn(choice.zone, ms, now),
      href: (link, columns, row) => this.#href(link, columns, row),
      ui: this.#ui, update: () => this.#update(),
      colour, series: seriesColour, dash: seriesDash, label, places: this.#places,
    };
  }

  #update() {
    this.#touched += 1;
    this.draw();
  }

  #href(link, columns, row) {
    if (!link?.dashboard) return null;
    const variables = {};
    for (const [variable, column] of Object.entries(link.variables ?? {})) {
      const place = columns.indexOf(column);
      if (place === -1) throw new ColumnError(`link takes ${variable} from column "${column}", but the query has: ${columns.join(', ')}`);
      if (row[place] === null) return null;
      variables[variable] = textOf(row[place]);
    }
    return linkTo(link.dashboard, variables, this.#page.choice, this.#page.dashboard);
  }

  // Returns the note.
  #fill(answers) {
    const {chart, alternative, view} = this.#parts, type = this.#type;
    if (!type.chart) {
      patch(view, type.view(this.spec, answers, this.#context(view)));
      return '';
    }
    chart.hidden = this.#as_table;
    alternative.hidden = !this.#as_table;
    this.#parts.content.hidden = false;
    const context = this.#context(chart), {option, summary, note, newest, period, rowOf} = type.chart(this.spec, answers, context);
    this.#hrefOf = (point) => {
      const row = this.spec.link && rowOf?.(point);
      return row ? context.href(this.spec.link, answers.main.columns, row) : null;
    };
    if (newest !== undefined && newest !== null) this.#newest = {at: newest, period};
    if (this.#as_table) {
      patch(alternative, table.view(tableSpec(this.spec, answers.main), answers, this.#context(alternative)));
    } else {
      if (!this.#chart) this.#makeChart(chart);
      this.#chart.draw({...option, aria: {enabled: true, label: {description: `${this.spec.title ?? ''}: ${summary}`}}}, this.spec.echarts);
    }
    return note;
  }

  #makeChart(box) {
    this.#chart = new Chart(box, {size: Math.round(11.5 * this.#page.scale)});
    this.#chart.onClick((point) => {
      const href = this.#hrefOf(point);
      if (href) location.assign(href);
    });
    // A finger that drags scrolls the page.
    if (!this.#type.zoom || !this.#page.bounds || matchMedia('(pointer: coarse)').matches) return;
    this.#chart.onSelect((from, to) => this.#page.setRange(from, to));
  }

  #frame() {
    const {title, definition, type} = this.spec, id = `panel-${++ids}`;
    const parts = {
      note: el('span', {class: 'note panel-note'}),
      chart: el('div', {class: 'chart-box'}),
      alternative: el('div', {class: 'alternative', hidden: ''}),
      view: el('div', {class: 'view'}),
      message: el('p', {class: 'message'}),
    };
    const is_chart = Boolean(this.#type?.chart);
    parts.content = is_chart ? el('div', {class: 'content'}, parts.chart, parts.alternative) : el('div', {class: 'content'}, parts.view);
    // What does not fit is scrolled to; tables have a box of their own for that.
    if (!is_chart && !['table', 'retention', 'figure'].includes(type)) parts.view.tabIndex = 0;
    this.#parts = parts;
    const head = el('header', {}, el('h3', {id}, title ?? ''));
    if (type !== 'text') head.append(...this.#definition(definition, id));
    head.append(parts.note);
    if (is_chart) head.append(this.#tableButton(title));
    const attributes = {class: 'panel', 'data-type': type, 'data-state': PanelState.loading, 'aria-labelledby': title ? id : null};
    return el('article', attributes, head, parts.content, parts.message);
  }

  #definition(definition, id) {
    const origin = el('p', {class: 'origin'});
    const text = el('div', {class: 'definition', id: `${id}-definition`, hidden: ''}, ...(definition ? [el('p', {}, definition)] : []), origin);
    const button = el('button', {
      type: 'button', class: 'icon', 'aria-label': `What is ${this.spec.title ?? 'this'}?`, 'aria-describedby': text.id, 'aria-expanded': 'false',
    }, 'i');
    Object.assign(this.#parts, {origin, about: button});
    const set = (open) => {
      text.hidden = !open;
      button.setAttribute('aria-expanded', String(open));
    };
    button.addEventListener('click', () => set(text.hidden));
    button.addEventListener('blur', () => set(false));
    button.addEventListener('keydown', ({key}) => {
      if (key === 'Escape') set(false);
    });
    return [button, text];
  }

  #tableButton(title) {
    const attributes = {type: 'button', class: 'icon as-table', 'aria-pressed': 'false', 'aria-label': `${title ?? 'Chart'} as a table`, title: 'As a table'};
    const button = el('button', attributes, '▤');
    button.addEventListener('click', () => {
      this.#as_table = !this.#as_table;
      button.setAttribute('aria-pressed', String(this.#as_table));
      this.draw();
    });
    return button;
  }
}

// A chart's rows as a table: the chart's unit is that of its values, not of its places.
function tableSpec({title, unit, decimals, link, x, y, time, age}, {columns, rows}) {
  const places = new Set([x, y, time, age, 'x', 'y', 'age']);
  const isValue = (column, c) => isNumeric(rows, c) && !isTime(rows, c, column) && !places.has(column);
  return {title, link, columns: columns.map((column, c) => ({column, ...(isValue(column, c) ? {unit, decimals} : {})}))};
}

const errorText = ({code, message}) => (code ? `${message} (${code})` : message);
