// The client against a server in memory that loses requests and answers on command.

import assert from 'node:assert/strict';
import {execFile, execFileSync} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {createServer} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {FileStore, GameflowClient, MemoryStore} from './gameflow.js';

// Fast, and the same for a seed.
const kQuick = {retryMin: 1, retryMax: 4, flushInterval: 1, timeout: 2_000};

function randomOf(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Remembers the next number of each producer, as gameflow does.
class ModelServer {
  stored = [];
  producers = new Map();
  requests = [];
  fault = () => 'none';

  take(url, body) {
    const {searchParams} = new URL(url);
    const producer = searchParams.get('producer'), first = Number(searchParams.get('sequence'));
    const next = this.producers.get(producer) ?? 0;
    if (first > next) return [409, {error: {code: 'sequence_gap', message: `${next} is next`}}];
    const errors = [];
    let accepted = 0, duplicates = 0;
    const lines = body.split('\n');
    lines.forEach((line, index) => {
      const event = JSON.parse(line);
      if (event.bad) errors.push({index, field: 'bad', code: 'wrong_type', message: 'bad'});
      else if (first + index < next) ++duplicates;
      else ++accepted, this.stored.push(event);
    });
    this.producers.set(producer, Math.max(next, first + lines.length));
    return [accepted + duplicates === 0 ? 400 : 200, {accepted, duplicates, rejected: errors.length, errors}];
  }

  fetch = async (url, {body, headers}) => {
    this.requests.push({url: String(url), body, headers});
    const fault = this.fault(body);
    await new Promise((done) => setImmediate(done));
    if (fault === 'lost') throw new TypeError('fetch failed');
    if (typeof fault === 'object') return new Response(fault.body ?? '', {status: fault.status, headers: fault.headers});
    const [status, answer] = this.take(url, body);
    if (fault === 'answer lost') throw new TypeError('fetch failed');
    const text = JSON.stringify(answer);
    return new Response(fault === 'half an answer' ? text.slice(0, 20) : text, {status});
  };
}

const client_of = (server, options = {}) => new GameflowClient({url: 'http://server', topic: 'events', fetch: (...of) => server.fetch(...of), ...kQuick, ...options});
const numbers = (server) => server.stored.map(({n}) => n);
const until = async (condition) => {
  while (!condition()) await new Promise((done) => setTimeout(done, 1));
};
const range = (count) => Array.from({length: count}, (_, i) => i);

describe('client', {timeout: 60_000}, () => {
  it('sends batches of text with numbers that go on', async () => {
    const server = new ModelServer();
    const client = client_of(server, {batchEvents: 3, keyField: 'user', token: 'x', headers: {'X-Game': 'y'}, flushInterval: 10_000});
    for (const n of range(7)) assert.ok(client.send({n}));
    assert.ok(await client.flush());
    assert.deepEqual(numbers(server), range(7));
    const urls = server.requests.map(({url}) => new URL(url));
    assert.deepEqual(urls.map(({pathname}) => pathname), Array(3).fill('/topics/events/records'));
    assert.deepEqual(urls.map(({searchParams}) => searchParams.get('sequence')), ['0', '3', '6']);
    assert.equal(urls[0].searchParams.get('key-field'), 'user');
    assert.deepEqual(server.requests[0].headers, {'Content-Type': 'text/plain', Authorization: 'Bearer x', 'X-Game': 'y'});
    assert.equal(await client.close(), 0);
    assert.equal(client.send({n: 8}), false);
    assert.equal(client.stats.sent, 7);
  });

  it('without a topic: POST /events, with ids and the time of sending', async () => {
    const server = new ModelServer();
    const client = client_of(server, {topic: null, url: 'http://server/games/', now: () => 12_345});
    client.send({event_name: 'a'});
    client.send({event_name: 'b', event_id: 'mine'});
    await client.flush();
    const url = new URL(server.requests[0].url);
    assert.equal(url.pathname, '/games/events');
    assert.equal(url.searchParams.get('sent_at'), '12345');
    assert.match(server.stored[0].event_id, /^[0-9a-f-]{32,36}$/);
    assert.equal(server.stored[1].event_id, 'mine');
    await client.close();
  });

  it('each once and in order, whatever is lost', async () => {
    for (const seed of range(25)) {
      const server = new ModelServer(), random = randomOf(seed), store = new MemoryStore();
      const faults = ['none', 'none', 'lost', 'answer lost', 'half an answer', {status: 503, headers: {'Retry-After': '0'}},
        {status: 502, body: '<html>'}, {status: 429}, {status: 404, body: '{"error":{"code":"topic_not_found","message":"no"}}'}];
      server.fault = () => faults[Math.floor(random() * faults.length)];
      const options = {batchEvents: 1 + Math.floor(random() * 20), store, random, queueEvents: 1e6};
      let client = client_of(server, options), n = 0;
      while (n < 300) {
        for (let i = Math.floor(random() * 30); i > 0; --i) client.send({n: n++});
        if (random() < 0.3) await client.flush({timeout: 3});
        if (random() < 0.2) {  // a restart, while something may be on its way
          await client.close({timeout: 0});
          client = client_of(server, options);
        }
      }
      server.fault = () => 'none';
      assert.ok(await client.flush(), `seed ${seed}`);
      assert.deepEqual(numbers(server), range(n), `seed ${seed}`);
      assert.equal(await client.close(), 0);
      assert.equal(store.load(), null, 'nothing is left in the store');
    }
  });

  it('a process that dies in a request goes on with the same numbers', async () => {
    const server = new ModelServer(), store = new MemoryStore();
    const first = client_of(server, {store, batchEvents: 5});
    let died;
    const dead = new Promise((done) => (died = done));
    server.fetch = ((real) => async (...request) => {
      await real(...request);  // it is stored,
      died();
      return new Promise(() => {});  // and nobody hears of it
    })(server.fetch);
    for (const n of range(8)) first.send({n});
    await dead;
    const text = store.load();  // all that is left of it
    assert.equal(JSON.parse(text).attempted, 5);
    const next = new MemoryStore();
    next.save(text);
    const second_server = Object.assign(new ModelServer(), {stored: server.stored, producers: server.producers});
    const second = client_of(second_server, {store: next, batchEvents: 5});
    assert.ok(await second.flush());
    assert.deepEqual(numbers(server), range(8));
    assert.equal(second.stats.duplicates, 5);
    await second.close();
  });

  it('a store that is older than its client was costs nothing', async () => {
    const server = new ModelServer(), store = new MemoryStore(), old = new MemoryStore();
    const first = client_of(server, {store, batchEvents: 5});
    for (const n of range(5)) first.send({n});
    await until(() => store.load() !== null);
    old.save(store.load());
    await first.flush();
    for (const n of range(5)) first.send({n: 5 + n});
    await first.close();  // of this the next client knows nothing
    for (let round = 0; round < 2; ++round) {
      const next = client_of(server, {store: old, batchEvents: 3});
      next.send({n: 10 + round});
      assert.ok(await next.flush());
      await next.close();
    }
    assert.deepEqual(numbers(server), range(12));
  });

  it('a full queue drops the oldest that were not sent, and says so', async () => {
    const server = new ModelServer(), dropped = [];
    server.fault = () => 'answer lost';
    const client = client_of(server, {batchEvents: 10, queueEvents: 30, flushInterval: 1, onDrop: (what) => dropped.push(what)});
    for (const n of range(10)) client.send({n});
    while (server.requests.length === 0) await new Promise((done) => setTimeout(done, 1));
    for (const n of range(40)) client.send({n: 10 + n});
    assert.equal(client.stats.waiting, 30);
    server.fault = () => 'none';
    assert.ok(await client.flush());
    assert.deepEqual(numbers(server), [...range(10), ...range(20).map((n) => n + 30)]);
    assert.equal(dropped.reduce((sum, {count}) => sum + count, 0), 20);
    assert.ok(dropped.every(({reason}) => reason === 'queue is full'));
    assert.equal(client.stats.dropped, 20);
    await client.close();
  });

  it('what is too large or no JSON is not taken', async () => {
    const server = new ModelServer(), dropped = [];
    const client = client_of(server, {eventBytes: 20, onDrop: ({reason}) => dropped.push(reason)});
    const ring = {};
    ring.ring = ring;
    assert.deepEqual([client.send({n: 'x'.repeat(20)}), client.send(ring), client.send(undefined), client.send({n: 1})], [false, false, false, true]);
    assert.deepEqual(dropped, ['too large', 'not JSON', 'not JSON']);
    await client.close();
    assert.deepEqual(numbers(server), [1]);
  });

  it('rejected events are told and not sent again', async () => {
    const server = new ModelServer(), rejected = [];
    const client = client_of(server, {batchEvents: 4, onReject: (errors) => rejected.push(...errors)});
    for (const event of [{n: 0}, {bad: 1}, {n: 2}, {bad: 3}]) client.send(event);
    await client.flush();
    client.send({bad: 4});
    await client.flush();
    assert.deepEqual(numbers(server), [0, 2]);
    assert.deepEqual(rejected.map(({event}) => JSON.parse(event).bad), [1, 3, 4]);
    assert.equal(client.stats.rejected, 3);
    await client.close();
  });

  it('a batch that is too large for the server is halved', async () => {
    const server = new ModelServer(), dropped = [];
    server.fault = (body) => (body.length > 40 ? {status: 413} : 'none');
    const client = client_of(server, {batchEvents: 8, onDrop: (what) => dropped.push(what)});
    for (const n of range(8)) client.send({n});
    client.send({n: 'x'.repeat(50)});
    for (const n of range(3)) client.send({n: 8 + n});
    assert.ok(await client.flush());
    assert.deepEqual(numbers(server), range(11));
    assert.deepEqual(dropped, [{reason: 'too large for the server', count: 1}]);
    await client.close();
  });

  it('a server that has forgotten the producer gets new numbers', async () => {
    const server = new ModelServer(), errors = [];
    const client = client_of(server, {onError: (reason) => errors.push(reason)});
    client.send({n: 0});
    await client.flush();
    const before = client.stats.producer;
    server.producers.clear();
    client.send({n: 1});
    await client.flush();
    assert.deepEqual(numbers(server), [0, 1]);
    assert.notEqual(client.stats.producer, before);
    assert.match(errors[0], /^409 sequence_gap: /);
    await client.close();
  });

  it('Retry-After is kept to, the pause grows and has an end', async () => {
    const server = new ModelServer();
    let now = 0, answers = 0;
    server.fault = () => (++answers <= 3 ? {status: 503, headers: {'Retry-After': '7'}} : 'none');
    const waits = [], real = globalThis.setTimeout;
    const client = client_of(server, {now: () => now, retryMin: 1_000, retryMax: 60_000, random: () => 0});
    globalThis.setTimeout = (work, ms, ...rest) => {
      if (ms > 2_000 || ms === 500) waits.push(ms);
      return real(() => {
        now += ms;
        work();
      }, ms > 100 && ms !== 2_000 ? 1 : ms, ...rest);
    };
    try {
      client.send({n: 0});
      while (client.stats.waiting > 0) await new Promise((done) => real(done, 1));
    } finally {
      globalThis.setTimeout = real;
    }
    assert.deepEqual(waits.filter((ms) => ms === 7_000).length, 3);
    await client.close();
  });
});

describe('a store in a file', () => {
  let folder;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'gameflow-client-'))));
  after(() => rm(folder, {recursive: true}));

  it('keeps what is waiting over restarts, and goes with it', async () => {
    const server = new ModelServer(), store = new FileStore(join(folder, 'events'));
    server.fault = () => 'lost';
    const first = client_of(server, {store});
    for (const n of range(3)) first.send({n});
    assert.equal(await first.close({timeout: 5}), 3);
    server.fault = () => 'none';
    const second = client_of(server, {store: new FileStore(join(folder, 'events'))});
    second.send({n: 3});
    assert.ok(await second.flush());
    assert.deepEqual(numbers(server), range(4));
    await second.close();
    assert.equal(await store.load(), null);
  });

  it('a store that cannot be read or written is told, and events are sent all the same', async () => {
    const server = new ModelServer(), errors = [];
    const client = client_of(server, {store: new FileStore(join(folder, 'no', 'such', 'folder')), onError: (reason) => errors.push(reason)});
    client.send({n: 0});
    assert.ok(await client.flush());
    await client.close();
    assert.deepEqual(numbers(server), [0]);
    assert.match(errors[0], /store cannot be written/);
    const broken = new MemoryStore();
    broken.save('{"format":7}');
    const other = client_of(server, {store: broken, onError: (reason) => errors.push(reason)});
    other.send({n: 1});
    assert.ok(await other.flush());
    assert.match(errors.at(-1), /cannot be read: its content is of another version/);
    await other.close();
  });
});

describe('a certificate that is not trusted', {timeout: 60_000}, () => {
  let folder, server, url;
  const model = new ModelServer();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gameflow-client-'));
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], {stdio: 'ignore'});
    server = createServer({key: await readFile(key), cert: await readFile(cert)}, async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      const [status, answer] = model.take(`https://server${request.url}`, body);
      response.writeHead(status).end(JSON.stringify(answer));
    });
    await new Promise((done) => server.listen(0, 'localhost', done));
    url = `https://localhost:${server.address().port}`;
  });
  after(async () => {
    server.close();
    await rm(folder, {recursive: true});
  });

  it('is told at once with what to do, and nothing is lost', async (context) => {
    const said = context.mock.method(console, 'error', () => {});
    const client = new GameflowClient({url, topic: 'events', ...kQuick});
    client.send({n: 1});
    await assert.rejects(client.flush({timeout: 60_000}), /not trusted: self-signed certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\). Start node with NODE_EXTRA_CA_CERTS=FILE/);
    assert.equal(await client.close(), 1);
    assert.equal(said.mock.callCount(), 1);
    assert.match(said.mock.calls[0].arguments[0], /^gameflow: the server's certificate is not trusted/);
  });

  it('is trusted where that was done', () => {
    const code = `const {GameflowClient} = await import('./gameflow.js');
      const client = new GameflowClient({url: process.argv[1], topic: 'events'});
      client.send({n: 2});
      process.exit(await client.flush() ? 0 : 1);`;
    return new Promise((done, failed) => {
      execFile(process.execPath, ['--input-type=module', '-e', code, url], {cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: {...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem')}}, (error) => error ? failed(error) : done());
    }).then(() => assert.deepEqual(model.stored, [{n: 2}]));
  });

  it('may be of another name, or out of date', async () => {
    for (const [code, advice] of [['ERR_TLS_CERT_ALTNAME_INVALID', /Take a url that has a name/], ['CERT_HAS_EXPIRED', /Renew it/]]) {
      const cause = Object.assign(new Error('no'), {code}), told = [];
      const fetch = () => Promise.reject(new TypeError('fetch failed', {cause}));
      const client = client_of(model, {fetch, onError: (reason) => told.push(reason)});
      client.send({n: 3});
      await assert.rejects(client.flush(), advice);
      await client.close({timeout: 0});
      assert.match(told[0], advice);
    }
  });
});
