// What charts and figures say, for data that the real program makes rarely: text on canvases is read as
// text. Against fake_server.mjs.

import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, describe, it} from 'node:test';
import {answerEverything} from './dash_fixture.mjs';
import {FakeServer} from './fake_server.mjs';
import {launchBrowser, openPage, until, untilState} from './harness.mjs';

const kMinute = 60_000;

describe('charts', {timeout: 120_000}, () => {
  let browser, server, page;

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    server = await new FakeServer().listen();
  });
  afterEach(async () => {
    assert.deepEqual(page?.problems ?? [], []);
    await page?.context().close();
    page = null;
    await server.stop();
  });

  const open = async (path, options) => (page = await openPage(browser, server.url, path, options));

  // All text on the chart: ticks, legend, tooltip.
  const texts = () => page.evaluate(() => echarts.getInstanceByDom(document.querySelector('[_echarts_instance_]')).getZr().storage
    .getDisplayList(true).map(({style}) => style.text).filter((text) => typeof text === 'string'));
  // Repeats the move: the chart may have been drawn anew in between.
  const tooltip = (found, x = 0.5, y = 0.5) => until('a tooltip', async () => {
    const box = await page.locator('[_echarts_instance_]').boundingBox();
    await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
    await page.mouse.move(box.x + box.width * x + 1, box.y + box.height * y);
    const all = (await texts()).join('\n');
    return found.test(all) && all;
  });

  // A dashboard with one panel: so much of each name, every ten seconds.
  async function stacked(amounts) {
    const now = Math.floor(Date.now() / 10_000) * 10_000;
    const rows = Array.from({length: 30}, (_, i) => now - i * 10_000).flatMap((at) => Object.entries(amounts).map(([name, amount]) => [at, name, amount]));
    server.dashboards.set('one', {name: 'one', title: 'One', version: '1', rows: [{panels: [{title: 'Amounts', type: 'time-series', style: 'stacked', query: 'amounts'}]}]});
    server.queries.answer = (sql, params) => (sql === 'amounts' ? {columns: ['at', 'name', 'amount'], rows} : answerEverything(sql, params, now));
    await open('/dash/one');
    await untilState(page, 'drawn', (s) => Object.keys(s.panels[0]?.drawn ?? {}).length === Object.keys(amounts).length);
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
    server.create('night');
    for (let i = 0; i < 60; ++i) server.append('night', {y: i}, {timestamp: midnight + (i - 30) * 10_000});
    await open('/stat/page-echarts.html?topic=night');
    await untilState(page, 'drawn', (s) => s.points === 60);
    const day = new Date(midnight);
    const wanted = `${day.getDate()} ${day.toLocaleString('en', {month: 'short'})}`;
    await until('the day', async () => (await texts()).includes(wanted));
  });

  it('a tooltip of many lines names the largest, and sums up the rest and all', async () => {
    await stacked(Object.fromEntries(Array.from({length: 18}, (_, i) => [`item_${i + 1}`, i + 1])));
    const said = await tooltip(/in total/);
    assert.match(said, /, 171 in total/);
    assert.match(said, /18 {2}\u2068item_18\u2069/);
    assert.match(said, /\b7 {2}\u2068item_7\u2069/);
    assert.doesNotMatch(said, / {2}\u2068item_6\u2069/);
    assert.match(said, /and 6 more with 21/);
  });

  it('names cannot break a tooltip', async () => {
    const long = 'a'.repeat(200), markup = '{b|x}', turned = '\u202eevil', lines = 'one\ntwo';
    await stacked({[long]: 1, [markup]: 2, [turned]: 3, [lines]: 4});
    const said = await tooltip(/10 in total/);
    for (const row of [`1  \u2068${'a'.repeat(31)}…\u2069`, '2  \u2068{\u200bb|x}\u2069', '3  \u2068\u202eevil\u2069', '4  \u2068one two\u2069']) {
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
