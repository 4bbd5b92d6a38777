// The 20 most active players of the last closed window, compared with the window before.

import {LiveTopic, Status} from './live.js';
import {Shell, $, el, setText} from './shell.js';
import {Sparkline} from './sparkline.js';
import {WindowSeries, tailWithin} from './windows.js';
import {plain, short, time, whole} from './format.js';

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
const rows = Array.from({length: kRows}, (_, i) => makeRow(i + 1));

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

function makeRow(rank) {
  const fill = el('div');
  const cells = {
    rank: el('td', {class: 'number'}, String(rank)), player: el('td'), events: el('td', {class: 'number'}),
    change: el('td', {class: 'number'}),
  };
  const bar = el('td', {class: 'bar-column'}, el('div', {class: 'bar'}, fill));
  const row = el('tr', {}, cells.rank, cells.player, cells.events, bar, cells.change);
  row.hidden = true;
  $('top').tBodies[0].append(row);
  return {row, fill, ...cells};
}

function draw() {
  $('empty').hidden = topic.status !== Status.empty && topic.status !== Status.missing;
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
  setText($('window'), `Window ${time(last.end - series.period)} to ${time(last.end)}`);
  setText($('events'), short(events));
  setText($('events-note'), previous ? `${signed(events - previous.value.events)} vs. before` : 'first window');
  setText($('players'), short(players));
  setText($('players-note'), previous ? `${signed(players - previous.value.players)} vs. before` : 'first window');
  setText($('mean'), players > 0 ? plain(Math.round((events / players) * 100) / 100) : '–');
  setText($('mean-note'), 'on average');
  eventsSpark.draw(series.entries.map(({value}) => value.events), Math.max(kSlots, series.entries.length));
  playersSpark.draw(series.entries.map(({value}) => value.players), Math.max(kSlots, series.entries.length));
}

const signed = (n) => (n > 0 ? `+${short(n)}` : n < 0 ? `−${short(-n)}` : '±0');

function drawTable(top, before) {
  const wanted = new Set(top.map(({player_id}) => player_id));
  const counts = new Map();
  for (const {player_id, event_count} of before ?? []) {
    if (wanted.has(player_id)) counts.set(player_id, event_count);
  }
  rows.forEach(({row, fill, player, events, change}, i) => {
    const entry = top[i];
    row.hidden = !entry;
    if (!entry) return;
    setText(player, entry.player_id);
    player.title = entry.player_id;
    setText(events, whole(entry.event_count));
    fill.style.transform = `scaleX(${top[0].event_count > 0 ? entry.event_count / top[0].event_count : 0})`;
    const known = counts.get(entry.player_id);
    const delta = entry.event_count - (known ?? 0);
    setText(change, before === null ? '–' : known === undefined ? 'new' : delta === 0 ? '=' : `${delta > 0 ? '▲' : '▼'} ${whole(Math.abs(delta))}`);
    change.className = `number ${known === undefined || delta === 0 ? 'muted' : delta > 0 ? 'good' : 'warn'}`;
  });
}
