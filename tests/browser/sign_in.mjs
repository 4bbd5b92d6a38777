// Signing in, in Chromium, against the real program with --auth: from the page that was wanted, over a wrong token, back to it;
// and out again once the token is revoked.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {Gameflow, kRoot, launchBrowser, openPage, until, untilState, violations} from './harness.mjs';

const kBinary = process.env.GAMEFLOW_BIN;

describe('signing in', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 300_000}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gameflow-sign-in-'));
  const tokens = join(folder, 'tokens');
  const gameflow = new Gameflow(kBinary, join(folder, 'data'), `${kRoot}tests/dataflow/counting.yaml`, ['--auth', tokens]);
  let browser, page, token;

  before(async () => {
    token = execFileSync(kBinary, ['token', 'create', 'wall', '--role', 'read', '--auth', tokens], {encoding: 'utf8'}).trim();
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
  });
  after(async () => {
    await browser?.close();
    await gameflow.stop();
    rmSync(folder, {recursive: true, force: true});
  });

  const path = () => new URL(page.url()).pathname + new URL(page.url()).search + new URL(page.url()).hash;

  it('a page that is wanted asks for a token first, and then is there', async () => {
    page = await openPage(browser, gameflow.url, '/stat/page-echarts.html?topic=events#here', {bypassCSP: true});
    assert.equal(new URL(page.url()).pathname, '/sign-in');
    assert.deepEqual(await violations(page), []);
    await page.fill('#token', 'gf_wrong');
    await page.click('#sign-in');
    await until('the reason', async () => (await page.textContent('#message')).includes('not known here'));
    await page.fill('#token', token);
    await page.click('#sign-in');
    await until('the page that was wanted', async () => path() === '/stat/page-echarts.html?topic=events#here');
    await untilState(page, 'its WebSocket', (state) => state.status === 'empty');
    assert.deepEqual(page.problems.filter((problem) => !problem.includes('401')), []);
  });

  it('another site cannot be gone to from there', async () => {
    const other = await openPage(browser, gameflow.url, `/sign-in?to=${encodeURIComponent('//evil.example/')}`);
    await other.fill('#token', token);
    await other.click('#sign-in');
    await until('the overview', async () => new URL(other.url()).pathname === '/');
    assert.deepEqual(other.problems, []);
    // The token is not for scripts.
    assert.equal(await other.evaluate(() => document.cookie), '');
  });

  it('a page whose token is revoked asks again', async () => {
    await page.goto(`${gameflow.url}/`);
    await untilState(page, 'the overview', (state) => state.polls > 0);
    execFileSync(kBinary, ['token', 'revoke', 'wall', '--auth', tokens]);
    await until('the question', async () => path() === '/sign-in?to=');
  });
});
