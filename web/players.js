// The 20 most active players of the last closed window, compared with the window before.

import {LiveTopic, Status} from './live.js';
import {$, el, setText} from './dom.js';
import {Shell} from './shell.js';
import {Sparkline} from './sparkline.js';
import {WindowSeries, tailWithin, windowLength} from './windows.js';
import {named, plain, short, time, whole} from './format.js';

const kTopic = 'player-session-summaries';
const kRows = 20;
const kWindows = 60;
const kSlots = 20;  // places for points in a sparkline, at least

// Of each window {players, events}; the whole list only of the last two.
const series = new WindowSeries(kWindows, 5_000);
let invalid = 0;  // records that are no list of {player_id, event_count}
let shown = {rows: [], end: null, offset: null};  // what the table says, for tests

const topic = new LiveTopic(kTopic, {
  tail: tailWithin(kWindows),
  period: () => series.period,
  onRecord: take,
  onReset: () => series.clear(),
  onChange: () => shell.invalidate(),
  onTick: () => shell.refreshStatus(),
});
const shell = new Shell({
  draw,
  status: () => topic.status,
  age: () => topic.age,
  state: () => ({topic: topic.state(), invalid, ...shown}),
});
const eventsSpark = new Sparkline($('events-spark'));
const playersSpark = new Sparkline($('players-spark'));
const rows = Array.from({length: kRows}, makeRow);

windowLength(kTopic).then((ms) => {
  series.length = ms;
  shell.invalidate();
});

function take({partition, offset, timestamp, value}) {
  const good = Array.isArray(value) && Number.isFinite(timestamp) &&
      value.every((row) => typeof row?.player_id === 'string' && Number.isFinite(row.event_count));
  if (!good) {
    invalid += 1;
    return;
  }
  const events = value.reduce((sum, row) => sum + row.event_count, 0);
  series.put(timestamp, {list: value, players: value.length, events, offset: `${partition}:${offset}`});
  const old = series.entries.at(-3);
  if (old) old.value.list = null;
  shell.news();
}

function makeRow() {
  const fill = el('div');
  const cells = {
    rank: el('td', {class: 'number'}), player: el('td'), events: el('td', {class: 'number'}),
    change: el('td', {class: 'number'}),
  };
  const bar = el('td', {class: 'bar-column'}, el('div', {class: 'bar'}, fill));
  const row = el('tr', {}, cells.rank, cells.player, cells.events, bar, cells.change);
  row.hidden = true;
  $('top').tBodies[0].append(row);
  return {row, fill, ...cells};
}

function draw() {
  $('empty').hidden = topic.status !== Status.empty;
  $('missing').hidden = topic.status !== Status.missing;
  const {last, previous} = series;
  if (last) drawTiles(last, previous);
  const top = (last?.value.list ?? []).slice(0, kRows);
  drawTable(top, previous?.value.list ?? null);
  shown = {
    rows: top.map(({player_id, event_count}) => ({player_id, event_count})),
    end: last?.end ?? null,
    offset: last?.value.offset ?? null,
  };
}

function drawTiles(last, previous) {
  const {events, players} = last.value;
  setText($('window'), `Window ${time(last.end - series.length)} to ${time(last.end)}`);
  setText($('events'), short(events));
  setText($('events-note'), previous ? `${signed(events - previous.value.events)} vs. before` : 'first window');
  setText($('players'), short(players));
  setText($('players-note'), previous ? `${signed(players - previous.value.players)} vs. before` : 'first window');
  setText($('mean'), players > 0 ? mean(events / players) : '–');
  setText($('mean-note'), 'on average');
  eventsSpark.draw(series.entries.map(({value}) => value.events), Math.max(kSlots, series.entries.length));
  playersSpark.draw(series.entries.map(({value}) => value.players), Math.max(kSlots, series.entries.length));
}

const mean = (n) => (n < 10_000 ? plain(Math.round(n * 100) / 100) : short(n));
const signed = (n) => (n > 0 ? `+${short(n)}` : n < 0 ? `−${short(-n)}` : '±0');

function drawTable(top, before) {
  const wanted = new Set(top.map(({player_id}) => player_id));
  const counts = new Map();
  for (const {player_id, event_count} of before ?? []) {
    if (wanted.has(player_id)) counts.set(player_id, event_count);
  }
  rows.forEach(({row, rank, fill, player, events, change}, i) => {
    const entry = top[i];
    row.hidden = !entry;
    if (!entry) return;
    const place = 1 + top.findIndex(({event_count}) => event_count === entry.event_count);  // who ties shares it
    setText(rank, place);
    rank.classList.toggle('best', place <= 3);
    setText(player, named(entry.player_id));
    player.title = entry.player_id;
    setText(events, whole(entry.event_count));
    const part = top[0].event_count > 0 ? entry.event_count / top[0].event_count : 0;
    fill.style.transform = `translateX(${100 * (part - 1)}%)`;  // a scaled bar would have a flat end
    const known = counts.get(entry.player_id);
    const delta = entry.event_count - (known ?? 0);
    setText(change, before === null ? '–' : known === undefined ? 'new' : delta === 0 ? '=' : `${delta > 0 ? '▲' : '▼'} ${whole(Math.abs(delta))}`);
    change.className = `number ${known === undefined || delta === 0 ? 'muted' : delta > 0 ? 'good' : 'warn'}`;
  });
}
