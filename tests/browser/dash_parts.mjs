// Parts of dashboards that need no browser: time over changes of clocks, addresses, changes of answers, units, and what each type
// of panel makes of its rows.

import assert from 'node:assert/strict';
import {describe, it} from 'node:test';
import {buttonsOf, recordOf, send} from '../../web/dash/actions.js';
import {linkTo, nameOf, readAddress, writeAddress} from '../../web/dash/address.js';
import {applyMessage, kNoAnswer, parametersOf} from '../../web/dash/answer.js';
import {ColumnError, pick, stateOf, timeOf} from '../../web/dash/columns.js';
import {csvOf} from '../../web/dash/csv.js';
import {spansOf, widthsOf} from '../../web/dash/layout.js';
import {originOf, progressOf} from '../../web/dash/origin.js';
import {boundsOf, gridOf, isLive, parseRange, rangeName, rangeTitle} from '../../web/dash/range.js';
import {kTypes, queriesOf} from '../../web/dash/types.js';
import {changeOf, unitOf} from '../../web/dash/units.js';
import {find, h, textIn} from '../../web/dash/view.js';
import {fromInput, offsetOf, offsetText, startOfDay, tickText, ticks, timeIn, toInput, utcOf} from '../../web/dash/zones.js';
import {merged} from '../../web/chart.js';
import {kEverything, kHostile, answerEverything} from './dash_fixture.mjs';

const kHour = 3_600_000, kDay = 24 * kHour;
const at = (text) => Date.parse(text);

describe('dashboards, zones', () => {
  it('knows offsets, also of half hours and before 1970', () => {
    for (const [zone, when, text] of [
      ['UTC', '2026-07-01T00:00Z', 'UTC'], ['Europe/Berlin', '2026-01-01T00:00Z', 'UTC+01:00'], ['Europe/Berlin', '2026-07-01T00:00Z', 'UTC+02:00'],
      ['America/New_York', '2026-01-01T00:00Z', 'UTC−05:00'], ['Asia/Kolkata', '2026-01-01T00:00Z', 'UTC+05:30'], ['Australia/Lord_Howe', '2026-01-01T00:00Z', 'UTC+11:00'],
    ]) assert.equal(offsetText(zone, at(when)), text, `${zone} ${when}`);
    assert.equal(offsetOf('UTC', -1), 0);
  });

  it('days begin where the zone\'s do, and have 23, 24 or 25 hours', () => {
    for (const [zone, when, begin, hours] of [
      ['Europe/Berlin', '2026-03-29T12:00Z', '2026-03-28T23:00Z', 23],   // clocks go on
      ['Europe/Berlin', '2026-10-25T12:00Z', '2026-10-24T22:00Z', 25],   // clocks go back
      ['Europe/Berlin', '2026-03-28T23:00Z', '2026-03-28T23:00Z', 23],   // its first moment
      ['America/New_York', '2026-11-01T12:00Z', '2026-11-01T04:00Z', 25],
      ['Africa/Cairo', '2026-04-24T12:00Z', '2026-04-23T22:00Z', 23],    // midnight itself is skipped
      ['Asia/Kolkata', '2026-06-01T00:00Z', '2026-05-31T18:30Z', 24],
      ['UTC', '2026-03-29T12:00Z', '2026-03-29T00:00Z', 24],
    ]) {
      assert.equal(new Date(startOfDay(zone, at(when))).toISOString(), new Date(at(begin)).toISOString(), `${zone} ${when}`);
      assert.equal((startOfDay(zone, at(when), 1) - startOfDay(zone, at(when))) / kHour, hours, `${zone} ${when}`);
    }
  });

  it('wall times that are skipped or come twice', () => {
    const wall = (text) => at(`${text}Z`);
    assert.equal(utcOf('Europe/Berlin', wall('2026-03-29T02:30')), at('2026-03-29T01:30Z'), 'skipped: half an hour after the change');
    assert.equal(utcOf('Europe/Berlin', wall('2026-10-25T02:30')), at('2026-10-25T00:30Z'), 'twice: the first');
    for (let ms = at('2026-01-01T00:00Z'); ms < at('2027-01-01T00:00Z'); ms += 7 * kHour + 13 * 60_000) {
      const back = fromInput('Europe/Berlin', toInput('Europe/Berlin', ms));
      assert.ok(back === ms || back === ms - kHour, `${ms}`);
    }
    assert.equal(fromInput('UTC', 'yesterday'), null);
  });

  it('ticks are whole in the zone, ascend, and lie inside, whatever the clock does', () => {
    for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']) {
      for (const from of ['2026-03-28T20:00Z', '2026-10-24T20:00Z', '2026-11-01T03:00Z', '2026-06-01T00:00Z'].map(at)) {
        for (const span of [60_000, 5 * 60_000, kHour, 6 * kHour, kDay, 7 * kDay, 90 * kDay]) {
          const places = ticks(zone, from, from + span, 8);
          assert.ok(places.length >= 1 && places.length <= 20, `${zone} ${from} ${span}: ${places.length}`);
          assert.ok(places.every((one, i) => one >= from && one <= from + span && (i === 0 || one > places[i - 1])), `${zone} ${span}`);
        }
      }
    }
    assert.deepEqual(ticks('Europe/Berlin', at('2026-10-24T22:00Z'), at('2026-10-25T22:59Z'), 9).map((one) => tickText('Europe/Berlin', one, kDay)),
      ['25 Oct', '03:00', '06:00', '09:00', '12:00', '15:00', '18:00', '21:00']);
  });

  it('a time says its day where it is not today', () => {
    assert.equal(timeIn('UTC', at('2026-05-01T10:20:30Z'), at('2026-05-01T23:00Z')), '10:20:30');
    assert.equal(timeIn('Asia/Tokyo', at('2026-05-01T10:20:30Z'), at('2026-05-01T23:00Z')), '01 May 2026, 19:20:30');
    assert.equal(timeIn('UTC', NaN), '–');
  });
});

describe('dashboards, ranges and addresses', () => {
  it('reads ranges, and names them', () => {
    for (const text of ['5m', '1h', '24h', '2d', '90d', '45m', 'today', 'yesterday']) assert.equal(rangeName(parseRange(text)), text);
    for (const text of ['', '5', '1y', '-5m', '0h', '400d', null, undefined]) assert.equal(parseRange(text), null, String(text));
    assert.equal(rangeTitle(parseRange('1h'), 'UTC'), 'Last hour');
    assert.equal(rangeTitle(parseRange('15m'), 'UTC'), 'Last 15 minutes');
    assert.equal(rangeTitle({from: at('2026-05-01T10:00Z'), to: at('2026-05-01T12:00Z')}, 'UTC'), '01 May, 10:00 to 12:00');
  });

  it('a range up to now is asked for on a grid that holds it, and moves on in time', () => {
    for (const last of [5 * 60_000, kHour, 6 * kHour, kDay, 90 * kDay]) {
      const step = gridOf(last);
      for (let now = at('2026-05-01T10:00Z'); now < at('2026-05-01T10:00Z') + 3 * step; now += Math.ceil(step / 7)) {
        const {from, to, until} = boundsOf({last}, 'UTC', now);
        assert.ok(from <= now - last && now < to, 'all of it, and what comes meanwhile');
        assert.ok(now < until && until - now <= step, 'not for ever');
        assert.ok(to - from <= last + step);
      }
    }
    assert.deepEqual(boundsOf({day: 'yesterday'}, 'Europe/Berlin', at('2026-10-26T12:00Z')), {from: at('2026-10-24T22:00Z'), to: at('2026-10-25T23:00Z'), until: at('2026-10-26T23:00Z')});
    assert.equal(isLive({day: 'yesterday'}, 0), false);
    assert.equal(isLive({last: kHour}, 0), true);
  });

  it('an address is read and written alike, without what is usual', () => {
    const dashboard = {name: 'players', time: {range: '1h', zone: 'UTC'}, variables: [{name: 'platform'}, {name: 'level', default: 5}, {name: 'range', default: 'x'}]};
    assert.equal(nameOf('/dash/players'), 'players');
    assert.equal(nameOf('/dash/a%20b'), 'a b');
    for (const [search, wanted] of [
      ['', ''], ['?range=1h&zone=UTC', ''], ['?platform=ios', '?platform=ios'], ['?platform=', ''], ['?level=', '?level='], ['?level=5', ''],
      ['?range=today&zone=Europe/Berlin', '?range=today&zone=Europe/Berlin'], ['?range=nonsense&zone=Nowhere/No', ''],
      ['?from=2026-05-01T10:00Z&to=2026-05-01T12:00Z', '?from=2026-05-01T10:00:00.000Z&to=2026-05-01T12:00:00.000Z'],
      ['?from=1777629600000&to=1777636800000', '?from=2026-05-01T10:00:00.000Z&to=2026-05-01T12:00:00.000Z'],
      ['?from=2026-05-01T12:00Z&to=2026-05-01T10:00Z', ''], ['?wall=1', '?wall=1'], ['?platform=a%26b%3Dc', '?platform=a%26b%3Dc'],
    ]) {
      const state = readAddress(search, dashboard);
      assert.equal(writeAddress(state, dashboard), wanted, search);
      assert.deepEqual(readAddress(writeAddress(state, dashboard), dashboard), state, search);
    }
    assert.equal(linkTo('a player', {player_id: 'x&y=1'}, readAddress('?platform=ios&zone=Asia/Tokyo', dashboard), dashboard), 'dash/a%20player?platform=ios&player_id=x%26y%3D1&range=1h&zone=Asia/Tokyo');
  });
});

describe('dashboards, answers', () => {
  const first = applyMessage(kNoAnswer, {version: 'a-1', at: 5, columns: ['name', 'n'], rows: [['x', 1], ['y', 2], ['z', 3]], truncated: false}, ['name']);

  it('changes by key, in their places', () => {
    const next = applyMessage(first, {version: 'a-2', after: 'a-1', at: 6, removed: [['y']], changed: [[0, ['w', 9]], [2, ['z', 4]]]}, ['name']);
    assert.deepEqual(next.rows, [['w', 9], ['x', 1], ['z', 4]]);
    assert.deepEqual([next.version, next.at, next.columns], ['a-2', 6, ['name', 'n']]);
    assert.deepEqual(first.rows, [['x', 1], ['y', 2], ['z', 3]], 'what was is not touched');
  });

  it('a change that does not follow asks for all rows', () => {
    assert.equal(applyMessage(first, {version: 'a-9', after: 'a-8', removed: [], changed: []}, ['name']), null);
    assert.equal(applyMessage(kNoAnswer, {version: 'a-2', after: 'a-1', removed: [], changed: []}, ['name']), null);
  });

  it('say what they were computed over', () => {
    const of = applyMessage(kNoAnswer, {version: 'b-1', at: 5, columns: ['n'], rows: [[1]], truncated: false, reads: ['sales']}, []);
    assert.deepEqual([kNoAnswer.reads, first.reads, of.reads], [[], [], ['sales']]);
    assert.deepEqual(applyMessage({...of, version: 'b-1'}, {version: 'b-2', after: 'b-1', at: 6, removed: [], changed: []}, []).reads, ['sales']);
  });

  it('how complete they are, in words', () => {
    const columns = ['name', 'service', 'complete_to', 'lag', 'late', 'stopped'];
    const say = (reads, ...rows) => originOf(reads, progressOf({columns, rows}), (ms) => `t${ms}`);
    assert.deepEqual(say([]), {text: '', warning: ''});
    assert.deepEqual(say(['sales'], ['Sales', null, null, 0, 0, null]), {text: 'From sales, as it comes in.', warning: ''});
    assert.deepEqual(say(['_metrics']), {text: 'From _metrics, as it is now.', warning: ''});
    assert.deepEqual(originOf(['sales'], null, String), {text: 'From sales.', warning: ''}, 'nothing is known yet');
    assert.equal(say(['constructor']).text, 'From constructor, as it comes in.');
    assert.equal(say(['constructor'], ['constructor', 'shop', null, 0, 0, null]).text, 'From constructor, made by shop (nothing to be read).');
    assert.deepEqual(say(['items'], ['items', null, null, 0, 0, 'line 2 is broken']), {text: 'From items, line 2 is broken.', warning: 'incomplete: something has stopped'});
    assert.deepEqual(say(['now', 'sales'], ['now', 'count', 7, 0, 0.004, null], ['sales', 'shop', null, 12_345, 0.25, null]), {
      text: 'From now, made by count (complete to t7, nothing to be read, 0.4 % of the last minute came too late). From sales, made by shop (12,345 records to be read, 25 % of the last minute came too late).',
      warning: 'incomplete: 12,345 records to be read, 25 % late',
    });
    // Two services may write a topic.
    assert.equal(say(['all'], ['all', 'a', 1, 0, 0, null], ['all', 'b', 2, 0, 0, null]).text, 'From all, made by a (complete to t1, nothing to be read) and b (complete to t2, nothing to be read).');
    assert.deepEqual(say(['now'], ['now', 'count', 7, 0, 0, "service 'count' has stopped"]), {
      text: "From now, made by count (complete to t7, nothing to be read, service 'count' has stopped).", warning: 'incomplete: something has stopped',
    });
  });

  it('an error leaves no rows, rows leave no error', () => {
    const failed = applyMessage(first, {version: 'a-2', at: 6, error: {code: 'sql_limit', message: 'too much'}}, ['name']);
    assert.deepEqual([failed.rows, failed.error.code, failed.version], [null, 'sql_limit', 'a-2']);
    assert.equal(applyMessage(failed, {version: 'a-3', at: 7, columns: ['name'], rows: []}, ['name']).error, null);
  });

  it('random changes give what the rows of then are', () => {
    let seed = 7;
    const random = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    let answer = applyMessage(kNoAnswer, {version: 0, columns: ['k', 'v'], rows: []}, ['k']);
    for (let version = 1; version < 400; ++version) {
      // As the server does: the rows that are kept keep their order.
      const rows = answer.rows.filter(() => random(5) > 0).map(([k, v]) => (random(4) === 0 ? [k, v + 1] : [k, v]));
      for (let i = random(4); i > 0; --i) {
        const k = random(60);
        if (!rows.some(([known]) => known === k) && !answer.rows.some(([known]) => known === k)) rows.splice(random(rows.length + 1), 0, [k, random(9)]);
      }
      const old = new Map(answer.rows), now = new Map(rows);
      const message = {version, after: version - 1, removed: [...old.keys()].filter((k) => !now.has(k)).map((k) => [k]), changed: rows.map((row, i) => [i, row]).filter(([, [k, v]]) => old.get(k) !== v)};
      answer = applyMessage(answer, message, ['k']);
      assert.deepEqual(answer.rows, rows, `version ${version}`);
    }
  });

  it('finds the parameters of a statement, and nothing else', () => {
    assert.deepEqual([...parametersOf(`select ':no', "x:no", [a:no] -- :no\n /* :no */ from t where a > :from and b = @b or c = $c and d = ':it''s :no' and e=:from`)], ['from', 'b', 'c']);
  });

  it('columns: named, guessed by what is in them, or told what there is', () => {
    const answer = {columns: ['label', 'at', 'n', 'm'], rows: [['x', 1_790_000_000_000, null, 1], ['y', 1_790_000_060_000, 5, 2]]};
    assert.deepEqual(pick({}, answer, {time: 'time', series: ['text', 'optional'], value: 'number'}), {time: 1, series: 0, value: 2});
    assert.deepEqual(pick({value: 'm'}, answer, {value: 'number', label: 'any'}), {value: 3, label: 0});
    // The order of the reference, so that a label may be a number; and what has to be there comes before what has its name.
    assert.deepEqual(pick({}, {columns: ['level', 'n'], rows: [[3, 10]]}, {label: 'any', value: 'number'}), {label: 0, value: 1});
    assert.deepEqual(pick({}, {columns: ['state', 'text'], rows: [['firing', 'x']]}, {state: 'any', title: 'text', text: ['text', 'named']}), {state: 0, title: 1, text: -1});
    assert.deepEqual(pick({}, {columns: ['value', 'state', 'label'], rows: [[1, 'good', 'x']]}, {label: 'any', state: 'any', value: ['number', 'named']}), {label: 2, state: 1, value: 0});
    assert.deepEqual(pick({}, {columns: ['name', 'n'], rows: [['a', null]]}, {label: 'any', value: 'number'}), {label: 0, value: 1});
    assert.throws(() => pick({value: 'p'}, answer, {value: 'number'}), (error) => error instanceof ColumnError && /value names column "p", but the query has: label, at, n, m/.test(error.message));
    assert.throws(() => pick({}, {columns: ['a'], rows: [['x']]}, {value: 'number'}), /no column that could be the value/);
    assert.equal(timeOf('2026-05-01 10:00'), at('2026-05-01T10:00Z'));
    assert.equal(timeOf('2026-05-01'), at('2026-05-01T00:00Z'));
    assert.deepEqual(['firing', 'OK', 'x', 95, 75, 10, null].map((value) => stateOf(value, [{from: 90, state: 'bad'}, {from: 70, state: 'warning'}])), ['bad', 'good', 'none', 'bad', 'warning', 'none', 'none']);
  });
});

describe('dashboards, texts', () => {
  it('numbers with their units', () => {
    for (const [unit, decimals, value, text] of [
      ['', undefined, 12_480, '12,480'], ['', undefined, 3.14159, '3.14'], ['', undefined, 1_234_567_890, '1.23B'], ['count', undefined, 0, '0'], ['players', undefined, 5, '5 players'],
      ['ms', undefined, 142, '142 ms'], ['ms', undefined, 12_340, '12.3 s'], ['s', undefined, 90, '1.5 min'], ['min', undefined, 0.5, '0.5 min'], ['s', 1, 90, '90.0 s'],
      ['bytes', undefined, 1_500_000, '1.5 MB'], ['percent', undefined, 12.34, '12.3%'], ['ratio', undefined, 0.5, '50%'], ['ratio', 2, 0.99731, '99.73%'],
      ['USD', undefined, 18_243.5, '$18,243.50'], ['EUR', 0, 5, '€5'], ['JPY', undefined, 1_200, '¥1,200'], ['XYZW', undefined, 1, '1 XYZW'], ['', undefined, null, '–'], ['USD', undefined, NaN, '–'],
    ]) assert.equal(unitOf(unit, decimals).text(value).replaceAll('\u202f', ' '), text, `${value} ${unit}`);
    assert.equal(unitOf('USD').axis(25_000), '$25K');
    assert.equal(unitOf('players').axis(25_000), '25K');
    assert.equal(unitOf('players').name, 'players');
    assert.equal(unitOf('s').interval(500, 5), 120);
  });

  it('changes to the period before', () => {
    for (const [value, before, text] of [[112, 100, '+12%'], [95.5, 100, '−4.5%'], [1, 1, '±0%'], [5_000, 1, '+>999%'], [-5, -10, '+50%']]) assert.equal(changeOf(value, before).text, text);
    assert.equal(changeOf(1, 0), null);
    assert.equal(changeOf(null, 5), null);
  });

  it('CSV: quotes, and no formulas', () => {
    assert.equal(csvOf(['a', 'b,c'], [['x "y"', 1.5], ['=1+1', null], ['two\nlines', -3]]), 'a,"b,c"\r\n"x ""y""",1.5\r\n\'=1+1,\r\n"two\nlines",-3\r\n');
  });

  it('places: what is left is shared; narrow pages fill their lines', () => {
    assert.deepEqual(widthsOf([{}, {}, {}]), [4, 4, 4]);
    assert.deepEqual(widthsOf([{width: 8}, {}]), [8, 4]);
    for (const widths of [[3, 3, 3, 3], [8, 4], [6, 6], [4, 4, 4], [12], [2, 2, 2, 2, 2, 2]]) {
      for (const type of ['figure', 'table']) {
        const spans = spansOf(widths.map((width) => ({type, width})));
        for (const size of ['middle', 'small']) assert.equal(spans.reduce((sum, span) => sum + span[size], 0) % 12, 0, `${widths} ${type} ${size}`);
      }
    }
  });

  it('what a dashboard says of a chart goes over what the page says', () => {
    assert.deepEqual(merged({a: 1, grid: {left: 4}, series: [{id: 'x', type: 'line'}, {id: 'y', type: 'line'}]}, {grid: {top: 9}, series: {smooth: true}}),
      {a: 1, grid: {left: 4, top: 9}, series: [{id: 'x', type: 'line', smooth: true}, {id: 'y', type: 'line', smooth: true}]});
    assert.deepEqual(merged({series: [{id: 'x'}]}, {series: [{z: 1}, {id: 'new'}]}), {series: [{id: 'x', z: 1}, {id: 'new'}]});
  });
});

describe('dashboards, actions', () => {
  const columns = ['_key', 'count', 'note'], row = ['rule account ann', 3, null];

  it('a record is made of the row, and of what is known at the click', () => {
    const template = {event_name: 'feedback', parameters: {case: ':_key', count: ':count', note: ':note', by: ':answer', text: ':', none: null, list: [':count', 1]}, at: ':now', event_id: ':id'};
    assert.deepEqual(recordOf(template, columns, row, {now: '2026-11-12T10:00:00.000Z', id: 'i', answer: 'bea'}), {
      event_name: 'feedback', parameters: {case: 'rule account ann', count: 3, by: 'bea', text: ':', none: null, list: [3, 1]}, at: '2026-11-12T10:00:00.000Z', event_id: 'i',
    });
    assert.deepEqual(recordOf({by: ':answer'}, columns, row, {now: '', id: '', answer: null}), {});
  });

  it('what failed is told as not sent only where that is known', async (t) => {
    const fetched = t.mock.method(globalThis, 'fetch');
    const refused = (status, code) => async () => new Response(JSON.stringify({error: {code, message: 'why'}}), {status});
    const fails = (name) => async () => { throw new DOMException('', name); };
    for (const [answer, told] of [
      [async () => new Response('{}'), null], [refused(429, 'quota_exceeded'), 'Not sent: why'],
      [refused(503, 'outcome_unknown'), 'It may have been stored: why'],
      [fails('NetworkError'), 'Not sent: the server cannot be reached'],
      [fails('TimeoutError'), 'It may have been stored: the server did not answer in time'],
    ]) {
      fetched.mock.mockImplementation(answer);
      assert.equal(await send('t', {}), told);
    }
  });

  it('a row has a button for each, named by the row', () => {
    const spec = {columns: [{column: '_key'}], actions: [{label: 'Confirm', topic: 't', record: {case: ':_key'}}, {label: 'Dismiss', topic: 't', record: {case: ':_key'}}]};
    const buttons = find(buttonsOf(spec, columns, row, {ui: {}, update() {}})[0], 'button');
    assert.deepEqual(buttons.map(({attributes}) => attributes['aria-label']), ['Confirm: rule account ann', 'Dismiss: rule account ann']);
    assert.deepEqual(buttonsOf({}, columns, row, {ui: {}}), []);
  });
});

describe('dashboards, panels', () => {
  const now = at('2026-05-01T12:00Z'), from = now - 6 * kHour, to = now + 60_000;
  const specs = new Map(kEverything.rows.flatMap(({panels}) => panels).map((spec) => [spec.title, spec]));
  const context = {
    now, zone: 'UTC', from, to, whole: false, scale: 1, width: 600, height: 240, unit: unitOf, time: (ms) => timeIn('UTC', ms, now),
    href: (link, columns, row) => (link ? `/dash/${link.dashboard}?${Object.entries(link.variables).map(([name, column]) => `${name}=${row[columns.indexOf(column)]}`)}` : null),
    ui: {}, update() {}, colour: (name) => `#${name}`, series: (i) => `series ${i}`, dash: () => 'solid', label: (name) => name, places: {put() {}, of: () => 0},
  };
  const answersOf = (spec) => Object.fromEntries(Object.entries(queriesOf(spec)).map(([name, {sql}]) => [name, {...answerEverything(sql, {from, to, difficulty: 'hard'}, now), error: null}]));
  const show = (title, change = {}, answers = undefined) => {
    const spec = {...specs.get(title), ...change};
    return {tag: 'div', attributes: {}, children: [kTypes[spec.type].view(spec, answers ?? answersOf(spec), context)].flat(Infinity).filter((child) => child && typeof child === 'object')};
  };
  const chartOf = (title, change = {}, answers = undefined) => {
    const spec = {...specs.get(title), ...change};
    return kTypes[spec.type].chart(spec, answers ?? answersOf(spec), context);
  };
  const main = (columns, rows) => ({main: {columns, rows, error: null}});

  it('figure: number, unit, change, state', () => {
    assert.equal(textIn(show('Active players')).replaceAll('\u202f', ' '), '12,480 players▲ +13% from 11,020, better');
    assert.equal(find(show('Active players'), 'a')[0].attributes.href, '/dash/player?player_id=player_7');
    assert.equal(find(show('Active players'), 'polyline').length, 1);
    const latency = show('Latency, 95 of 100');
    assert.equal(find(latency, 'figure')[0].attributes['data-state'], 'warning');
    assert.match(textIn(latency), /\+20%.*, worse/);
    assert.match(textIn(show('Revenue today', {}, main(['n'], []))), /^–/);
    assert.match(textIn(show('Revenue today', {}, main(['n', 'before'], [[5, 0]]))), /nothing before/);
  });

  it('top-list: shares, ties, names without letters', () => {
    const items = find(show('Revenue by product'), 'li');
    assert.equal(items.length, 10);
    assert.equal(items[0].attributes.style['--share'], '1');
    assert.match(textIn(items[9]), /\(no name\)/);
    assert.deepEqual(find(show('Revenue by product', {}, main(['n', 'p'], [['a', 3], ['b', 3], ['c', 1]])), 'place').map(textIn), ['1', '', '3']);
    assert.deepEqual(find(show('Revenue by product', {limit: 2, link: undefined}, main(['n', 'p'], [['a', 3], ['b', 3], ['c', 1]])), 'li').length, 2);
  });

  it('time-series: long and wide, stacked, gaps, too many lines', () => {
    const stacked = chartOf('Active players by platform');
    assert.deepEqual(stacked.option.series.map(({name, stack}) => [name, stack]), [['android', 'all'], ['console', 'all'], ['ios', 'all'], ['pc', 'all']]);
    assert.deepEqual(stacked.option.series[0].markLine.data.map(({name}) => name), ['Release 1.8']);
    assert.equal(stacked.option.yAxis.name, 'players');
    const wide = chartOf('Latency');
    assert.deepEqual(wide.option.series.map(({id}) => id), ['band 0 lower', 'band 0 upper', 'line p50', 'line p95']);
    const times = [0, 1, 2, 9, 10].map((minute) => from + minute * 60_000);
    const gaps = chartOf('Latency', {values: ['v'], bands: undefined}, main(['t', 'v'], times.map((t, i) => [t, i])));
    assert.deepEqual(gaps.option.series[0].data.map(([t, v]) => [(t - from) / 60_000, v]), [[0, 0], [1, 1], [2, 2], [3, null], [9, 3], [10, 4]]);
    const many = chartOf('Active players by platform', {style: 'line', time: undefined, series: undefined, value: undefined}, main(['t', 'who', 'v'], Array.from({length: 30}, (_, i) => [from, `p${i}`, i])));
    assert.deepEqual([many.option.series.length, many.note], [20, 'and 10 more']);
    assert.ok(many.option.series.some(({name}) => name === 'p29') && !many.option.series.some(({name}) => name === 'p0'), 'the largest are kept');
    const both = chartOf('Latency', {series: 'who', values: ['a', 'b'], bands: undefined}, main(['t', 'who', 'a', 'b'], [[from, 'x', 1, 2]]));
    assert.deepEqual(both.option.series.map(({name}) => name), ['x, a', 'x, b']);
    assert.throws(() => chartOf('Latency', {values: undefined, bands: undefined}, main(['t', 'w'], [[from, 'x']])), /no column of numbers/);
  });

  it('table: sorted with nothing at the end, searched, by pages, with links', () => {
    const rows = (ui) => {
      context.ui = ui;
      return find(find(show('Players'), 'tbody')[0], 'tr').map((row) => row.children.map(textIn));
    };
    assert.equal(rows({}).length, 20);
    assert.equal(rows({})[0][0], 'player_142');
    assert.deepEqual(rows({sort: {column: 'spent', order: 'ascending'}, page: 7}).at(-1)[3], '–');
    assert.deepEqual(rows({sort: {column: 'spent', order: 'descending'}, page: 7}).at(-1)[3], '–');
    assert.deepEqual(rows({sort: {column: 'player', order: 'ascending'}, search: 'player_1'}).slice(0, 3).map(([name]) => name), ['player_1', 'player_10', 'player_11']);
    assert.equal(rows({page: 99}).length, 3, 'a page that is not there is the last one');
    context.ui = {};
    assert.equal(find(show('Players'), 'a')[0].attributes.href, '/dash/player?player_id=player_142');
    assert.deepEqual(find(show('Players'), 'th').slice(0, 5).map(({attributes}) => attributes['aria-sort']), [null, null, null, 'descending', null]);
    assert.throws(() => show('Players', {columns: [{column: 'nothing'}]}), /columns names column "nothing"/);
  });

  it('funnel, retention, heatmap, box-plot, states, alerts, timeline, text', () => {
    assert.match(textIn(show('Tutorial')), /First fight9,31875\.1% of all, 79\.4% of the step before/);
    const retention = find(show('Retention'), 'tr');
    assert.equal(textIn(retention[1]), '10 Nov 20261,000100%46%30%24%20%18%16%14%');
    context.zone = 'America/New_York';
    assert.match(textIn(find(show('Retention'), 'tr')[1]), /^10 Nov 2026/, 'a day of the calendar is the same in all zones');
    context.zone = 'UTC';
    assert.equal(textIn(retention[8]), '17 Nov 20261,630100%');
    const heat = chartOf('Events by hour');
    assert.deepEqual([heat.option.xAxis.data.length, heat.option.yAxis.data[0], heat.option.yAxis.inverse, heat.option.series[0].data.length], [24, 'Mon', true, 168]);
    assert.deepEqual(chartOf('Session length by level').option.series[0].data[0], [20, 50, 80, 130, 260]);
    assert.deepEqual(find(show('Servers'), 'li').map(({attributes}) => attributes['data-state']), ['good', 'warning', 'bad', 'good', 'good', 'good', 'good', 'none']);
    assert.match(textIn(show('Alerts')), /firing server us-east-1CPU 93% is above 90%since 11:37:00, for 23 min/);
    assert.deepEqual(find(show('What happened'), 'day').map(textIn), ['01 May 2026']);
    assert.ok(textIn(show('What happened')).includes(kHostile), 'names are text');
    assert.deepEqual(find(show('About'), 'li').map(textIn), ['one panel of each type', 'made for tests']);
  });

  it('every type can have no rows, one row, and nothing but nulls', () => {
    for (const spec of specs.values()) {
      const type = kTypes[spec.type], full = answersOf(spec);
      for (const rows of [[], full.main?.rows.slice(0, 1) ?? [], (full.main?.rows ?? []).slice(0, 3).map((row) => row.map((value, i) => (i === 0 ? value : null)))]) {
        const answers = {main: {...full.main, rows}};
        try {
          (type.view ?? type.chart)({...spec, bands: undefined}, answers, context);
        } catch (error) {
          assert.ok(error instanceof ColumnError, `${spec.type} with ${rows.length} rows: ${error.stack}`);
        }
      }
    }
  });

  it('h() leaves out what is not there', () => {
    assert.deepEqual(h('p', {}, null, false, undefined, '', 0, ['a', [h('b')]]).children, ['0', 'a', {tag: 'b', attributes: {}, children: []}]);
  });
});
