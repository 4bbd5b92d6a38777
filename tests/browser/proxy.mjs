// The pages behind nginx, with the snippet of deploy/proxy: under another name, below a path, which nginx passes on or takes off.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {Gameflow, kRoot, launchBrowser, openPage, until, untilState} from './harness.mjs';

const kBinary = process.env.GAMEFLOW_BIN;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

class Nginx {
  #folder = mkdtempSync(join(tmpdir(), 'gameflow-nginx-'));
  #process;

  // `edit` changes the snippet as a person would.
  async start(port, gameflow, edit = (text) => text) {
    const snippet = edit(readFileSync(`${kRoot}deploy/proxy/nginx.conf`, 'utf8'))
      .replaceAll('127.0.0.1:3001', `127.0.0.1:${new URL(gameflow.url).port}`)
      .replace('listen 80;', `listen 127.0.0.1:${port};`)
      .replace('stats.example.com', 'stats.localhost');
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${this.#folder}/${name};`).join('\n');
    writeFileSync(join(this.#folder, 'nginx.conf'), `daemon off; error_log ${this.#folder}/error.log; pid ${this.#folder}/pid;
      events {}
      http { access_log off; ${paths}
      ${snippet}
      }`);
    this.#process = spawn('/usr/sbin/nginx', ['-p', this.#folder, '-c', 'nginx.conf', '-e', `${this.#folder}/error.log`], {stdio: 'inherit'});
    await until('nginx', async () => (await fetch(`http://127.0.0.1:${port}/gameflow/livez`, {headers: {Host: 'stats.localhost'}}).catch(() => null))?.ok);
  }

  async stop() {
    if (this.#process) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await exited;
    }
    rmSync(this.#folder, {recursive: true, force: true});
  }
}

describe('behind nginx', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 300_000}, () => {
  const data = mkdtempSync(join(tmpdir(), 'gameflow-browser-'));
  let browser, gameflow, port, origin;

  before(async () => {
    port = await freePort();
    origin = `http://stats.localhost:${port}`;
    gameflow = new Gameflow(kBinary, data, undefined, ['--public-url', `${origin}/gameflow`]);
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
    gameflow.generate(200);
  });

  after(async () => {
    await browser?.close();
    await gameflow?.stop();
    rmSync(data, {recursive: true, force: true});
  });

  for (const [what, edit] of [
    ['the path and the name are passed on', (text) => text],
    ['the path is taken off', (text) => text.replace('http://gameflow;', 'http://gameflow/;')],
    ['the name is that of the upstream, as nginx does by default', (text) => text.replace('proxy_set_header Host $host;', '').replace('http://gameflow;', 'http://127.0.0.1:3001;')],
  ]) {
    it(what, async () => {
      const nginx = new Nginx();
      try {
        await nginx.start(port, gameflow, edit);
        const pages = {};
        const topic = 'stat/page-echarts.html?topic=player-session-summaries';
        for (const path of ['', 'stat/table.html', topic, 'stat/page-echarts.html', 'studio', 'dash/players', 'dash'])
          pages[path] = await openPage(browser, origin, `/gameflow/${path}`);
        await untilState(pages[''], 'the overview is live', (s) => s.status === 'live', 60_000);
        await untilState(pages[topic], 'players over a WebSocket', (s) => s.status === 'live' && s.points > 0, 60_000);
        assert.equal(new URL(pages['stat/table.html'].url()).pathname, '/gameflow/dash/players');
        await pages['dash/players'].waitForSelector('.panel:not([data-state="loading"])');
        assert.equal(new URL(pages.dash.url()).pathname, '/gameflow/dash/');
        const produced = await pages[''].evaluate(async () => {
          const reply = await fetch('topics/player-positions/records', {method: 'POST', body: '{"x":1,"y":2}'});
          return {status: reply.status, body: await reply.json()};
        });
        assert.deepEqual([produced.status, produced.body.accepted], [200, 1]);
        // From page to page by links.
        await pages[''].click('nav a:has-text("Studio")');
        await pages[''].waitForURL(`${origin}/gameflow/studio`);
        await pages[''].click('.brand');
        await pages[''].waitForURL(`${origin}/gameflow/`);
        for (const [path, page] of Object.entries(pages)) {
          assert.deepEqual(page.problems.filter((problem) => path !== 'dash' || !/status of 404/.test(problem)), [], `/gameflow/${path}`);
          await page.context().close();
        }
      } finally {
        await nginx.stop();
      }
    });
  }
});
