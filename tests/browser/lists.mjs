// Lists, nested lists and rows of states: on the chart page, and as results on the overview. Against fake_server.mjs.

import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, describe, it} from 'node:test';
import {FakeServer} from './fake_server.mjs';
import {launchBrowser, openPage, until, untilState} from './harness.mjs';

const kMarkup = '<img src=x onerror="window.__hostile=1">{b|x}', kTurned = '\u202eevil';
const kState = {service: 'shop', state: 'per-item', table: 'per_item', rows: 50_000, bytes: 1, columns: [
  {name: '_key', type: 'string'}, {name: 'sold', type: 'u64'}, {name: 'price', type: 'decimal?'}, {name: 'kind', type: 'enum'}, {name: '_updated_at', type: 'i64'}]};

describe('lists', {timeout: 180_000}, () => {
  let browser, server, page;

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    server = await new FakeServer().listen();
    server.dataflow = {services: []};
  });
  afterEach(async () => {
    assert.deepEqual((page?.problems ?? []).filter((text) => !/400/.test(text)), []);
    await page?.context().close();
    page = null;
    await server.stop();
  });

  const open = async (path, options) => (page = await openPage(browser, server.url, path, options));
  const chart = (query, options) => open(`/stat/page-echarts.html?${query}`, options);
  const texts = () => page.evaluate(() => echarts.getInstanceByDom(document.querySelector('#chart')).getZr().storage
    .getDisplayList(true).map(({style}) => style.text).filter((text) => typeof text === 'string'));
  const note = () => page.textContent('#points');
  const lists = (name, count, value) => {
    server.create(name);
    for (let i = 0; i < count; ++i) server.append(name, value(i), {timestamp: Date.now() - (count - i) * 1_000});
  };

  it('the newest list is bars, the largest first; lines are one a name', async () => {
    lists('scores', 3, (i) => Array.from({length: 40}, (_, k) => ({player: `p${k}`, score: k === 39 ? -5 : k * (i + 1)})));
    await chart('topic=scores');
    const {bars, kind, more, by} = await untilState(page, 'bars', (s) => s.bars?.[0]?.[1] === 114);
    assert.deepEqual([kind, by, more], ['bars', 'player', 10]);
    assert.deepEqual(bars, Array.from({length: 30}, (_, i) => [`p${38 - i}`, 3 * (38 - i)]));
    assert.match(await note(), /^The 30 largest of 40 items of the newest record, of \S+, and 10 more$/);
    await page.click('#kind [value=line]');
    const {series} = await untilState(page, 'lines', (s) => s.kind === 'line' && Object.keys(s.series).length === 20);
    assert.deepEqual(series.p38.map(([, y]) => y), [38, 76, 114]);
    assert.match(await note(), /the 20 lines of the largest latest values, and 20 more/);
    assert.match(page.url(), /kind=line/);
    await page.click('#kind [value=scatter]');
    await page.selectOption('#by', '(nothing)');
    await untilState(page, 'all points', (s) => s.kind === 'scatter' && s.points === 120);
  });

  it('lists in objects are reached, and their items have what is around them', async () => {
    lists('orders', 2, (i) => ({shop: `s${i}`, total: 7, items: [{sku: 'a', n: i + 1}, {sku: 'b', n: 10}], tags: ['x']}));
    await chart('topic=orders&y=items[].n');
    const {bars, by} = await untilState(page, 'bars', (s) => s.bars?.[1]?.[1] === 2);
    assert.deepEqual([by, bars], ['items[].sku', [['b', 10], ['a', 2]]]);
    await page.selectOption('#by', 'shop');
    await untilState(page, 'by what is around', (s) => s.bars[0][0] === 's1');
    await page.selectOption('#y', 'total');
    await untilState(page, 'the object itself', (s) => s.y === 'total' && s.kind === 'line' && s.points === 2);
  });

  it('records are told apart by a text field', async () => {
    lists('servers', 40, (i) => ({server: `s${i % 2}`, load: i}));
    await chart('topic=servers');
    await untilState(page, 'one line', (s) => s.points === 40 && Object.keys(s.series).length === 1);
    await page.selectOption('#by', 'server');
    const {series} = await untilState(page, 'two lines', (s) => Object.keys(s.series).length === 2);
    assert.deepEqual(Object.keys(series), ['s0', 's1']);
    await page.click('#kind [value=bars]');
    const {bars} = await untilState(page, 'the newest of each', (s) => s.kind === 'bars' && s.bars.length === 2);
    assert.deepEqual(bars, [['s1', 39], ['s0', 38]]);
  });

  it('garbage between lists, hostile names, missing and odd values change nothing else', async () => {
    lists('mixed', 1, () => [{name: kMarkup, n: 0}, {name: kTurned, n: -3}, {name: '', n: 1e300}, {n: 2}, {name: 'no number', n: 'x'}, null, 7, [1]]);
    for (const value of [null, 'text', 5, {n: 99, name: 'object'}, true]) server.append('mixed', value);
    await chart('topic=mixed&y=n&by=name');
    const {bars} = await untilState(page, 'bars', (s) => s.topic?.received === 6 && s.bars?.length === 4);
    await until('all of the list', async () => /4 lack/.test(await note()));
    assert.deepEqual(bars, [['', 1e300], ['', 2], [kMarkup, 0], [kTurned, -3]]);
    assert.match(await note(), /4 lack this number/);
    // Names are cut until the chart has measured them.
    await until('names as they are', async () => {
      const drawn = (await texts()).join('\n');
      return drawn.includes('(no name)') && drawn.includes(`\u2068${kTurned}\u2069`);
    });
    const box = await page.locator('#chart').boundingBox();
    for (const y of [0.1, 0.12]) await page.mouse.move(box.x + box.width / 2, box.y + box.height * y);
    for (const kind of ['line', 'scatter', 'bars']) {
      await page.click(`#kind [value=${kind}]`);
      await untilState(page, kind, (s) => s.kind === kind);
    }
    assert.equal(await page.evaluate(() => window.__hostile), undefined);
  });

  it('an empty list is an empty chart, not another page', async () => {
    lists('sometimes', 1, () => [{name: 'a', n: 1}]);
    await chart('topic=sometimes');
    await untilState(page, 'a bar', (s) => s.bars?.length === 1);
    server.append('sometimes', []);
    await untilState(page, 'none', (s) => s.bars.length === 0);
    assert.ok(await page.isHidden('#empty'));
    assert.match(await note(), /^0 items of the newest record/);
  });

  it('10,000 items are drawn in time', async () => {
    lists('huge', 3, (i) => Array.from({length: 10_000}, (_, k) => ({id: `id ${k}`, n: (k * 7919 + i) % 10_007, m: k, at: '2026-01-01T00:00:00Z'})));
    await chart('topic=huge');
    const {bars, more} = await untilState(page, 'bars', (s) => s.topic?.received === 3 && s.bars?.length === 30);
    assert.equal(more, 9_970);
    assert.ok(bars[0][1] > 10_000);
    for (const kind of ['scatter', 'line']) {
      await page.click(`#kind [value=${kind}]`);
      await untilState(page, kind, (s) => s.kind === kind);
    }
  });

  it('a state: its true top by SQL, two columns against each other, null counted', async () => {
    const asked = [];
    server.states = [kState];
    server.sql = (query) => {
      asked.push(query);
      if (query.startsWith('select count')) return [[50_000, 49_990, Date.now()]];
      return Array.from({length: 30}, (_, i) => [i === 0 ? kMarkup : `item ${i}`, 1_000 - i, i]);
    };
    server.create('any');
    await chart('state=shop/per-item', {viewport: {width: 360, height: 740}});
    const {bars, y, status} = await untilState(page, 'bars', (s) => s.bars?.length === 30);
    assert.deepEqual([y, status, bars[29]], ['sold', 'live', ['item 29', 971]]);
    assert.equal(await note(), 'The 30 largest of 49,990 rows of shop/per-item, and 49,960 more; 10 have no value there');
    assert.ok(asked.some((query) => query.includes('from "per_item"') && query.endsWith('order by "sold" desc, "_key" limit 30')), asked.join('\n'));
    assert.deepEqual(await page.$$eval('#topic optgroup', (groups) => groups.map(({label}) => label)), ['Topics', 'States']);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    assert.ok(await page.isDisabled('#kind [value=line]'));
    await page.click('#kind [value=scatter]');
    const {series, x} = await untilState(page, 'a scatter', (s) => s.kind === 'scatter' && s.points === 30);
    assert.equal(x, 'price');
    assert.deepEqual(series.sold[1], [1, 999, 'item 1']);
    server.sql = () => {
      throw new Error('the query took longer than 1 s');
    };
    await until('the problem is said', async () => /took longer/.test(await note()));
  });

  it('a state without rows, without numbers, or that is not there says so', async () => {
    server.states = [kState, {...kState, state: 'texts', columns: [kState.columns[0], {name: 'owner', type: 'string'}, kState.columns[4]]}];
    server.sql = (query) => (query.startsWith('select count') ? [[0, null, null]] : []);
    await chart('state=shop/per-item');
    await untilState(page, 'empty', (s) => s.status === 'empty');
    await until('said', async () => (await page.textContent('#empty-text')).startsWith('The state has no rows'));
    await page.goto(`${server.url}/stat/page-echarts.html?state=shop/texts`);
    await until('said', async () => (await page.textContent('#empty-text')).startsWith('The rows of this state hold no numbers'));
    await page.goto(`${server.url}/stat/page-echarts.html?state=shop/nope`);
    await untilState(page, 'missing', (s) => s.status === 'missing');
    await until('said', async () => (await page.textContent('#empty-title')) === 'There is no state shop/nope');
  });

  it('overview: results of any dataflow, in its order, and what reads nothing is left out first', async () => {
    const counters = {records_in: 1, records_out: 1, records_late: 0, records_dead: 0, windows_open: 0, windows_closed: 0};
    const service = (name, from, sinks, states = []) => ({name, sources: [{topic: from, partitions: []}], sinks, states: states.map((state) => ({name: state})), watermark: null, counters});
    server.states = [kState];
    server.sql = (query) => (query.startsWith('select count') ? [[6, 6, Date.now()]] : [[kMarkup, 9], [kTurned, 0], ['c', -1]]);
    server.dataflow = {name: 'any', version: '1', now: Date.now(), dead_letter_topic: 'dead', topics: [], services: [
      service('split', 'lines', ['parts']), service('shop', 'parts', ['best', 'dead'], ['per-item']), service('shape', 'parts', ['object', 'texts', 'none', 'numbers', 'odd', 'more', 'some', 'others', 'further', 'last'])]};
    for (const name of ['lines', 'parts', 'best', 'dead', 'object', 'texts', 'none', 'numbers', 'odd', 'more', 'some', 'others', 'further', 'last']) server.create(name, 2);
    server.append('lines', 1);
    server.append('best', [{id: 'low', n: 1}, {id: kMarkup, n: 5}, {n: 3}, null, {id: 'x', n: 'y'}, {id: 'z', n: 2}, {id: 'end', n: -1}]);
    server.append('object', {team: 'red', at: '2026-01-02T03:04:05Z', score: 1.5, items: [1, 2], deep: {a: 1}, flag: true}, {partition: 1});
    server.append('texts', ['a', 'b']);
    server.append('numbers', 42);
    server.append('odd', null);
    await open('/');
    const {results} = await untilState(page, 'results', (s) => s.results.odd?.entries && s.results['shop/per-item']?.entries);
    assert.deepEqual(Object.keys(results), ['best', 'shop/per-item', 'object', 'texts', 'none', 'numbers', 'odd', 'more', 'some', 'others', 'further', 'last']);
    await until('what is folded away', async () => (await page.textContent('#results-more summary')) === '1 more result');
    const rows = (id) => page.$$eval(`[data-result="${id}"] li`, (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
    await until('drawn', async () => (await rows('odd'))[0][0] === 'null');
    await until('drawn', async () => (await rows('none'))[0][0] === 'No record yet');
    assert.deepEqual((await rows('best')).slice(0, 3), [[kMarkup, '5'], ['#3', '3'], ['z', '2']]);
    assert.deepEqual((await rows('best')).at(-1), ['and 2 more', '']);
    assert.deepEqual(await rows('shop/per-item'), [[kMarkup, '9'], [kTurned, '0'], ['c', '-1'], ['and 3 more', '']]);
    const object = await rows('object');
    assert.deepEqual([object[0], ...object.slice(2)], [['team', 'red'], ['score', '1.5'], ['items', '2 items'], ['deep', '{"a":1}'], ['and 1 more', '']]);
    assert.deepEqual(await rows('texts'), [['a', ''], ['b', '']]);
    assert.deepEqual(await rows('none'), [['No record yet', '']]);
    assert.deepEqual(await rows('numbers'), [['42', '']]);
    assert.equal(await page.getAttribute('[data-result="shop/per-item"]', 'href'), 'stat/page-echarts.html?state=shop%2Fper-item');
    assert.deepEqual(await page.$$eval('#pages a', (all) => all.map(({textContent}) => textContent.trim().split('\n')[0])), ['Studio', 'Any topic or state']);
    assert.equal(await page.locator('main img').count(), 0);
    // The rest is read once it is asked for, and what is looked for in it.
    await page.click('#results-more summary');
    const {results: all} = await untilState(page, 'the rest', (s) => s.results.parts?.entries);
    assert.equal(Object.keys(all).length, 13);
    await page.fill('#results-find', 'nothing like that');
    await untilState(page, 'none is found', (s) => s.results.parts === undefined);
    await page.fill('#results-find', 'SPLIT');
    await untilState(page, 'by its service', (s) => s.results.parts?.entries);
    server.append('best', [{id: 'new', n: 1}], {partition: 1, timestamp: Date.now() + 1_000});
    await until('the newest', async () => (await rows('best'))[0][0] === 'new');
  });

  it('overview: connectors with what they report, and nothing of them where there is none', async () => {
    server.create('any');
    await open('/');
    await untilState(page, 'a poll', (s) => s.polls > 0);
    await until('the page is there', async () => !(await page.isHidden('#later')));
    assert.ok(await page.isHidden('#connectors-panel'));
    const none = {type: null, direction: null, topics: [], state: 'not running', reported_at_ms: null, records: 0, rejected: 0, lag: null, last_error: null};
    const feed = {...none, name: 'feed', type: 'http-source', direction: 'source', topics: ['a', 'b', 'c', 'd'], state: 'running'};
    const sink = {...none, name: 'sink', type: 'file-sink', direction: 'sink', topics: [kMarkup], state: 'retrying', records: 5, rejected: 2, lag: 12_345,
      reported_at_ms: 1, last_error: `${kMarkup}\nsecond line`};
    let reports = 0;
    Object.defineProperty(server, 'connectors', {get: () => {
      ++reports;
      return [{...feed, reported_at_ms: reports * 2_000, records: reports * 500}, {...none, name: 'old'}, sink];
    }});
    const {connectors} = await untilState(page, 'a rate', (s) => s.connectors.feed?.rate);
    assert.equal(connectors.feed.rate, 250);
    assert.deepEqual([connectors.old.rate, connectors.sink.rate], [null, null]);
    const rows = await page.$$eval('#connectors tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
    assert.deepEqual([rows[0].slice(0, 4), rows[0][5]], [['feed', 'http-source', 'to a, b, c, …', 'running'], '250']);
    assert.deepEqual(rows[1], ['old', '–', '–', 'not running', '–', '–', '–', '0', '']);
    assert.deepEqual(rows[2], ['sink', 'file-sink', `from ${kMarkup}`, 'retrying', '5', '–', '12.3K', '2', kMarkup]);
    assert.match(await page.getAttribute('#connectors tbody tr:last-child td:last-child', 'title'), /second line/);
    Object.defineProperty(server, 'connectors', {value: []});
    await until('they are gone', () => page.isHidden('#connectors-panel'));
    assert.equal(await page.evaluate(() => window.__hostile), undefined);
  });
});
