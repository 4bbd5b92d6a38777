// clients/js against the real program through a proxy that cuts connections, and over kill -9 of server and client: in Node,
// and in Chromium, where pages leave with a beacon.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {createServer, request as forward} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {after, before, describe, it} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {FileStore, GameflowClient} from '../../clients/js/gameflow.js';
import {Gameflow, kRoot, launchBrowser, until} from './harness.mjs';

const kClient = `${kRoot}clients/js/gameflow.js`;
const kPage = '<!doctype html><title>a game</title><link rel="icon" href="data:,"><script type="module" src="/game/page.js"></script>';
const kScript = `import {GameflowClient} from '/game/gameflow.js';
const query = new URLSearchParams(location.search);
window.client = new GameflowClient({url: query.get('url') ?? location.origin, topic: query.get('topic'), token: query.has('url') ? 'x' : null, flushInterval: 600_000, retryMin: 10, retryMax: 50, name: 'game'});`;

// Forwards to `target`, and serves a page. `fault()` says what happens to a request: nothing ('none'), it is cut off before
// or after the server has seen it ('before', 'after'), or amid the answer ('amid'), or refused ('503').
class Proxy {
  fault = () => 'none';
  faults = 0;
  beacons = 0;
  #server = createServer((request, response) => this.#take(request, response));

  constructor(target) {
    this.target = target;
  }

  async listen() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #take(request, response) {
    const page = {'/game/': ['text/html', kPage], '/game/page.js': ['text/javascript', kScript]}[request.url.split('?')[0]];
    if (page) return response.writeHead(200, {'Content-Type': page[0]}).end(page[1]);
    if (request.url === '/game/gameflow.js') return response.writeHead(200, {'Content-Type': 'text/javascript'}).end(await readFile(kClient));
    if (request.headers['sec-fetch-mode'] === 'no-cors') ++this.beacons;
    const fault = this.fault();
    if (fault !== 'none') ++this.faults;
    if (fault === 'before') return request.socket.destroy();
    if (fault === '503') return response.writeHead(503, {'Retry-After': '0'}).end('{}');
    const {hostname, port} = new URL(this.target());
    const onward = forward({hostname, port, path: request.url, method: request.method, headers: request.headers}, async (answer) => {
      const body = Buffer.concat(await answer.toArray().catch(() => []));
      if (fault === 'after') return request.socket.destroy();
      response.writeHead(answer.statusCode, answer.headers);
      if (fault === 'amid') return response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
      response.end(body);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  }
}

describe('clients', {timeout: 300_000, skip: process.env.GAMEFLOW_BIN ? false : 'GAMEFLOW_BIN is not set'}, () => {
  let folder, gameflow, proxy, browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gameflow-clients-'));
    const dataflow = join(folder, 'dataflow.yaml');
    await writeFile(dataflow, 'apiVersion: 0.6.0\nmeta: { name: clients, version: 0.1.0, namespace: tests }\ntopics: { t: {} }\n');
    proxy = await new Proxy(() => gameflow.url).listen();
    process.env.GAMEFLOW_ALLOW_ORIGIN = proxy.url;  // of the server, whenever it starts
    gameflow = new Gameflow(process.env.GAMEFLOW_BIN, join(folder, 'data'), dataflow);
    await gameflow.start();
    browser = await launchBrowser();
  });
  after(async () => {
    delete process.env.GAMEFLOW_ALLOW_ORIGIN;
    await browser?.close();
    await proxy?.stop();
    await gameflow?.stop();
    await rm(folder, {recursive: true, force: true});
  });

  async function numbers(topic) {
    const {partitions: [{end}]} = await gameflow.json(`/topics/${topic}`);
    const all = [];
    while (all.length < end) {
      const text = await (await fetch(`${gameflow.url}/topics/${topic}/records?offset=${all.length}&limit=10000`)).text();
      all.push(...text.trim().split('\n').map((line) => JSON.parse(line).value.n));
    }
    return all;
  }

  it('each event once and in order, while connections are cut and the server is killed', async () => {
    await gameflow.createTopic('cut');
    const kinds = ['none', 'before', 'after', 'amid', '503'];
    proxy.fault = () => kinds[Math.floor(Math.random() * kinds.length)];
    const client = new GameflowClient({url: proxy.url, topic: 'cut', store: new FileStore(join(folder, 'cut')), retryMin: 1, retryMax: 20, flushInterval: 5, batchEvents: 50,
      queueEvents: 1e6});
    let n = 0, kills = 0;
    for (const end = Date.now() + 6_000; Date.now() < end || kills < 5;) {
      for (let i = 0; i < 40; ++i) client.send({n: n++});
      await sleep(20);
      if (Math.random() > 0.05 && Date.now() < end) continue;
      await gameflow.kill();
      await sleep(50);
      await gameflow.start();
      ++kills;
    }
    proxy.fault = () => 'none';
    assert.ok(await client.flush({timeout: 120_000}), JSON.stringify(client.stats));
    assert.deepEqual(await numbers('cut'), Array.from({length: n}, (_, i) => i));
    const {sent, duplicates, retries} = client.stats;
    console.log(`${n} events, ${kills} kills, ${proxy.faults} faults, ${retries} retries, ${duplicates} duplicates left out`);
    assert.equal(sent, n);
    assert.equal(await client.close(), 0);
  });

  it('a process of Node that is killed leaves its events to the next one', async () => {
    await gameflow.createTopic('killed');
    proxy.fault = () => (Math.random() < 0.3 ? 'after' : 'none');
    const script = `import {FileStore, GameflowClient} from ${JSON.stringify(`file://${kClient}`)};
      const [url, path, first] = process.argv.slice(1);
      const client = new GameflowClient({url, topic: 'killed', store: new FileStore(path), retryMin: 1, retryMax: 20, flushInterval: 5, batchEvents: 20});
      for (let n = Number(first);;) {
        for (let i = 0; i < 100; ++i) client.send({n: n++});
        if (await client.flush({timeout: 60_000})) console.log(n);
      }`;
    const stored = [];  // ranges that were said to be
    for (let round = 0; round < 5; ++round) {
      const first = round * 1_000_000;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, proxy.url, join(folder, 'killed'), String(first)], {stdio: ['ignore', 'pipe', 'inherit']});
      let end = first, lines = 0;
      for await (const line of createInterface(child.stdout)) {
        end = Number(line);
        if (++lines === 3) break;
      }
      await sleep(Math.random() * 50);
      child.kill('SIGKILL');
      await once(child, 'exit');
      stored.push([first, end]);
    }
    proxy.fault = () => 'none';
    const last = new GameflowClient({url: proxy.url, topic: 'killed', store: new FileStore(join(folder, 'killed'))});
    assert.ok(await last.flush({timeout: 60_000}));
    assert.equal(await last.close(), 0);
    const all = await numbers('killed'), once_each = new Set(all);
    assert.equal(once_each.size, all.length, 'none twice');
    for (const [first, end] of stored) for (let n = first; n < end; ++n) assert.ok(once_each.has(n), `${n} is missing`);
  });

  it('Chromium: a page that is left sends a beacon, and another one what did not arrive, each once', async () => {
    await gameflow.createTopic('page');
    const context = await browser.newContext();
    const open = async () => {
      const page = await context.newPage();
      await page.goto(`${proxy.url}/game/?topic=page`);
      await page.waitForFunction(() => window.client);
      return page;
    };
    // What is queued goes with a beacon, and stays in the store: nobody heard of the outcome.
    let page = await open();
    await page.evaluate(() => [0, 1, 2].forEach((n) => client.send({n})));
    await page.close({runBeforeUnload: true});
    await until('the beacon arrived', async () => (await numbers('page')).length === 3);
    assert.equal(proxy.beacons, 1);
    // The next page finds it, and the server leaves it out.
    page = await open();
    await until('nothing is left', async () => (await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('game:')).length)) <= 1);
    assert.deepEqual(await numbers('page'), [0, 1, 2]);
    // Without a network all of it stays, over pages, and comes later.
    proxy.fault = () => 'before';
    await page.evaluate(() => [3, 4].forEach((n) => client.send({n})));
    await page.goto(`${proxy.url}/game/?topic=page`);
    await page.waitForFunction(() => window.client);
    await page.evaluate(() => client.send({n: 5}));
    const other = await open();  // at the same time, with numbers of its own
    await other.evaluate(() => client.send({n: 6}));
    proxy.fault = () => 'none';
    await Promise.all([page, other].map((one) => one.evaluate(() => client.flush({timeout: 60_000}))));
    await until('all of it', async () => (await numbers('page')).length >= 7);
    assert.deepEqual((await numbers('page')).sort(), [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(await page.evaluate(() => client.close()), 0);
    await until('the stores are empty', async () => (await other.evaluate(async () => {
      await client.close();
      return Object.keys(localStorage).length;
    })) === 0);
    await context.close();
    assert.deepEqual((await numbers('page')).sort(), [0, 1, 2, 3, 4, 5, 6]);
  });

  it('Chromium: a page of another site that is allowed', async () => {
    await gameflow.createTopic('elsewhere');
    const context = await browser.newContext();
    for (const [origin, arrives] of [[proxy.url, true], [proxy.url.replace('127.0.0.1', 'localhost'), false]]) {
      const page = await context.newPage();
      await page.goto(`${origin}/game/?topic=elsewhere&url=${encodeURIComponent(gameflow.url)}`);
      await page.waitForFunction(() => window.client);
      await page.evaluate(() => client.send({n: 0}));
      assert.equal(await page.evaluate((timeout) => client.flush({timeout}), arrives ? 60_000 : 500), arrives);
      if (arrives) await page.evaluate(() => client.send({n: 1}));
      await page.close({runBeforeUnload: true});
      // With a token it is no beacon, but a request that outlives the page.
      await until('what it left with, too', async () => (await numbers('elsewhere')).length === 2);
    }
    await context.close();
    assert.deepEqual(await numbers('elsewhere'), [0, 1]);
  });
});
