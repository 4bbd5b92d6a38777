// What charts and figures say, for data that the real program makes rarely: text on canvases is read as
// text. Against fake_server.mjs.

import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, describe, it} from 'node:test';
import {FakeServer} from './fake_server.mjs';
import {launchBrowser, openPage, until, untilState} from './harness.mjs';

const kMinute = 60_000;
const kPurchases = 'purchase-summaries', kPlayers = 'player-session-summaries';

describe('charts', {timeout: 120_000}, () => {
  let browser, server, page;

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    server = await new FakeServer().listen();
    server.dataflow = {services: [{sinks: [kPurchases], window: {duration_ms: 10_000}}, {sinks: [kPlayers], window: {duration_ms: 5_000}}]};
  });
  afterEach(async () => {
    assert.deepEqual(page?.problems ?? [], []);
    await page?.context().close();
    page = null;
    await server.stop();
  });

  const open = async (path, options) => (page = await openPage(browser, server.url, path, options));

  // All text on the chart: ticks, legend, tooltip.
  const texts = () => page.evaluate(() => echarts.getInstanceByDom(document.querySelector('#chart')).getZr().storage
    .getDisplayList(true).map(({style}) => style.text).filter((text) => typeof text === 'string'));
  // Repeats the move: the chart may have been drawn anew in between.
  const tooltip = (found, x = 0.5, y = 0.5) => until('a tooltip', async () => {
    const box = await page.locator('#chart').boundingBox();
    await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
    await page.mouse.move(box.x + box.width * x + 1, box.y + box.height * y);
    const all = (await texts()).join('\n');
    return found.test(all) && all;
  });

  function purchases(windows, amounts, end = Date.now()) {
    server.create(kPurchases);
    for (let i = windows - 1; i >= 0; --i) {
      const value = Object.entries(amounts).map(([item_id, total_amount]) => ({item_id, total_amount}));
      server.append(kPurchases, value, {timestamp: end - i * 10_000});
    }
  }

  it('numbers keep what they say', async () => {
    server.create('none');
    await open('/stat/page-echarts.html?topic=none');
    const said = await page.evaluate(async (numbers) => {
      const {plain, tick} = await import('/stat/format.js');
      return numbers.map((n) => [n, plain(n), tick(n)]);
    }, [0, 0.1 + 0.2, -0.25, 0.0004, 9_999.5, 10_050, 1_000_100, 1_795_517_880_000, 1e300, -2.5e-9]);
    assert.deepEqual(said, [
      [0, '0', '0'],
      [0.1 + 0.2, '0.3', '0.3'],
      [-0.25, '-0.25', '-0.25'],
      [0.0004, '0.0004', '0.0004'],
      [9_999.5, '9,999.5', '9,999.5'],
      [10_050, '10,050', '10.05K'],
      [1_000_100, '1,000,100', '1.0001M'],
      [1_795_517_880_000, '1,795,517,880,000', '1.79551788T'],
      [1e300, '1E300', '1E300'],
      [-2.5e-9, '-2.5E-9', '-2.5E-9'],
    ]);
  });

  it('an axis of small numbers has different ticks', async () => {
    server.create('sine');
    for (let i = 0; i < 100; ++i) server.append('sine', {x: i, y: Math.sin(i / 9)});
    await open('/stat/page-echarts.html?topic=sine');
    await untilState(page, '100 points', (s) => s.points === 100);
    const drawn = await texts();
    for (const tick of ['0.9', '0.3', '0', '-0.3', '-0.9']) assert.ok(drawn.includes(tick), `${tick} in ${drawn}`);
    assert.equal(await page.title(), 'sine · gameflow');
  });

  it('midnight is a date on the axis', async () => {
    const midnight = new Date().setHours(0, 0, 0, 0);
    purchases(60, {sword: 5}, midnight + 5 * kMinute);
    await open('/stat/purchase.html');
    await untilState(page, 'drawn', (s) => s.series.sword?.length === 60);
    const day = new Date(midnight);
    const wanted = `${day.getDate()} ${day.toLocaleString('en', {month: 'short'})}`;
    assert.ok((await texts()).includes(wanted), `${wanted} in ${await texts()}`);
  });

  it('a tooltip of fifty items names the largest, and sums up the rest and all', async () => {
    purchases(30, Object.fromEntries(Array.from({length: 50}, (_, i) => [`item_${i + 1}`, i + 1])));
    await open('/stat/purchase.html');
    await untilState(page, 'drawn', (s) => Object.keys(s.series).length === 50);
    const said = await tooltip(/in total/);
    assert.match(said, /, 1,275\.00 in total/);
    assert.match(said, /50\.00 {2}\u2068item_50\u2069/);
    assert.match(said, /39\.00 {2}\u2068item_39\u2069/);
    assert.doesNotMatch(said, /item_38\b/);
    assert.match(said, /and 38 more with 741\.00/);
  });

  it('purchases: figures fit, and shares make sense with refunds', async () => {
    purchases(10, {a: -20, b: 1, c: 3, [' ']: 0});
    await open('/stat/purchase.html');
    await untilState(page, 'drawn', (s) => s.series.a?.length === 10);
    const table = await page.$$eval('#items tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(table, [
      ['(no name)', '0.00', '0.00', '–'],
      ['a', '-20.00', '-200.00', '–'],
      ['b', '1.00', '10.00', '25.0 %'],
      ['c', '3.00', '30.00', '75.0 %'],
    ]);
    assert.equal(await page.textContent('#best-note'), '30.00, 75 % of all');
    purchases(3, {a: 123_456_789_012.34, ['long '.repeat(50)]: 1});
    await until('huge figures', async () => (await page.textContent('#last')) === '123.5B');
    assert.equal(await page.getAttribute('#last', 'title'), '123,456,789,013.34');
    for (const width of [390, 1440]) {
      await page.setViewportSize({width, height: 900});
      assert.deepEqual(await page.$$eval('.figure', (all) => all.filter((f) => f.scrollWidth > f.clientWidth).map((f) => f.id)), [], `cut off at ${width}`);
    }
    const [name, amount] = await page.$$eval('#items tbody tr', (rows) => [...rows[1].cells].map((cell) => cell.getBoundingClientRect().right));
    assert.ok(name < amount && amount < 1440, 'a long name leaves room for its numbers');
  });

  it('purchases: a window says its own length, however rare they are', async () => {
    server.create(kPurchases);
    const end = Math.floor(Date.now() / kMinute) * kMinute;
    for (const minutes of [12, 9, 5, 2, 0]) server.append(kPurchases, [{item_id: 'sword', total_amount: 7}], {timestamp: end - minutes * kMinute});
    await open('/stat/purchase.html');
    const {series} = await untilState(page, 'drawn', (s) => s.series.sword?.length === 9);
    assert.equal(series.sword.filter(([, amount]) => amount === null).length, 4, 'gaps, no joined lines');
    assert.equal(await page.textContent('#window'), 'Amount per item, one point for each window of 10 s');
    const symbols = await page.evaluate(() => echarts.getInstanceByDom(document.querySelector('#chart')).getModel()
      .getSeriesByIndex(0).getData().mapArray((i) => i).filter((i) => echarts.getInstanceByDom(document.querySelector('#chart'))
        .getModel().getSeriesByIndex(0).getData().getItemGraphicEl(i)).length);
    assert.equal(symbols, 5, 'a window alone is a dot');
  });

  it('purchases: items that are gone leave their lines to new ones', async () => {
    server.create(kPurchases);
    const end = Date.now(), value = (items) => items.map((item_id) => ({item_id, total_amount: 1}));
    const old = Array.from({length: 50}, (_, i) => `old_${i}`), fresh = Array.from({length: 50}, (_, i) => `new_${i}`);
    server.append(kPurchases, value(old), {timestamp: end - 400 * 10_000});
    for (let i = 0; i < 359; ++i) server.append(kPurchases, value(['old_0']), {timestamp: end - (390 - i) * 10_000});
    await open('/stat/purchase.html');
    await untilState(page, 'the old ones', (s) => s.windows.length === 360 && s.items.length === 50);
    server.append(kPurchases, value(['old_0', 'too_many']), {timestamp: end - 2 * 10_000});
    await untilState(page, 'one too many', (s) => s.items.includes('other items'));
    server.append(kPurchases, value(['old_0']), {timestamp: end - 10_000});
    server.append(kPurchases, value(['old_0', ...fresh.slice(0, 49)]), {timestamp: end});
    const {items, windows} = await untilState(page, 'the new ones', (s) => s.items.includes('new_48'));
    assert.equal(items.length, 51);
    assert.equal(items[0], 'old_0');
    for (const item of Object.keys(windows.at(-1).amounts)) assert.ok(items.includes(item), item);
  });

  it('players: who ties shares a rank, bars and means fit', async () => {
    server.create(kPlayers);
    const counts = [['a', 4e9], ['b', 5e8], ['', 5e8], ['d', 7]];
    server.append(kPlayers, counts.map(([player_id, event_count]) => ({player_id, event_count})));
    await open('/stat/table.html');
    await untilState(page, 'drawn', (s) => s.rows.length === 4);
    const rows = await page.$$eval('#top tbody tr:not([hidden])', (all) => all.map((row) => [...row.cells].slice(0, 3).map((cell) => cell.textContent)));
    assert.deepEqual(rows, [['1', 'a', '4,000,000,000'], ['2', 'b', '500,000,000'], ['2', '(no name)', '500,000,000'], ['4', 'd', '7']]);
    assert.equal(await page.textContent('#mean'), '1.3B');
    assert.match(await page.textContent('#window'), /^Window \S+ to \S+$/);
  });

  it('names cannot break a tooltip', async () => {
    const long = 'a'.repeat(200), markup = '{b|x}', turned = '\u202eevil', lines = 'one\ntwo';
    purchases(30, {[long]: 1, [markup]: 2, [turned]: 3, [lines]: 4});
    await open('/stat/purchase.html');
    await untilState(page, 'drawn', (s) => Object.keys(s.series).length === 4);
    const said = await tooltip(/10\.00 in total/);
    for (const row of [`1.00  \u2068${'a'.repeat(31)}…\u2069`, '2.00  \u2068{\u200bb|x}\u2069', '3.00  \u2068\u202eevil\u2069', '4.00  \u2068one two\u2069']) {
      assert.ok(said.includes(row), `${row} in ${said}`);
    }
  });

  it('several lines have tooltips, and a line that comes later changes no colour', async () => {
    server.create('keyed');
    const start = Date.now() - kMinute;
    for (let i = 0; i < 40; ++i) server.append('keyed', {load: i}, {key: `server_${2 + (i % 2)}`, timestamp: start + i * 1_000});
    await open('/stat/page-echarts.html?topic=keyed');
    await untilState(page, 'two lines', (s) => s.filled && Object.keys(s.series).length === 2);
    await tooltip(/\d {2}\u2068server_[23]\u2069/);
    const colours = () => page.evaluate(() => Object.fromEntries(echarts.getInstanceByDom(document.querySelector('#chart'))
      .getOption().series.map(({name, color}) => [name, color])));
    const before = await colours();
    server.append('keyed', {load: 1}, {key: 'server_1', timestamp: start});
    await untilState(page, 'three lines', (s) => Object.keys(s.series).length === 3);
    const {server_1, ...others} = await colours();
    assert.deepEqual(others, before);
    assert.ok(!Object.values(before).includes(server_1));
  });

  it('any topic: nested and dotted fields, times on x, numbers alone', async () => {
    server.create('shapes');
    const start = Date.UTC(2026, 10, 24, 10), iso = (ms) => new Date(ms).toISOString();
    for (let i = 0; i < 10; ++i) {
      const at = start + i * 1_000;
      server.append('shapes', {at: iso(at).slice(0, -1), zoned: iso(at).replace('Z', '+00:00'), ms: at, 'a.b': i, deep: {er: {n: 1 - i}}, text: '7', list: [1]});
    }
    await open('/stat/page-echarts.html?topic=shapes&x=at&y=a.b', {timezoneId: 'Asia/Kolkata'});
    const points = (y) => Array.from({length: 10}, (_, i) => [start + i * 1_000, y(i)]);
    const state = await untilState(page, '10 points', (s) => s.points === 10);
    assert.deepEqual(state.series, {'a.b': points((i) => i)});
    const options = (id) => page.$$eval(`#${id} option`, (all) => all.map(({value}) => value));
    assert.deepEqual(await options('x'), ['(record time)', 'ms', 'a.b', 'deep.er.n', 'at', 'zoned']);
    assert.deepEqual(await options('y'), ['ms', 'a.b', 'deep.er.n', 'list[]']);
    for (const x of ['zoned', 'ms']) {
      await page.selectOption('#x', x);
      await page.selectOption('#y', 'deep.er.n');
      const {series} = await untilState(page, x, (s) => s.x === x && s.y === 'deep.er.n');
      assert.deepEqual(series, {'deep.er.n': points((i) => 1 - i)});
      assert.equal(await page.evaluate(() => echarts.getInstanceByDom(document.querySelector('#chart')).getOption().xAxis[0].type), 'time');
    }
    server.create('numbers');
    for (let i = 0; i < 10; ++i) server.append('numbers', i);
    await page.goto(`${server.url}/stat/page-echarts.html?topic=numbers`);
    assert.equal((await untilState(page, '10 numbers', (s) => s.points === 10)).y, '(value)');
  });

  it('any topic: records without numbers can be read another way', async () => {
    server.create('texts');
    server.append('texts', {name: 'x', count: '7'});
    await open('/stat/page-echarts.html?topic=texts');
    await untilState(page, 'a record', (s) => s.without === 1);
    await page.waitForSelector('#empty:not([hidden])');
    assert.equal(await page.textContent('#empty-command code'), `gameflow consume texts --offset -10 --server ${server.url}`);
  });
});
