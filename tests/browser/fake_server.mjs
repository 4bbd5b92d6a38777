// A stand-in for the server's HTTP and WebSocket API, for what the real one will not do on command:
// frames twice, gaps, lost history, a topic made anew, silence. Topics live in memory.

import {createServer} from 'node:http';
import {readFile} from 'node:fs/promises';
import {Readable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocketServer} from 'ws';
import {FakeQueries} from './fake_queries.mjs';

const kWeb = new URL('../../web/', import.meta.url);
const kTypes = {html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml'};
export const kPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'none'";

// Each is drawn before the next one comes.
async function* linesOf(text) {
  for (const line of text.toString().split(/(?<=\n)/)) {
    yield line;
    await sleep(20);
  }
}

export class FakeServer {
  topics = new Map();  // name -> {id, partitions: [{begin, records: [{timestamp, key, value}]}]}
  dataflow = null;
  states = [];         // as GET /states lists them
  windows = [];        // of every state
  connectors = [];     // as GET /connectors lists them
  sql = () => [];      // query -> rows
  dashboards = new Map();       // name -> as GET /dashboards/NAME gives it
  queries = new FakeQueries();  // of /ws/sql
  linewise = false;             // pages come a line at a time, as over a bad line
  #http;
  #sockets = new WebSocketServer({noServer: true});
  #subscriptions = new Set();  // {socket, name, next: [offset of each partition]}
  #ids = 0;

  async listen(port = 0) {
    this.#http = createServer((request, response) => this.#answer(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await new Promise((done) => this.#http.listen(port, '127.0.0.1', done));
    this.port = this.#http.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  // Ends all connections without a goodbye. Topics stay, for another listen(this.port).
  async stop() {
    for (const {socket} of this.#subscriptions) socket.terminate();
    this.#subscriptions.clear();
    this.queries.cut();
    this.#http.closeAllConnections();
    await new Promise((done) => this.#http.close(done));
  }

  // Also anew; then who followed the old one is cut off.
  create(name, partitions = 1) {
    this.cut(name);
    this.topics.set(name, {id: ++this.#ids, partitions: Array.from({length: partitions}, () => ({begin: 0, records: []}))});
  }

  append(name, value, {timestamp = Date.now(), key = null, partition = 0} = {}) {
    this.topics.get(name).partitions[partition].records.push({timestamp, key, value});
    this.#push();
  }

  // As retention does.
  drop(name, partition, count) {
    const at = this.topics.get(name).partitions[partition];
    at.records.splice(0, count);
    at.begin += count;
  }

  // Whatever text, to everyone who follows the topic.
  send(name, text) {
    for (const {socket, name: followed} of this.#subscriptions) if (followed === name) socket.send(text);
  }

  // Ends the WebSockets of a topic.
  cut(name) {
    for (const {socket, name: followed} of this.#subscriptions) if (followed === name) socket.terminate();
  }

  // Leaves the WebSockets of a topic open and never writes to them again.
  forget(name) {
    for (const subscription of this.#subscriptions) if (subscription.name === name) this.#subscriptions.delete(subscription);
  }

  // Leaves the WebSockets of a topic open, for what send() is told to write.
  stall(name) {
    for (const subscription of this.#subscriptions) if (subscription.name === name) subscription.stalled = true;
  }

  describe(name) {
    const topic = this.topics.get(name);
    const partitions = topic.partitions.map(({begin, records}, partition) =>
      ({partition, begin, end: begin + records.length, bytes: 100 * records.length}));
    const sum = (field) => partitions.reduce((total, p) => total + field(p), 0);
    return {name, id: topic.id, schema: null, records: sum((p) => p.end - p.begin), bytes: sum((p) => p.bytes), partitions};
  }

  frame(name, partition, offset) {
    const at = this.topics.get(name).partitions[partition];
    return JSON.stringify({partition, offset, ...at.records[offset - at.begin]});
  }

  async #answer(request, response) {
    const {pathname, searchParams} = new URL(request.url, this.url);
    const reply = (status, type, body) => {
      response.writeHead(status, {'Content-Type': type, 'Content-Security-Policy': kPolicy, 'X-Content-Type-Options': 'nosniff'});
      if (body instanceof Readable) body.pipe(response);
      else response.end(body);
    };
    const json = (value) => (value ? reply(200, 'application/json', JSON.stringify(value)) : reply(404, 'application/json', '{}'));
    const [, first, second, third] = pathname.split('/').map(decodeURIComponent);
    if (first === 'topics' && third === 'records') return reply(200, 'application/x-ndjson', this.#records(second, searchParams));
    if (first === 'topics' && second) return json(this.topics.has(second) && this.describe(second));
    if (first === 'topics') return json({now: Date.now(), topics: [...this.topics.keys()].map((name) => this.describe(name))});
    if (first === 'dashboards') {
      if (second) return json(this.dashboards.get(second));
      return json({dashboards: [...this.dashboards].map(([name, {title, description = '', order = 0}]) => ({name, title, description, order}))});
    }
    if (first === 'connectors') return json({now: Date.now(), connectors: this.connectors});
    if (first === 'dataflow') return json(this.dataflow);
    if (first === 'states') return json(second ? {rows: [], windows: this.windows} : {states: this.states});
    if (first === 'sql') {
      const query = (await request.toArray()).join('');
      try {
        return json({rows: this.sql(query)});
      } catch (error) {
        return reply(400, 'application/json', JSON.stringify({error: {code: 'sql_limit', message: error.message}}));
      }
    }
    const file = first === '' ? 'index.html' : first === 'dash' ? 'dash/index.html' : pathname.replace('/stat/', '');
    const path = file === 'echarts.min.js' ? `node_modules/echarts/dist/echarts.min.js` : file;
    let body;
    try {
      body = await readFile(new URL(path, kWeb));
    } catch {
      return reply(404, 'text/plain', 'not found');
    }
    if (this.linewise && file.endsWith('.html')) return reply(200, kTypes.html, Readable.from(linesOf(body)));
    reply(200, kTypes[file.split('.').at(-1)], body);
  }

  // The last record of a partition, which is all that is asked for.
  #records(name, parameters) {
    const partition = Number(parameters.get('partition')), {begin, records} = this.topics.get(name).partitions[partition];
    return records.length === 0 ? '' : `${this.frame(name, partition, begin + records.length - 1)}\n`;
  }

  #upgrade(request, socket, head) {
    const url = new URL(request.url, this.url);
    const name = decodeURIComponent(url.pathname.split('/')[2]);
    if (name === 'sql') return this.#sockets.handleUpgrade(request, socket, head, (ws) => this.queries.add(ws));
    if (!this.topics.has(name)) return socket.destroy();
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const next = [];
      for (const pair of url.searchParams.get('offsets').split(',')) {
        const [partition, offset] = pair.split(':').map(Number);
        next[partition] = offset;
      }
      const subscription = {socket: ws, name, next};
      this.#subscriptions.add(subscription);
      ws.on('close', () => this.#subscriptions.delete(subscription));
      this.#push();
    });
  }

  #push() {
    for (const {socket, name, next, stalled} of this.#subscriptions) {
      if (stalled) continue;
      this.topics.get(name)?.partitions.forEach(({begin, records}, partition) => {
        if (next[partition] < begin || next[partition] > begin + records.length) {
          next[partition] = begin;
          socket.send(JSON.stringify({event: 'reset', partition, begin}));
        }
        for (; next[partition] < begin + records.length; ++next[partition]) socket.send(this.frame(name, partition, next[partition]));
      });
    }
  }
}
