// Dashboards of the real program (GAMEFLOW_BIN): what a panel says is what POST /sql says, while events come, over a kill -9, and when
// the dashboard's file changes.

import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {panelOf, shown, textOf} from './dash_panels.mjs';
import {Gameflow, kOutage, kRoot, launchBrowser, openPage, until, untilState, violations} from './harness.mjs';

const kBinary = process.env.GAMEFLOW_BIN;

const kDataflow = `apiVersion: 0.6.0
meta: { name: shop, version: 1.0.0, namespace: tests }
types:
  sale: { type: object, properties: { item: { type: string }, platform: { type: string }, amount: { type: f64 }, level: { type: u32 } } }
topics:
  sales: { schema: { value: { type: sale } } }
`;

const kShop = `title: Shop
description: What sells.
order: 2
time: { range: 15m, zone: Europe/Berlin }
every: 1s
variables:
  platform: { title: Platform, query: select distinct platform from sales order by 1 }
  level: { title: Level, options: [1, 2, 3] }
rows:
  - title: Now
    panels:
      - title: Sales
        type: figure
        query: select count(*) as sales from sales where (:platform is null or platform = :platform) and (:level is null or level = :level)
        definition: All that was sold.
        unit: sales
      - title: Revenue
        type: figure
        query: select sum(amount) as revenue from sales where _time >= :from and _time < :to
        unit: USD
      - title: Nothing
        type: figure
        query: select item from sales where item = 'no such item'
  - panels:
      - title: Items
        type: top-list
        width: 4
        query: select item, sum(amount) as revenue from sales where :platform is null or platform = :platform group by 1 order by 2 desc, 1
        unit: USD
        link: { dashboard: item, variables: { item: item } }
      - title: Over time
        type: time-series
        query: |
          select _time / 1000 * 1000 as second, platform, count(*) as sales from sales where _time >= :from and _time < :to group by 1, 2 order by 1, 2
        series: platform
        values: [sales]
        style: stacked
  - panels:
      - title: Last sales
        type: table
        query: select _offset, item, platform, amount from sales order by _offset desc limit 200
        columns: [{ column: _offset, title: Number }, { column: item }, { column: amount, unit: USD }]
        page_size: 10
        actions:
          - { label: Again, topic: sales, key: item, question: "On which platform?", record: { item: ":item", platform: ":answer", amount: ":amount", level: 1 } }
`;
const kItem = `title: An item
variables: { item: { required: true, query: select distinct item from sales order by 1 } }
rows: [{ panels: [{ title: Sold, type: figure, query: "select count(*) from sales where item = :item" }] }]
`;

describe('dashboards of the program', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 300_000}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gameflow-dash-')), file = (name) => join(folder, name);
  let browser, gameflow, page, made = 0;

  before(async () => {
    mkdirSync(file('dashboards'));
    writeFileSync(file('dataflow.yaml'), kDataflow);
    writeFileSync(file('dashboards/shop.yaml'), kShop);
    writeFileSync(file('dashboards/item.yaml'), kItem);
    gameflow = new Gameflow(kBinary, file('data'), file('dataflow.yaml'), ['--watch']);
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
  });

  after(async () => {
    await browser?.close();
    await gameflow?.stop();
    rmSync(folder, {recursive: true, force: true});
  });

  const sell = (count) => gameflow.produce('sales', Array.from({length: count}, () => {
    made += 1;
    return {item: `item ${made % 7}`, platform: ['pc', 'ios', 'android'][made % 3], amount: (made % 11) + 0.25, level: 1 + (made % 3)};
  }));

  async function sql(text, params) {
    const response = await fetch(`${gameflow.url}/sql`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({sql: text, params})});
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer.rows;
  }

  // Waits until every panel has the rows that its query gives now.
  async function untilTrue(what, chosen = {}) {
    const {rows} = await gameflow.json('/dashboards/shop');
    return until(what, async () => {
      const state = await page.evaluate(() => window.__dash.state());
      if (state.status !== 'live') return false;
      for (const {title, query} of rows.flatMap(({panels}) => panels)) {
        const params = Object.fromEntries(Object.entries({platform: null, level: null, ...chosen, ...state.bounds}).filter(([name]) => new RegExp(`:${name}\\b`).test(query)));
        if (JSON.stringify(panelOf(state, title).rows) !== JSON.stringify(await sql(query, params))) return false;
      }
      return state;
    });
  }

  it('is there, in the navigation of all pages, and says that nothing was sold yet', async () => {
    page = await openPage(browser, gameflow.url, '/');
    await page.click('.menu-button');
    assert.deepEqual(await page.locator('#dashboards a').allInnerTexts(), ['Shop\nWhat sells.', 'An item']);
    await page.click('#dashboards a >> nth=0');
    await untilState(page, 'live', (s) => s.dashboard === 'shop' && s.panels.length === 6 && s.panels.every(({state}) => ['live', 'empty'].includes(state)));
    assert.match(await textOf(page, 'Sales'), /^0 sales/);
    await shown(page, 'Sales').getByRole('button', {name: 'What is Sales?'}).click();
    assert.equal(await shown(page, 'Sales').locator('.definition').innerText(), 'All that was sold.\n\nFrom sales, as it comes in.');
    assert.equal(await shown(page, 'Items').locator('.message').innerText(), 'Nothing to show for this choice.');
    assert.equal(await page.inputValue('#zone-choice'), 'Europe/Berlin');
  });

  it('every panel is what POST /sql says, while sales come', async () => {
    for (const count of [1, 30, 200]) {
      await sell(count);
      await untilTrue(`after ${made}`);
    }
    const state = await untilTrue('all');
    // What is known is drawn a moment later.
    await until('all are counted', async () => (await textOf(page, 'Sales')).startsWith('231 sales'));
    await until('every row is a point', async () => {
      const {rows, drawn} = panelOf(await page.evaluate(() => window.__dash.state()), 'Over time');
      return rows.length > 0 && rows.every(([time, platform, sales]) => new Map(drawn[platform]).get(time) === sales);
    });
    const wanted = panelOf(state, 'Items').rows.map(([item, revenue]) => `${item} $${revenue.toFixed(2)}`).join();
    await until('the items', async () => (await shown(page, 'Items').locator('li').allInnerTexts())
      .map((text) => text.replace(/^\d*\s*/, '').replace(/\s+/g, ' ')).join() === wanted);
    assert.deepEqual(page.problems, []);
  });

  it('variables: a text of a query, a number of the options', async () => {
    await until('platforms', async () => (await page.locator('label:has-text("Platform") option').allInnerTexts()).join() === 'All,android,ios,pc');
    await page.selectOption('label:has-text("Platform") select', 'ios');
    await page.selectOption('label:has-text("Level") select', '2');
    await untilTrue('of ios', {platform: 'ios', level: 2});
    assert.equal(new URL(page.url()).search, '?platform=ios&level=2');
    await page.selectOption('label:has-text("Platform") select', '');
    await page.selectOption('label:has-text("Level") select', '');
    await untilTrue('of all');
  });

  it('a link opens another dashboard with the row\'s value', async () => {
    await shown(page, 'Items').locator('a', {hasText: 'item 3'}).click();
    const [[count]] = await sql('select count(*) from sales where item = :item', {item: 'item 3'});
    await until('its number', async () => (await textOf(page, 'Sold').catch(() => '')).startsWith(`${count}`));
    await page.goBack();
    await untilTrue('as before');
  });

  it('a button of a row sends a record, once for each click that is not taken back', async () => {
    const [[before]] = await sql('select count(*) from sales'), last = shown(page, 'Last sales');
    const item = await last.locator('tbody tr >> nth=0').locator('td >> nth=0').innerText();
    const again = last.locator('tbody tr', {hasText: item}).locator('button', {hasText: 'Again'}).first();
    await again.click();
    assert.deepEqual((await page.locator('dialog p').allInnerTexts()).slice(0, 2), [await again.evaluate((node) => node.closest('tr').firstChild.innerText), 'On which platform?']);
    await page.keyboard.press('Escape');
    await until('nothing is asked any more', async () => (await page.locator('dialog').count()) === 0);
    await again.click();
    await page.keyboard.type('web');
    await page.keyboard.press('Enter');
    await until('it is stored', async () => (await sql("select item, level, _key from sales where platform = 'web'")).length > 0);
    assert.deepEqual(await sql("select item, level, _key from sales where platform = 'web'"), [[item, 1, item]]);
    assert.deepEqual(await sql('select count(*) from sales'), [[before + 1]]);
    await until('it is said', async () => (await last.locator('.row-said', {hasText: '✓ Again'}).count()) > 0);
    await untilTrue('with it');
  });

  it('goes on after kill -9 of the server', async () => {
    await gameflow.kill();
    await untilState(page, 'disconnected', (s) => s.panels.every(({state}) => state === 'disconnected' || state === 'empty'));
    await shown(page, 'Last sales').locator('button', {hasText: 'Again'}).first().click();
    await page.keyboard.press('Enter');
    await until('it says that nothing was sent', async () => (await shown(page, 'Last sales').locator('.row-said', {hasText: 'Not sent: the server cannot be reached'}).count()) > 0);
    await gameflow.start();
    await sell(50);
    await untilTrue('with what came since');
    assert.deepEqual(page.problems.filter((problem) => !kOutage.test(problem)), []);
  });

  it('takes over a changed file', async () => {
    const before = await page.evaluate(() => window.__dash.state().version);
    writeFileSync(file('dashboards/shop.yaml'), kShop.replace('title: Sales', 'title: Sold'));
    await untilState(page, 'the new one', (s) => s.version !== before && panelOf(s, 'Sold')?.state === 'live');
    await untilTrue('it');
  });

  it('can be used by everybody', async () => {
    for (const [viewport, colorScheme] of [[{width: 1440, height: 900}, 'light'], [{width: 900, height: 1100}, 'dark'], [{width: 390, height: 844}, 'light']]) {
      const other = await openPage(browser, gameflow.url, '/dash/shop', {viewport, colorScheme, bypassCSP: true});
      await untilState(other, 'live', (s) => s.status === 'live');
      assert.deepEqual(await violations(other), []);
      await other.screenshot({path: `${kRoot}build/screenshots/dash-shop-${viewport.width}.png`, fullPage: true});
      assert.deepEqual(other.problems, []);
      await other.context().close();
    }
    // Its first row has no title: headings skip no level all the same.
    const untitled = await openPage(browser, gameflow.url, '/dash/item', {bypassCSP: true});
    await untilState(untitled, 'live', (s) => s.status === 'live');
    assert.deepEqual(await violations(untitled), []);
    assert.equal(await untitled.locator('.panel h3').first().getAttribute('aria-level'), '2');
    await untitled.context().close();
  });
});
