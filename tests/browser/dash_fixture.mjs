// A dashboard with a panel of every type, and answers for its queries: the same numbers for the same time.

import {kProgressQuery} from '../../web/dash/origin.js';

// Of two tables; queries that begin with `revenue` read the one that is behind.
export const kProgress = [['by_player', 'active-players', Date.UTC(2026, 10, 20, 9, 30), 0, 0, null], ['sales', 'shop', Date.UTC(2026, 10, 20, 9, 29), 41_500, 0.12, null]];
const kReads = {'players :platform': ['by_player'], revenue: ['by_player', 'sales']};

const kServers = ['eu-west-1', 'eu-west-2', 'us-east-1', 'us-east-2', 'ap-south-1', 'sa-east-1', 'us-west-1', 'eu-north-1'];
const kPlatforms = ['android', 'console', 'ios', 'pc'];
export const kHostile = '<img src=x onerror="window.__hostile=1">{a|b}';

export const kEverything = {
  name: 'everything', title: 'Everything', description: 'One panel of each type.', order: 1, version: 'a1', every: 1000,
  time: {range: '6h', zone: 'UTC'},
  variables: [
    {name: 'platform', title: 'Platform', query: 'platforms', default: null, required: false},
    {name: 'difficulty', title: 'Difficulty', options: ['easy', 'hard'], default: 'hard', required: false},
  ],
  rows: [
    {title: 'Right now', panels: [
      {title: 'Active players', type: 'figure', width: 3, query: 'players :platform', definition: 'Players with an event in the last 5 minutes.', unit: 'players', better: 'higher',
        sparkline: {query: 'players over time :from :to', time: 'time', value: 'players'}, link: {dashboard: 'player', variables: {player_id: 'best'}}},
      {title: 'Revenue today', type: 'figure', width: 3, query: 'revenue', unit: 'USD', better: 'higher'},
      {title: 'Latency, 95 of 100', type: 'figure', width: 3, query: 'latency', unit: 'ms', better: 'lower', thresholds: [{from: 0, state: 'good'}, {from: 100, state: 'warning'}, {from: 200, state: 'bad'}]},
      {title: 'Crash-free sessions', type: 'figure', width: 3, query: 'crash', unit: 'ratio', decimals: 2, better: 'higher'},
    ]},
    {title: 'Over time', panels: [
      {title: 'Active players by platform', type: 'time-series', width: 8, query: 'players by platform :from :to', time: 'time', series: 'platform', value: 'players', unit: 'players', style: 'stacked',
        definition: 'Different players with an event in each 5 minutes.', annotations: {query: 'releases :from :to', time: 'at', text: 'name'}},
      {title: 'Revenue by product', type: 'top-list', width: 4, query: 'products', unit: 'USD', limit: 10, link: {dashboard: 'player', variables: {product: 'product'}}},
    ]},
    {panels: [
      {title: 'Latency', type: 'time-series', width: 6, query: 'latency over time :from :to', values: ['p50', 'p95'], bands: [{lower: 'low', upper: 'high', title: 'usual'}], unit: 'ms'},
      {title: 'Purchases', type: 'time-series', width: 6, query: 'purchases :from :to', style: 'bars', unit: 'USD'},
    ]},
    {title: 'Levels', panels: [
      {title: 'Tutorial', type: 'funnel', width: 4, query: 'tutorial', definition: 'Players who came so far, of those who began today.'},
      {title: 'Events by hour', type: 'heatmap', width: 8, query: 'heat', x: 'hour', y: 'weekday', value: 'events'},
    ]},
    {panels: [
      {title: 'Retention', type: 'retention', width: 7, query: 'retention', cohort: 'cohort', age: 'age', value: 'players', size: 'size'},
      {title: 'Session length by level', type: 'box-plot', width: 5, query: 'boxes', label: 'level', unit: 's'},
    ]},
    {title: 'Operations', panels: [
      {title: 'Servers', type: 'status-grid', width: 4, query: 'servers', thresholds: [{from: 0, state: 'good'}, {from: 70, state: 'warning'}, {from: 90, state: 'bad'}], unit: 'percent'},
      {title: 'Alerts', type: 'alert-list', width: 4, query: 'alerts', title_column: 'target'},
      {title: 'What happened', type: 'timeline', width: 4, query: 'timeline', label: 'what', text: 'detail', kind: 'kind'},
    ]},
    {panels: [
      {title: 'Players', type: 'table', width: 9, query: 'table :difficulty', page_size: 20, sort: {column: 'spent', order: 'descending'},
        columns: [{column: 'player', title: 'Player', link: {dashboard: 'player', variables: {player_id: 'player'}}}, {column: 'platform', title: 'Platform'},
          {column: 'level', title: 'Level'}, {column: 'spent', title: 'Spent', unit: 'USD'}, {column: 'seen_at', title: 'Last seen'}]},
      {title: 'About', type: 'text', width: 3, text: 'Numbers of a game that is played by nobody.\n\n- one panel of each type\n- made for tests'},
    ]},
  ],
};

const wave = (t, period, phase = 0) => Math.sin((2 * Math.PI * t) / period + phase);
const kHour = 3_600_000;

// now: ms that "now" is in what is answered
export function answerEverything(sql, params, now) {
  return {...rowsOf(sql, params, now), reads: kReads[sql] ?? []};
}

function rowsOf(sql, {from, to, platform = null, difficulty = null}, now) {
  const name = sql.replace(/ :.*/, '');
  const until = Math.min(to ?? now, now), step = Math.max(60_000, Math.ceil((to - from) / 120 / 60_000) * 60_000);
  const times = [];
  for (let t = Math.ceil(from / step) * step; t <= until; t += step) times.push(t);
  const players = (t, i) => Math.round(1_000 * (4 - i) * (1.4 + wave(t, 24 * kHour) + 0.06 * wave(t, 0.7 * kHour, i)));
  switch (name) {
    case 'platforms': return {columns: ['platform', 'title'], rows: kPlatforms.map((one) => [one, one.toUpperCase()])};
    case 'players': return {columns: ['players', 'before', 'best'], rows: [[platform ? 4_211 : 12_480, 11_020, 'player_7']]};
    case 'players over time': return {columns: ['time', 'players'], rows: times.map((t) => [t, players(t, 0)])};
    case 'revenue': return {columns: ['revenue', 'before'], rows: [[18_243.5, 19_100]]};
    case 'latency': return {columns: ['latency', 'before'], rows: [[142, 118]]};
    case 'crash': return {columns: ['share'], rows: [[0.99731]]};
    case 'players by platform': return {columns: ['time', 'platform', 'players'], rows: times.flatMap((t) => kPlatforms.map((one, i) => [t, one, players(t, i)]))};
    case 'releases': return {columns: ['at', 'name'], rows: [[from + (to - from) * 0.4, 'Release 1.8']]};
    case 'products': return {columns: ['product', 'revenue'], rows: ['Starter pack', 'Dragon skin', 'Season pass', kHostile, '1,000 gems', 'Extra life', 'Gold chest', 'Rename', 'Emote: wave', '']
      .map((one, i) => [one, Math.round(482_000 / (i + 1.3)) / 100])};
    case 'latency over time': return {columns: ['time', 'p50', 'p95', 'low', 'high'], rows: times.map((t) => [t, 42 + 6 * wave(t, kHour), 120 + 40 * wave(t, 3 * kHour) + 9 * wave(t, 0.4 * kHour), 90 + 20 * wave(t, 3 * kHour), 150 + 30 * wave(t, 3 * kHour)])};
    case 'purchases': return {columns: ['time', 'item', 'amount'], rows: times.filter((_, i) => i % 3 === 0).flatMap((t) => ['skin', 'pass', 'gems'].map((one, i) => [t, one, Math.round(9_000 * (1.3 + wave(t, 5 * kHour, i))) / 100]))};
    case 'tutorial': return {columns: ['step', 'players'], rows: [['Start', 12_400], ['Move', 11_730], ['First fight', 9_318], ['First level', 7_012], ['Shop', 3_120]]};
    case 'heat': return {columns: ['hour', 'weekday', 'events'], rows: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].flatMap((day, d) => Array.from({length: 24}, (_, hour) => [hour, day, Math.round(5_000 * (1.2 + Math.sin((hour - 9) / 24 * 6.28) + (d > 4 ? 0.8 : 0)))]))};
    case 'retention': return {columns: ['cohort', 'age', 'players', 'size'], rows: Array.from({length: 8}, (_, c) => Array.from({length: 8 - c}, (__, age) =>
      [`2026-11-${String(10 + c)}`, age, Math.round((1_000 + 90 * c) * (age === 0 ? 1 : 0.46 / age ** 0.6)), 1_000 + 90 * c])).flat()};
    case 'boxes': return {columns: ['level', 'minimum', 'lower', 'median', 'upper', 'maximum'], rows: Array.from({length: 8}, (_, i) => [`level ${i + 1}`, 20 + 4 * i, 50 + 9 * i, 80 + 14 * i, 130 + 21 * i, 260 + 30 * i])};
    case 'servers': return {columns: ['server', 'load'], rows: kServers.map((one, i) => [one, [34, 71, 93, 20, 55, 62, 18, null][i]])};
    case 'alerts': return {columns: ['state', 'target', 'text', 'since'], rows: [['firing', 'server us-east-1', 'CPU 93% is above 90%', now - 23 * 60_000], ['warning', 'region eu-west', 'Latency 142 ms is above 100 ms', now - 4 * 60_000], ['recovered', 'server sa-east-1', 'Memory 61% is below 80%', now - 3 * kHour]]};
    case 'timeline': return {columns: ['time', 'what', 'detail', 'kind'], rows: Array.from({length: 14}, (_, i) => [now - i * 47 * 60_000, ['Release 1.8', 'Player banned', 'Event began', kHostile][i % 4], i % 3 === 0 ? 'by the operator' : null, ['release', 'moderation', 'event', 'release'][i % 4]])};
    case 'table': return {columns: ['player', 'platform', 'level', 'spent', 'seen_at'], rows: Array.from({length: 143}, (_, i) =>
      [i === 3 ? kHostile : `player_${i}`, kPlatforms[i % 4], difficulty === 'hard' ? i % 12 : i % 30, i % 9 === 0 ? null : Math.round(i * 137.31) / 100, now - i * 61_000])};
    case kProgressQuery: return {columns: ['name', 'service', 'complete_to', 'lag', 'late', 'stopped'], rows: kProgress};
    default: throw Object.assign(new Error(`no such table: ${name}`), {code: 'sql_invalid'});
  }
}
