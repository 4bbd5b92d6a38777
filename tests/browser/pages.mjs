// The pages against the real program (GAMEFLOW_BIN): every number shown is compared with the API,
// also across a kill -9. Screenshots go to build/screenshots/.

import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {panelOf} from './dash_panels.mjs';
import {Gameflow, dashState, kRoot, launchBrowser, openPage, until, untilState, violations} from './harness.mjs';

const kBinary = process.env.GAMEFLOW_BIN;
const kPlayers = 'player-session-summaries', kPurchases = 'purchase-summaries';
const kHostile = '<img src=x onerror="window.__hostile=1"><b>player</b>';
const kNewItem = 'skin_<i>new</i>';
// What a browser itself prints when a server is away; nothing else may be printed even then.
const kOutage = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)|WebSocket connection to/;

describe('pages', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 600_000}, () => {
  const data = mkdtempSync(join(tmpdir(), 'gameflow-browser-'));
  const gameflow = new Gameflow(kBinary, data);
  let browser;
  const pages = {};

  before(async () => {
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
  });

  after(async () => {
    await browser?.close();
    await gameflow.stop();
    rmSync(data, {recursive: true, force: true});
  });

  const open = async (name, path) => (pages[name] = await openPage(browser, gameflow.url, path));
  async function close(name) {
    assert.deepEqual(pages[name].problems, [], name);
    await pages[name].context().close();
    delete pages[name];
  }
  // What the API says about a record the page names as "partition:offset".
  async function recordAt(topic, place) {
    const [partition, offset] = place.split(':').map(Number);
    return (await gameflow.records(topic, {partition, offset}))[0];
  }

  it('says what to send while there is nothing', async () => {
    for (const [name, path] of [['overview', '/'], ['players', `/stat/page-echarts.html?topic=${kPlayers}`], ['purchases', `/stat/page-echarts.html?topic=${kPurchases}`]]) {
      const page = await open(name, path);
      await untilState(page, `${name} is empty`, (s) => s.status === 'empty');
      await page.waitForSelector('#empty:not([hidden])');
    }
    assert.equal(await pages.overview.textContent('#empty code'), `gameflow generate --to ${gameflow.url}`);
    assert.match(await pages.overview.textContent('#own-command code'), /\/topics\/player-events\/records$/);
  });

  it('fills without a reload when events come', async () => {
    gameflow.generate(200);
    await untilState(pages.overview, 'overview live', (s) => s.status === 'live' && s.counters.windows_closed > 0, 60_000);
    await untilState(pages.players, 'players live', (s) => s.status === 'live' && s.bars.length > 0, 60_000);
    await untilState(pages.purchases, 'purchases live', (s) => s.status === 'live' && s.bars.length > 0, 60_000);
    for (const page of Object.values(pages)) await page.waitForSelector('#empty', {state: 'hidden'});
  });

  it('overview: rates, counters and results are those of the API', async () => {
    const first = await dashState(pages.overview);
    const state = await untilState(pages.overview, 'more polls', (s) => s.polls > first.polls + 3);
    const {topics} = await gameflow.json('/topics');
    assert.deepEqual(Object.keys(state.topics).sort(), topics.map((t) => t.name).sort());
    for (const {name, records} of topics) {
      assert.ok(state.topics[name].records <= records, name);
      assert.ok(state.topics[name].records >= (first.topics[name]?.records ?? 0), name);
    }
    const asked = state.topics['player-events'].rate;
    assert.ok(asked > 100 && asked < 400, `200 events a second were asked for, ${asked} are shown`);
    const {services} = await gameflow.json('/dataflow');
    const closed = services.reduce((sum, {counters}) => sum + counters.windows_closed, 0);
    assert.ok(state.counters.windows_closed > 0 && state.counters.windows_closed <= closed);
    assert.deepEqual(Object.keys(state.results), [kPlayers, 'player-session-totals', 'player-session-analytics/events-per-user', kPurchases, 'level-summaries',
      'player-engagement', 'local-days', 'players-at-risk', 'rising-items', 'item-sales', 'item-summaries', 'server-alerts']);
    await until('the result is the newest record', async () => {
      const shown = await pages.overview.evaluate(() => ({
        place: window.__dash.state().results['player-session-summaries'].place,
        rows: [...document.querySelectorAll('[data-result="player-session-summaries"] li')].map((row) => row.textContent),
      }));
      if (!shown.place) return false;
      const {value} = await recordAt(kPlayers, shown.place);
      const more = value.length > 5 ? [`and ${value.length - 5} more`] : [];
      return JSON.stringify(shown.rows) === JSON.stringify([...value.slice(0, 5).map(({player_id, event_count}) => player_id + event_count), ...more]);
    });
  });

  it('overview: a card for each dashboard, and all results once they are asked for', async () => {
    const {overview} = pages, {dashboards} = await gameflow.json('/dashboards');
    assert.deepEqual((await overview.locator('#pages h2').allInnerTexts()).slice(0, -2), dashboards.map(({title}) => title));
    const services = (await gameflow.json('/dataflow')).services, {states} = await gameflow.json('/states');
    const own = states.filter(({service}) => services.some(({name}) => name === service));  // not what is of tables
    const all = new Set([...services.flatMap(({sinks}) => sinks), ...own.map(({service, state}) => `${service}/${state}`)]);
    await overview.click('#results-more summary');
    const {results} = await untilState(overview, 'the others', (s) => Object.keys(s.results).length > 12);
    assert.deepEqual(Object.keys(results).sort(), [...all].sort());
    await overview.fill('#results-find', 'level-attempts');
    await untilState(overview, 'what is looked for is read', (s) => s.results['level-attempts']?.entries?.length > 0 && s.results['session-notes'] === undefined);
    await overview.fill('#results-find', '');
    await overview.click('#results-more summary');
    await untilState(overview, 'folded', (s) => Object.keys(s.results).length === 12);
  });

  // The record, as the panel's query orders it.
  const byEvents = (a, b) => b.event_count - a.event_count || (a.player_id < b.player_id ? -1 : 1);

  it('an old address leads to a dashboard, with what was chosen: its table is the record', async () => {
    const page = await open('top', '/stat/table.html?platform=PC');
    assert.equal(page.url(), `${gameflow.url}/dash/players?platform=PC`);
    await until('the rows are those of the last record, compared with the one before', async () => {
      const {rows} = panelOf(await dashState(page), 'Top players'), {partitions: [{end}]} = await gameflow.json(`/topics/${kPlayers}`);
      if (!rows?.length || end < 2) return false;
      const [before, last] = (await gameflow.records(kPlayers, {offset: end - 2, limit: 2})).map(({value}) => value);
      const known = new Map(before.map(({player_id, event_count}) => [player_id, event_count]));
      const wanted = [...last].sort(byEvents).slice(0, 20).map(({player_id, event_count}) => [player_id, event_count, known.has(player_id) ? event_count - known.get(player_id) : null]);
      return JSON.stringify(rows) === JSON.stringify(wanted);
    }, 60_000);
  });

  it('purchases: every point of every line is the API\'s, also of an item that comes later', async () => {
    const page = await open('items', '/stat/purchase.html?range=15m');
    assert.equal(page.url(), `${gameflow.url}/dash/purchases?range=15m`);
    await gameflow.produce('purchase-events', [{
      event_name: 'transaction',
      parameters: {transaction_id: 'trans_new', transaction_type: 'purchase', currency: 'USD', amount: 12.5, item_id: kNewItem, item_type: 'skin'},
      event_timestamp: new Date().toISOString(), user_data: {user_id: 'player_1', platform: 'PC'},
    }]);
    await untilState(page, 'the new item', (s) => panelOf(s, 'By item').drawn?.[kNewItem], 60_000);
    await comparePurchases(page);
  });

  function comparePurchases(page) {
    return until('all windows are drawn', async () => {
      const state = await dashState(page), {from, to} = state.bounds ?? {}, {rows} = panelOf(state, 'By item');
      const records = await gameflow.records(kPurchases, {offset: 0, limit: 1000});
      const wanted = records.filter(({timestamp}) => timestamp >= from && timestamp < to)
        .flatMap(({timestamp, value}) => value.map(({item_id, total_amount}) => [timestamp - 10_000, item_id, total_amount]));
      const order = (all) => [...all].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
      return wanted.length > 0 && JSON.stringify(order(rows ?? [])) === JSON.stringify(order(wanted));
    }, 60_000);
  }

  it('names from events stay text', async () => {
    const now = new Date().toISOString();
    await gameflow.produce('player-events', Array.from({length: 2_000}, () => ({
      event_name: 'player_action',
      parameters: {player_id: kHostile, session_id: 's', event_type: 'move', level_id: 'l', map_id: 'm'},
      event_timestamp: now, user_data: {user_id: kHostile, platform: 'PC'},
    })));
    await until('the name on both pages', async () => {
      const names = await Promise.all([pages.top, pages.overview].map((page) => page.evaluate(() => document.body.textContent)));
      return names.every((text) => text.includes(kHostile));
    }, 60_000);
    for (const page of [pages.top, pages.overview, pages.items]) {
      assert.equal(await page.locator('main img, main b, main i').count(), 0);
      assert.equal(await page.evaluate(() => window.__hostile), undefined);
    }
  });

  it('any topic: draws the records of x and y, and other numbers on demand', async () => {
    const values = Array.from({length: 50}, (_, i) => ({x: i / 2, y: Math.round(1000 * Math.sin(i / 5)) / 1000}));
    await gameflow.produce('player-positions', values);
    const page = await open('any', '/stat/page-echarts.html?topic=player-positions');
    await untilState(page, '50 points', (s) => s.points === 50 && s.status === 'live');
    await gameflow.produce('player-positions', [{x: -7, y: 99}, {note: 'no numbers'}, {x: 1, y: null}]);
    const state = await untilState(page, 'new points', (s) => s.points === 51 && s.without === 2);
    assert.equal(state.y, 'y');
    const {partitions} = await gameflow.json('/topics/player-positions');
    const stored = [];
    for (const {partition} of partitions) stored.push(...await gameflow.records('player-positions', {partition, offset: 0, limit: 1000}));
    const wanted = stored.map(({value}) => [value.x, value.y]).filter(([x, y]) => typeof x === 'number' && typeof y === 'number');
    const drawn = (await dashState(page)).series.y;
    const order = (a, b) => a[0] - b[0] || a[1] - b[1];
    assert.deepEqual([...drawn].sort(order), wanted.sort(order));

    await page.selectOption('#topic', 'server-metrics');
    await untilState(page, 'server metrics', (s) => s.name === 'server-metrics' && s.points > 10);
    await page.selectOption('#y', 'parameters.latency');
    const latency = await untilState(page, 'latency', (s) => s.y === 'parameters.latency' && s.points > 10);
    assert.equal(latency.x, '(record time)');
    assert.match(page.url(), /topic=server-metrics.*y=parameters\.latency/);
    const servers = Object.entries(latency.series);
    assert.ok(servers.length > 1, 'a line for each server');
    for (const [server, points] of servers) {
      assert.match(server, /^server_\d+$/);
      assert.ok(points.every(([at], i) => i === 0 || at >= points[i - 1][0]), `${server} goes forward in time`);
    }
  });

  it('any topic: a line for each key while they are few, and then one for all', async () => {
    const keyed = (count) => Array.from({length: count}, (_, i) => ({x: i, y: i * i, who: `player ${i}`}));
    await gameflow.createTopic('keyed');
    await gameflow.produce('keyed', keyed(5), '?key-field=who');
    const page = await open('keyed', '/stat/page-echarts.html?topic=keyed');
    const few = await untilState(page, '5 lines', (s) => s.points === 5);
    assert.deepEqual(Object.keys(few.series), keyed(5).map(({who}) => who));
    await gameflow.produce('keyed', keyed(30), '?key-field=who');
    const many = await untilState(page, 'one line', (s) => s.points === 35);
    assert.deepEqual(Object.keys(many.series), ['y']);
    assert.equal(many.series.y.length, 35);
    await close('keyed');
  });

  it('any topic: the newest list as bars, and the rows of a state as SQL has them', async () => {
    const page = await open('bars', `/stat/page-echarts.html?topic=${kPlayers}`);
    await untilState(page, 'bars', (s) => s.kind === 'bars' && s.bars.length > 5);
    // A record is there before it is drawn.
    await until('the bars are those of the newest record', async () => {
      const {bars, topic} = await dashState(page);
      const {value} = await recordAt(kPlayers, topic.recent.at(-1));
      return JSON.stringify(bars) === JSON.stringify(value.slice(0, 30).map(({player_id, event_count}) => [player_id, event_count]));
    });
    await page.selectOption('#topic', 'purchase-analytics/revenue-per-item');
    const state = await untilState(page, 'rows', (s) => s.name === 'purchase-analytics/revenue-per-item' && s.bars.length > 0, 60_000);
    assert.equal(state.y, 'total_cents');
    assert.deepEqual(state.bars.map(([, n]) => n), state.bars.map(([, n]) => n).sort((a, b) => b - a));
    assert.match(page.url(), /\?state=purchase-analytics%2Frevenue-per-item$/);
    await close('bars');
  });

  it('pause stops the picture, not the data', async () => {
    const {players} = pages;
    await players.click('#pause');
    const before = await dashState(players);
    const later = await untilState(players, 'a new window', (s) => s.topic.received > before.topic.received, 60_000);
    assert.deepEqual(later.bars, before.bars);
    await until('the count of what is new', async () => /^\d+ new$/.test(await players.textContent('#status-age')));
    await players.click('#pause');
    await untilState(players, 'caught up', (s) => !s.paused && JSON.stringify(s.bars) !== JSON.stringify(before.bars));
  });

  it('remembers the theme', async () => {
    const page = await openPage(browser, gameflow.url, '/stat/page-echarts.html');
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.click('#theme');
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await background(), dark);
    await page.context().close();
  });

  it('nothing was refused, thrown or fetched from elsewhere', () => {
    for (const [name, page] of Object.entries(pages)) assert.deepEqual(page.problems, [], name);
  });

  it('kill -9: says so within 3 s, resumes, no record missing or twice', async () => {
    const before = {};
    for (const [name, page] of Object.entries(pages)) before[name] = await dashState(page);
    const killed_at = Date.now();
    await gameflow.kill();
    await Promise.all(Object.entries(pages).map(([name, page]) =>
      untilState(page, `${name} disconnected`, (s) => s.status === 'disconnected', 10_000)));
    const noticed = Date.now() - killed_at;
    assert.ok(noticed < 3_000, `noticed after ${noticed} ms`);
    await pages.players.waitForSelector('#status[data-status="disconnected"]');
    assert.equal(await pages.players.textContent('#status-word'), 'Disconnected');
    assert.ok((await dashState(pages.players)).bars.length > 5, 'what was there stays readable');

    await gameflow.start();
    for (const [name, topic] of [['players', kPlayers], ['purchases', kPurchases]]) {
      const after = await untilState(pages[name], `${name} resumed`, (s) =>
        s.status === 'live' && s.topic.received >= before[name].topic.received + 2, 90_000);
      const {duplicates, gaps, lost, skipped, resets, invalid, received, connections, partitions} = after.topic;
      assert.deepEqual({duplicates, gaps, lost, skipped, resets, invalid}, {duplicates: 0, gaps: 0, lost: 0, skipped: 0, resets: 0, invalid: 0}, name);
      assert.ok(connections >= 2);
      const wanted = Object.entries(partitions).flatMap(([partition, {first, next}]) =>
        Array.from({length: next - first}, (_, i) => `${partition}:${first + i}`));
      assert.equal(received, wanted.length);
      const stored = await gameflow.records(topic, {offset: 0, limit: 1000});
      assert.equal(new Set(stored.map(({timestamp}) => timestamp)).size, stored.length, `${name}: one record a window`);
    }
    await comparePurchases(pages.items);
    await untilState(pages.overview, 'overview live again', (s) => s.status === 'live');
    await untilState(pages.any, 'chart live again', (s) => s.status === 'live');
    for (const [name, page] of Object.entries(pages)) {
      assert.deepEqual(page.problems.filter((text) => !kOutage.test(text)), [], name);
    }
  });

  // What makes the page scroll sideways: whatever ends right of `width`, outermost first.
  const outside = (page, width) => page.evaluate((end) => document.documentElement.scrollWidth <= end ? []
    : [...document.querySelectorAll('body *')].map((e) => ({e, right: e.getBoundingClientRect().right})).filter(({right}) => right > end)
      .map(({e, right}) => `${e.tagName} #${e.id} .${e.className} to ${right}: ${e.textContent.trim().slice(0, 40)}`), width);

  it('the longest status fits a narrow phone', async () => {
    const page = await openPage(browser, gameflow.url, '/stat/page-echarts.html?topic=server-metrics', {viewport: {width: 360, height: 740}});
    await untilState(page, 'live', (s) => s.status === 'live');
    assert.equal(await page.evaluate(() => {
      document.querySelector('#status-word').textContent = 'Disconnected';
      document.querySelector('#status-age').textContent = '23 h 59 min old';
      return document.documentElement.scrollWidth;  // before the page writes its own again
    }), 360);
    await page.context().close();
  });

  it('axe finds nothing, no link of the bar is cut, and nothing moves while a page fills', async () => {
    const looks = [[360, 'dark'], [800, 'light'], [1400, 'dark'], [1400, 'light']];
    // Dashboards are looked at in all sizes by dash.mjs.
    const paths = ['/', '/dash/players', '/dash/purchases', '/stat/page-echarts.html?topic=server-metrics',
      `/stat/page-echarts.html?topic=${kPlayers}`, '/stat/page-echarts.html?state=purchase-analytics/revenue-per-item', '/studio'];
    for (const path of paths) {
      for (const [width, colorScheme] of path.startsWith('/dash') ? [looks[0], looks[3]] : looks) {
        const page = await openPage(browser, gameflow.url, '/livez', {viewport: {width, height: 800}, colorScheme, bypassCSP: true, reducedMotion: 'reduce'});
        await page.addInitScript(() => {
          window.__moved = [];
          new PerformanceObserver((list) => {
            for (const {value, sources} of list.getEntries()) window.__moved.push([value, ...sources.map(({node}) => node?.id || node?.className || node?.nodeName)]);
          }).observe({type: 'layout-shift', buffered: true});
        });
        await page.goto(gameflow.url + path);
        const what = `${path} ${width} ${colorScheme}`;
        await untilState(page, `${what} filled`, (s) => s.status === 'live' && (s.polls ?? 3) >= 3);
        assert.deepEqual(await violations(page), [], what);
        assert.deepEqual(await page.$eval('.top nav', (nav) => nav.scrollWidth - nav.clientWidth), 0, `${what}: links are cut`);
        const moved = await page.evaluate(() => window.__moved);
        assert.ok(moved.reduce((sum, [value]) => sum + value, 0) < 0.1, `${what} moved: ${JSON.stringify(moved)}`);
        assert.deepEqual(moved.filter(([, ...nodes]) => nodes.includes('status') || nodes.includes('tools')), [], what);
        await page.context().close();
      }
    }
  });

  it('screenshots: light and dark, 360 and 1440 wide, no sideways scrolling', async () => {
    const folder = join(kRoot, 'build', 'screenshots');
    mkdirSync(folder, {recursive: true});
    const list = {overview: '/', players: '/dash/players', purchases: '/dash/purchases?range=15m', any: '/stat/page-echarts.html?topic=server-metrics',
      bars: `/stat/page-echarts.html?topic=${kPlayers}`, state: '/stat/page-echarts.html?state=purchase-analytics/revenue-per-item'};
    for (const [name, path] of Object.entries(list)) {
      const page = await openPage(browser, gameflow.url, path);
      await untilState(page, `${name} filled`, (s) => s.status === 'live' && (s.polls ?? 3) >= 3);
      for (const colorScheme of ['light', 'dark']) {
        for (const width of [360, 1440]) {
          await page.emulateMedia({colorScheme});
          await page.setViewportSize({width, height: width === 360 ? 740 : 900});
          await page.waitForFunction((wanted) => innerWidth === wanted, width);
          assert.deepEqual(await outside(page, width), [], `${name} at ${width}`);
          await page.waitForFunction(() => [...document.querySelectorAll('#chart canvas')].every((c) => c.clientWidth === c.closest('#chart').clientWidth));
          await page.screenshot({path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true, animations: 'disabled'});
        }
      }
      assert.deepEqual(page.problems, [], name);
      await page.context().close();
    }
  });
});
