// Buttons of the flagship's dashboards (GAMEFLOW_BIN): what is clicked arrives in its topic, and the panel shows what has become of it.

import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {shown, textOf} from './dash_panels.mjs';
import {Gameflow, launchBrowser, openPage, until} from './harness.mjs';

const kBinary = process.env.GAMEFLOW_BIN;
const kSecond = 1_000;

describe('buttons of the flagship', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 300_000}, () => {
  const data = mkdtempSync(join(tmpdir(), 'gameflow-buttons-')), gameflow = new Gameflow(kBinary, data), now = Date.now();
  const iso = (ms) => new Date(ms).toISOString();
  let browser, page;

  before(async () => {
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
    // Of three servers of a region one is slow for two minutes.
    await gameflow.produce('server-metrics', Array.from({length: 24}, (_, i) => ['server_1', 'server_2', 'server_3'].map((server_id) => ({
      event_name: 'server_metric', event_timestamp: iso(now - (150 - 5 * i) * kSecond), server_data: {region: 'us-west', server_type: 'dedicated'},
      parameters: {server_id, cpu_load: 20, memory_usage: 30, latency: server_id === 'server_1' ? 400 : 40},
    }))).flat());
    // An account buys much within a minute, and all of it is cheap: two rules.
    await gameflow.produce('purchase-events', Array.from({length: 12}, (_, i) => ({
      event_name: 'transaction', event_timestamp: iso(now - (60 - i) * kSecond), user_data: {user_id: 'mallory', platform: 'PC'},
      parameters: {transaction_id: `t${i}`, transaction_type: 'purchase', currency: 'USD', amount: 0.99, item_id: 'potion_health', item_type: 'consumable'},
    })));
  });

  after(async () => {
    await browser?.close();
    await gameflow.stop();
    rmSync(data, {recursive: true, force: true});
  });

  async function all(topic) {
    const {partitions} = await gameflow.json(`/topics/${topic}`);
    return (await Promise.all(partitions.map(({partition}) => gameflow.records(topic, {partition, offset: 0, limit: 100})))).flat();
  }

  // Clicks the button of the row that begins so, and answers.
  async function click(panel, label, row, answer) {
    await shown(page, panel).getByRole('button', {name: `${label}: ${row}`}).first().click();
    await page.locator('dialog input').fill(answer);
    await page.keyboard.press('Enter');
    await until('it was sent', async () => (await page.locator('dialog').count()) === 0);
  }

  it('an alert is acknowledged, and silenced', async () => {
    page = await openPage(browser, gameflow.url, '/dash/servers');
    const row = 'server server_1: latency_p95';
    await until('the alert', async () => (await textOf(page, 'What is wrong').catch(() => '')).includes(row), 60_000);
    assert.doesNotMatch(await textOf(page, 'What is wrong'), /acknowledged by|silenced by/);
    await click('What is wrong', 'Acknowledge', row, 'ann');
    await until('who looks after it', async () => (await textOf(page, 'What is wrong')).includes('acknowledged by ann'), 30_000);
    await click('What is wrong', 'Silence for 1 h', row, 'bob');
    await until('who silenced it', async () => (await textOf(page, 'What is wrong')).includes('silenced by bob'), 30_000);
    const sent = (await all('alert-actions')).map(({key, value: {event_name, parameters}}) => [key, event_name, parameters]);
    const of = {target: 'server server_1', metric: 'latency_p95'};
    assert.deepEqual(sent, [['server server_1', 'alert_action', {action: 'acknowledge', ...of, by: 'ann'}],
      ['server server_1', 'alert_action', {action: 'silence', minutes: 60, ...of, by: 'bob'}]]);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });

  it('a case is confirmed, another one dismissed', async () => {
    page = await openPage(browser, gameflow.url, '/dash/fraud');
    const open = () => shown(page, 'To be looked at').locator('tbody tr:visible').allInnerTexts();
    const has = (rows, rule) => rows.some((text) => text.includes('account mallory') && text.includes(rule));
    await until('both cases', async () => has(await open(), 'burst-account') && has(await open(), 'card-testing'), 60_000);
    const buttons = async (label, rule) => {
      const row = shown(page, 'To be looked at').locator('tbody tr', {hasText: rule});
      await row.getByRole('button', {name: label}).click();
      await page.locator('dialog input').fill('ann');
      await page.keyboard.press('Enter');
      await until(`${rule} is decided`, async () => !has(await open(), rule), 30_000);
    };
    await buttons('Confirm', 'burst-account');
    await buttons('Dismiss', 'card-testing');
    const sent = (await all('fraud-feedback')).map(({value: {parameters}}) => parameters);
    assert.deepEqual(sent.sort((a, b) => (a.verdict < b.verdict ? -1 : 1)), [
      {case: 'burst-account account mallory', verdict: 'confirm', by: 'ann'}, {case: 'card-testing account mallory', verdict: 'dismiss', by: 'ann'}]);
    const decided = () => shown(page, 'Decided').locator('tbody tr').allInnerTexts();
    await until('it is said below', async () => {
      const rows = await decided();
      return rows.some((text) => /burst-account\s+confirmed\s+ann/.test(text)) && rows.some((text) => /card-testing\s+dismissed\s+ann/.test(text));
    }, 30_000);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
});
