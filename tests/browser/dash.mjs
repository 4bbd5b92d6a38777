// Pages of dashboards against fake_server.mjs: a panel of each type at all widths and in both themes, and every state that a panel can be in.

import assert from 'node:assert/strict';
import {mkdirSync, readFileSync} from 'node:fs';
import {after, afterEach, before, beforeEach, describe, it} from 'node:test';
import {FakeServer} from './fake_server.mjs';
import {kEverything, answerEverything} from './dash_fixture.mjs';
import {panelOf, shown, textOf} from './dash_panels.mjs';
import {dashState, kOutage, kRoot, launchBrowser, openPage, until, untilState, violations} from './harness.mjs';

const kShots = `${kRoot}build/screenshots/`;
const kWidths = {wide: {width: 1440, height: 900}, middle: {width: 900, height: 1100}, phone: {width: 390, height: 844}};

// Runs in the page: what has moved since it was opened goes to window.__moved. Words of the pill follow each other; the
// pill stays.
function watchMoves() {
  window.__moved = [];
  new PerformanceObserver((list) => {
    for (const {value, sources} of list.getEntries()) {
      const moved = sources.map(({node}) => node).filter((node) => !node?.closest?.('#status'));
      window.__moved.push(...moved.map((node) => `${value.toFixed(6)} ${node?.className || node?.nodeName}`));
    }
  }).observe({type: 'layout-shift', buffered: true});
}

const live = (state) => state.status === 'live' && state.panels.every((panel) => panel.state === 'live');

describe('dashboards', {timeout: 300_000}, () => {
  let browser, server, page, changed;

  before(async () => {
    browser = await launchBrowser();
    mkdirSync(kShots, {recursive: true});
  });
  after(() => browser?.close());

  beforeEach(async () => {
    server = await new FakeServer().listen();
    server.dashboards.set('everything', kEverything);
    server.dashboards.set('player', {name: 'player', title: 'A player', version: 'p1', variables: [{name: 'player_id'}], rows: [{panels: [{title: 'Who', type: 'figure', query: 'who :player_id'}]}]});
    changed = {};
    server.queries.answer = (sql, params) => changed[sql]?.(params) ?? (sql.startsWith('who') ? {columns: ['who'], rows: [[params.player_id]]} : answerEverything(sql, params, Date.now()));
  });
  afterEach(async () => {
    await page?.context().close();
    await server.stop();
  });

  const open = async (path = '/dash/everything', options = {}) => {
    page = await openPage(browser, server.url, path, options);
    return page;
  };
  const asked = (sql) => server.queries.asked.findLast((question) => question.sql === sql)?.params;

  for (const [width, viewport] of Object.entries(kWidths)) {
    for (const colorScheme of ['light', 'dark']) {
      it(`${width}, ${colorScheme}: every panel is there, nothing moves, nothing sticks out, and it can be used by everybody`, async () => {
        await open('/dash/everything', {viewport, colorScheme, bypassCSP: true, hasTouch: width === 'phone'});
        await page.evaluate(watchMoves);
        await untilState(page, 'live', live);
        await until('drawn', () => page.evaluate(() => document.querySelectorAll('.chart-box:has(canvas)').length === 5));
        assert.deepEqual(await page.evaluate(() => window.__moved), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'no scrolling sideways');
        assert.deepEqual(await violations(page), []);
        await page.screenshot({path: `${kShots}dash-${width}-${colorScheme}.png`, fullPage: true});
        assert.equal(await page.evaluate(() => window.__hostile), undefined);
        assert.deepEqual(page.problems, []);
      });
    }
  }

  it('the bar stays where it is while the page comes line by line', async () => {
    server.linewise = true;
    for (const viewport of Object.values(kWidths)) {
      await open('/dash/everything', {viewport});
      await page.evaluate(watchMoves);
      await untilState(page, 'live', live);
      assert.deepEqual(await page.evaluate(() => window.__moved), []);
      await page.context().close();
    }
    page = null;
  });

  it('obeys the policy, and says what the answers are', async () => {
    await open();
    await untilState(page, 'live', live);
    assert.equal((await textOf(page, 'Active players')).replace(/\s+/g, ' '), '12,480 players ▲ +13% from 11,020 , better');
    assert.match(await textOf(page, 'Revenue by product'), /1\s+Starter pack\s+\$3,707\.69/);
    const state = await dashState(page);
    for (const [title, sql] of [['Active players by platform', 'players by platform :from :to'], ['Purchases', 'purchases :from :to']]) {
      const {rows, drawn} = panelOf(state, title), wanted = {};
      assert.deepEqual(asked(sql), {from: state.bounds.from, to: state.bounds.to});
      for (const [time, name, value] of rows) (wanted[name] ??= []).push([time, value]);
      assert.deepEqual(drawn, wanted, title);
    }
    await page.hover('.chart-box canvas');  // shows a tooltip: its styles must pass the policy
    assert.deepEqual(page.problems, []);
  });

  it('takes changes by key, and counts while it is paused', async () => {
    let count = 12_480;
    changed['players :platform'] = () => ({columns: ['players'], rows: [[count]]});
    changed.products = () => ({columns: ['product', 'revenue'], rows: [['a', 5], ['b', count]]});
    server.dashboards.set('keyed', {name: 'keyed', title: 'K', version: '1', rows: [{panels: [{title: 'P', type: 'top-list', query: 'products', label: 'product', value: 'revenue'}, {title: 'N', type: 'figure', query: 'players :platform'}]}]});
    await open('/dash/keyed');
    await untilState(page, 'live', live);
    assert.deepEqual(server.queries.asked.find(({sql}) => sql === 'products').key, ['product']);
    count = 7;
    server.queries.push();
    await until('the new number', async () => /7/.test(await textOf(page, 'P')) && (await textOf(page, 'N')).startsWith('7'));
    assert.equal((await dashState(page)).queries.changes, 1, 'a difference, not all rows');
    await page.click('#pause');
    count = 8;
    server.queries.push();
    await until('it is counted', async () => /new/.test(await page.textContent('#status-age')));
    assert.match(await textOf(page, 'N'), /^7/);
    await page.click('#pause');
    await until('it is shown', async () => (await textOf(page, 'N')).startsWith('8'));
  });

  it('an error says why, and goes when the query works', async () => {
    changed.revenue = () => {
      throw Object.assign(new Error('no such column: amont'), {code: 'sql_invalid'});
    };
    changed.latency = () => ({columns: ['text'], rows: [['x']]});
    changed.products = () => ({columns: ['product'], rows: [['a']]});
    changed.alerts = () => ({columns: ['state', 'target'], rows: []});
    changed.tutorial = () => ({columns: ['step', 'players'], rows: []});
    await open();
    await untilState(page, 'the error', (s) => panelOf(s, 'Revenue today').state === 'error');
    assert.equal(await shown(page, 'Revenue today').locator('.message').innerText(), 'no such column: amont (sql_invalid)');
    assert.match(await shown(page, 'Revenue by product').locator('.message').innerText(), /no column that could be the value: name it/);
    assert.equal(await shown(page, 'Alerts').locator('.message').innerText(), 'No alerts.');
    assert.equal(await shown(page, 'Tutorial').locator('.message').innerText(), 'Nothing to show for this choice.');
    const state = await dashState(page);
    assert.deepEqual([panelOf(state, 'Alerts').state, panelOf(state, 'Active players').state], ['empty', 'live']);
    delete changed.revenue;
    server.queries.push();
    await until('it works', async () => (await textOf(page, 'Revenue today')).startsWith('$18,243.50'));
    assert.equal(await shown(page, 'Revenue today').locator('.message').isVisible(), false);
    assert.deepEqual(page.problems, []);
  });

  it('without a connection numbers are grey and say of when; it goes on where it was', async () => {
    await open();
    await untilState(page, 'live', live);
    const port = server.port;
    await server.stop();
    await untilState(page, 'disconnected', (s) => s.status === 'disconnected' && s.panels.every(({state, type}) => state === 'disconnected' || type === 'text'));
    assert.match(await shown(page, 'Revenue today').locator('.panel-note').innerText(), /^as of \d\d:\d\d:\d\d$/);
    assert.match(await textOf(page, 'Revenue today'), /^\$18,243\.50/);
    assert.equal(await shown(page, 'Revenue today').locator('.content').evaluate((node) => getComputedStyle(node).filter), 'grayscale(1)');
    server.queries.asked.length = 0;
    await server.listen(port);
    await untilState(page, 'live again', live);
    // Those with a range are other questions when the range has moved on.
    const same = server.queries.asked.filter(({subscribe, params}) => subscribe !== 'pulse' && !('from' in params));
    assert.ok(same.length > 5 && same.every(({version}) => version?.startsWith('v-')), 'from the versions that it has');
    assert.equal(await shown(page, 'Revenue today').locator('.panel-note').innerText(), '');
    assert.deepEqual(page.problems.filter((problem) => !kOutage.test(problem)), []);
  });

  it('a time series without anything new says since when', async () => {
    const now = Date.now();
    changed['purchases :from :to'] = () => ({columns: ['time', 'item', 'n'], rows: [4, 3, 2, 1, 0].map((n) => [now - n * 60_000 * 5, 'x', 1])});
    changed['latency over time :from :to'] = () => ({columns: ['time', 'p50', 'p95', 'low', 'high'], rows: [34, 33, 32].map((n) => [now - n * 60_000, 1, 2, 0, 3])});
    await open();
    await untilState(page, 'stale', (s) => panelOf(s, 'Latency').state === 'stale' && panelOf(s, 'Purchases').state === 'live');
    assert.match(await shown(page, 'Latency').locator('.panel-note').innerText(), /^nothing since /);
  });

  it('variables are in the address and in the queries; what is not yet answered looks so', async () => {
    await open();
    await untilState(page, 'live', live);
    assert.deepEqual(asked('players :platform'), {platform: null});
    server.queries.silence();
    await page.selectOption('label:has-text("Platform") select', 'ios');
    await untilState(page, 'loading', (s) => panelOf(s, 'Active players').state === 'loading' && panelOf(s, 'Revenue today').state === 'live');
    assert.equal(new URL(page.url()).search, '?platform=ios');
    server.queries.cut();
    await untilState(page, 'live', live);
    assert.deepEqual(asked('players :platform'), {platform: 'ios'});
    assert.match(await textOf(page, 'Active players'), /^4,211/);
    await page.goBack();
    await until('as before', async () => (await textOf(page, 'Active players')).startsWith('12,480'));
    assert.equal(await page.inputValue('label:has-text("Platform") select'), '');
    await page.selectOption('label:has-text("Difficulty") select', '');
    await until('no difficulty', () => asked('table :difficulty')?.difficulty === null);
    assert.equal(new URL(page.url()).search, '?difficulty=');
  });

  it('a variable that is required takes the first value, a number stays one, and many are typed', async () => {
    changed.ids = () => ({columns: ['id'], rows: Array.from({length: 60}, (_, i) => [i + 5])});
    server.dashboards.set('one', {name: 'one', title: 'One', version: '1', variables: [{name: 'id', query: 'ids', required: true}], rows: [{panels: [{title: 'N', type: 'figure', query: 'n :id'}]}]});
    changed['n :id'] = ({id}) => ({columns: ['n'], rows: [[id]]});
    await open('/dash/one');
    await untilState(page, 'live', live);
    assert.deepEqual(asked('n :id'), {id: 5});
    assert.equal(new URL(page.url()).search, '?id=5');
    await page.fill('label:has-text("id") input', '17');
    await page.keyboard.press('Enter');
    await until('the other', async () => (await textOf(page, 'N')).startsWith('17'));
    assert.deepEqual(asked('n :id'), {id: 17});
    server.queries.asked.length = 0;
    await page.reload();
    await until('the same', async () => (await textOf(page, 'N').catch(() => '')).startsWith('17'));
    assert.deepEqual(server.queries.asked.filter(({sql}) => sql === 'n :id').map(({params}) => params), [{id: 17}], 'never as a text');
  });

  it('time: presets, a custom range, a zone, and a part of a chart', async () => {
    await open();
    await untilState(page, 'live', live);
    await page.selectOption('#range', '24h');
    await until('a day', () => asked('purchases :from :to')?.to - asked('purchases :from :to')?.from > 86_400_000);
    await page.selectOption('#zone-choice', 'Asia/Tokyo');
    await page.selectOption('#range', 'yesterday');
    await until('yesterday in Tokyo', () => asked('purchases :from :to').to % 86_400_000 === 15 * 3_600_000);
    assert.equal(new URL(page.url()).search, '?range=yesterday&zone=Asia/Tokyo');
    await page.selectOption('#range', 'other');
    await page.fill('input[name=from]', '2026-05-01T10:00');
    await page.fill('input[name=to]', '2026-05-01T12:00');
    // What is written stays while numbers come.
    changed.revenue = () => ({columns: ['revenue', 'before'], rows: [[12_345.5, 19_100]]});
    server.queries.push();
    await until('another number', async () => (await textOf(page, 'Revenue today')).startsWith('$12,345.50'));
    assert.equal(await page.inputValue('input[name=from]'), '2026-05-01T10:00');
    await page.click('.custom button');
    await until('the range', () => asked('purchases :from :to').from === Date.parse('2026-05-01T01:00Z'));
    assert.equal(asked('purchases :from :to').to, Date.parse('2026-05-01T03:00Z'));
    await page.selectOption('#range', '6h');
    await untilState(page, 'live', live);
    const before = (await dashState(page)).bounds, box = await shown(page, 'Active players by platform').locator('canvas').boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 80);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 90, {steps: 5});
    await page.mouse.move(box.x + box.width * 0.6, box.y + 80, {steps: 5});
    await page.mouse.up();
    const {bounds} = await untilState(page, 'zoomed', (s) => s.bounds.to - s.bounds.from < 3 * 3_600_000);
    assert.ok(bounds.from > before.from && bounds.to < before.to && bounds.to - bounds.from > 3_600_000 / 2);
    assert.match(new URL(page.url()).search, /^\?from=.*Z&to=.*Z&zone=Asia\/Tokyo$/);
    await page.goBack();
    await untilState(page, 'as before', (s) => s.bounds.to - s.bounds.from > 6 * 3_600_000);
    assert.deepEqual(page.problems, []);
  });

  it('tables: sorted, searched while numbers come, by pages, saved', async () => {
    let more = 0;
    changed['table :difficulty'] = (params) => {
      const answer = answerEverything('table :difficulty', params, 1_790_000_000_000);
      return {...answer, rows: [...answer.rows, ...Array.from({length: more}, (_, i) => [`late_${i}`, 'ios', 1, 9_999 + i, 1_790_000_000_000])]};
    };
    await open();
    await untilState(page, 'live', live);
    const table = shown(page, 'Players');
    const firsts = () => table.locator('tbody th').allInnerTexts();
    assert.equal((await firsts())[0], 'player_142');
    await table.getByRole('button', {name: 'Spent'}).click();
    assert.deepEqual([(await firsts())[0], await table.locator('th[aria-sort]').getAttribute('aria-sort')], ['player_1', 'ascending']);
    await table.getByRole('button', {name: 'Next page'}).click();
    assert.match(await table.locator('.note[role=status]').innerText(), /^21–40 of 143$/);
    await table.locator('input').focus();
    await page.keyboard.type('late');
    more = 3;
    server.queries.push();
    await until('they are found', async () => (await firsts()).join() === 'late_0,late_1,late_2');
    await page.keyboard.type('_2');
    await until('one', async () => (await firsts()).join() === 'late_2');
    const [download] = await Promise.all([page.waitForEvent('download'), table.getByRole('button', {name: 'CSV'}).click()]);
    assert.equal(readFileSync(await download.path(), 'utf8'), 'Player,Platform,Level,Spent,Last seen\r\nlate_2,ios,1,10001,1790000000000\r\n');
    assert.equal(download.suggestedFilename(), 'Players.csv');
    assert.deepEqual(page.problems, []);
  });

  it('each panel says what it was computed over, and whether that is complete', async () => {
    await open();
    await untilState(page, 'live', live);
    const revenue = shown(page, 'Revenue today');
    const about = revenue.getByRole('button', {name: 'What is Revenue today?'});
    await until('it is known', async () => (await about.getAttribute('title')) === 'incomplete: 41,500 records to be read, 12 % late');
    assert.equal(await about.innerText(), '!');
    await about.click();
    assert.equal(await revenue.locator('.definition').innerText(), 'From by_player, made by active-players (complete to 20 Nov 2026, 09:30:00, nothing to be read). '
      + 'From sales, made by shop (complete to 20 Nov 2026, 09:29:00, 41,500 records to be read, 12 % of the last minute came too late).');
    const players = shown(page, 'Active players').getByRole('button', {name: 'What is Active players?'});
    await players.click();
    assert.match(await shown(page, 'Active players').locator('.definition').innerText(), /^Players with an event in the last 5 minutes\.\n\nFrom by_player, made by active-players \(/);
    assert.equal(await players.innerText(), 'i');
  });

  it('by keyboard: what a panel means, a chart as a table, and links', async () => {
    await open();
    await untilState(page, 'live', live);
    const panel = shown(page, 'Active players by platform');
    await panel.getByRole('button', {name: 'What is Active players by platform?'}).focus();
    await page.keyboard.press('Enter');
    assert.equal(await panel.locator('.definition').isVisible(), true);
    await page.keyboard.press('Escape');
    assert.equal(await panel.locator('.definition').isVisible(), false);
    await panel.getByRole('button', {name: 'as a table'}).focus();
    await page.keyboard.press('Enter');
    await until('a table', () => panel.locator('table').isVisible());
    const {rows} = panelOf(await dashState(page), 'Active players by platform');
    assert.equal(await panel.locator('tbody tr').count(), Math.min(20, rows.length));
    assert.equal((await panel.locator('tbody tr').first().locator('td').last().innerText()).replaceAll('\u202f', ' '), rows[0][2].toLocaleString('en'));
    await page.selectOption('#zone-choice', 'Europe/Berlin');
    // What is chosen is drawn a moment later.
    await until('the link has it', async () => (await shown(page, 'Active players').locator('a').getAttribute('href')).includes('Berlin'));
    await shown(page, 'Active players').locator('a').focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dash/player?**');
    assert.equal(new URL(page.url()).search, '?player_id=player_7&range=6h&zone=Europe/Berlin');
    await until('the other dashboard', async () => (await textOf(page, 'Who')).includes('player_7'));
  });

  it('a click on a part of a chart goes where its row leads', async () => {
    const link = {dashboard: 'player', variables: {player_id: 'weekday'}};
    server.dashboards.set('heat', {name: 'heat', title: 'Heat', version: '1', rows: [{panels: [{title: 'H', type: 'heatmap', query: 'heat', link}]}]});
    await open('/dash/heat');
    await untilState(page, 'live', live);
    const box = await shown(page, 'H').locator('.chart-box').boundingBox();
    await page.mouse.click(box.x + box.width * 0.53, box.y + box.height * 0.4);
    await page.waitForURL(/\/dash\/player\?player_id=(Wed|Thu|Fri)$/);
    assert.deepEqual(page.problems, []);
  });

  it('takes over a changed dashboard, and waits for one that is not there', async () => {
    await open('/dash/later?x=y');
    await untilState(page, 'missing', (s) => s.status === 'missing');
    assert.match(await page.innerText('#missing'), /There is no dashboard later/);
    const later = {name: 'later', title: 'Later', version: '1', time: {range: '1h', zone: 'UTC'}, variables: [{name: 'x'}], rows: [{panels: [{title: 'A', type: 'figure', query: 'revenue'}]}]};
    server.dashboards.set('later', later);
    await untilState(page, 'there', (s) => live(s) && s.version === '1');
    assert.equal(await page.isVisible('#missing'), false);
    await page.selectOption('#range', '24h');
    server.dashboards.set('later', {...later, version: '2', title: 'Later still', rows: [{panels: [{title: 'B', type: 'figure', query: 'crash'}, {title: 'C', type: 'nonsense', query: 'crash'}]}]});
    const state = await untilState(page, 'changed', (s) => s.version === '2' && panelOf(s, 'B')?.state === 'live');
    assert.deepEqual([state.choice.range, state.choice.variables], [{last: 86_400_000}, {x: 'y'}]);
    assert.equal(await page.innerText('h1'), 'Later still');
    assert.equal(await shown(page, 'C').locator('.message').innerText(), 'There is no panel of type nonsense.');
    // What is left is the panel's, and how complete tables are.
    await until('what was followed is let go', async () => (await dashState(page)).queries.queries === 2);
  });

  it('wall screen: only numbers, as large as they fit', async () => {
    server.dashboards.set('small', {...kEverything, name: 'small', rows: kEverything.rows.slice(0, 2)});
    await open('/dash/small?wall=1', {viewport: {width: 1920, height: 1080}, colorScheme: 'dark'});
    await untilState(page, 'live', live);
    for (const what of ['.top', 'footer', '#controls']) assert.equal(await page.isVisible(what), false, what);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    assert.ok(height <= 1080 && height > 950, `fills the screen: ${height}`);
    await page.screenshot({path: `${kShots}dash-wall.png`});
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => url.search === '');
    await until('chrome', () => page.isVisible('.top'));
  });

  it('memory: what is followed does not grow', async () => {
    await open();
    await untilState(page, 'live', live);
    const first = (await dashState(page)).queries;
    for (const range of ['24h', '1h', '7d', '6h']) {
      await page.selectOption('#range', range);
      await untilState(page, range, live);
    }
    // `first` may have been a moment at which the range moved on, and each question was followed twice.
    await until('no more than before', async () => (await dashState(page)).queries.queries <= first.queries);
    assert.equal(server.queries.connections, 1);
  });
});
