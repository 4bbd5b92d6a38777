// web/dash/queries.js with a connection that does what it is told, and a clock that is set.

import assert from 'node:assert/strict';
import {afterEach, beforeEach, describe, it} from 'node:test';
import {LiveQueries} from '../../web/dash/queries.js';

class FakeSocket {
  static all = [];
  readyState = 0;
  sent = [];
  constructor() {
    FakeSocket.all.push(this);
  }
  static get last() { return FakeSocket.all.at(-1); }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  say(message) { this.onmessage?.({data: typeof message === 'string' ? message : JSON.stringify(message)}); }
  close() { this.readyState = 3; }
  lose() {
    this.readyState = 3;
    this.onclose?.();
  }
}

// Timers and Date.now() of the whole process: between install() and remove() nothing else may wait.
class FakeClock {
  #real = {setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now};
  #timers = new Map();
  #ids = 0;
  #now = 1_000_000;

  install() {
    const add = (again) => (run, ms = 0) => {
      this.#timers.set(++this.#ids, {run, at: this.#now + ms, every: again ? ms : null});
      return this.#ids;
    };
    globalThis.setTimeout = add(false);
    globalThis.setInterval = add(true);
    globalThis.clearTimeout = globalThis.clearInterval = (id) => this.#timers.delete(id);
    Date.now = () => this.#now;
  }

  remove() {
    const {now, ...timers} = this.#real;
    Object.assign(globalThis, timers);
    Date.now = now;
  }

  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [id, timer] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!timer || timer.at > end) break;
      this.#now = timer.at;
      if (timer.every === null) this.#timers.delete(id);
      else timer.at += timer.every;
      timer.run();
    }
    this.#now = end;
  }
}

describe('dashboards, live queries', () => {
  let queries, clock, changes, hidden;

  beforeEach(() => {
    clock = new FakeClock();
    clock.install();
    FakeSocket.all = [];
    changes = 0;
    hidden = false;
    queries = new LiveQueries({url: 'ws://x/ws/sql', WebSocket: FakeSocket, isHidden: () => hidden, onChange: () => (changes += 1)});
  });
  afterEach(() => {
    queries.close();
    clock.remove();
  });

  const rows = (id, version, list) => ({id, version, at: 1, columns: ['k', 'n'], rows: list});
  const pass = (ms) => clock.pass(ms);

  it('follows an equal question once, with the parameters that it has', () => {
    const one = queries.follow({sql: 'select :a', params: {a: 1, b: 2}, every: 2_000});
    const two = queries.follow({sql: 'select :a', params: {a: 1, c: 3}, every: 2_000});
    queries.follow({sql: 'select :a', params: {a: 2}});
    assert.equal(queries.phase, 'connecting');
    FakeSocket.last.open();
    assert.deepEqual(FakeSocket.last.sent, [{subscribe: 'q1', sql: 'select :a', params: {a: 1}, every: '2000ms'}, {subscribe: 'q2', sql: 'select :a', params: {a: 2}, every: '1000ms'}]);
    FakeSocket.last.say(rows('q1', 'v1', [['x', 1]]));
    assert.deepEqual([one.answer.rows, two.answer.rows], [[['x', 1]], [['x', 1]]]);
    one.close();
    one.close();
    assert.equal(FakeSocket.last.sent.length, 2, 'somebody still follows it');
    two.close();
    assert.deepEqual(FakeSocket.last.sent.at(-1), {unsubscribe: 'q1'});
    FakeSocket.last.say(rows('q1', 'v2', [['x', 2]]));
    assert.deepEqual(two.answer.rows, [['x', 1]], 'what comes too late changes nothing');
  });

  it('goes on from its version after a lost connection, later and later', () => {
    const one = queries.follow({sql: 'q', key: ['k']});
    FakeSocket.last.open();
    FakeSocket.last.say(rows('q1', 'v1', [['x', 1]]));
    FakeSocket.last.lose();
    assert.equal(queries.phase, 'disconnected');
    assert.deepEqual(one.answer.rows, [['x', 1]], 'what is known stays known');
    pass(600);
    assert.equal(FakeSocket.all.length, 2);
    FakeSocket.last.lose();
    pass(400);
    assert.equal(FakeSocket.all.length, 2, 'not so soon');
    pass(10_000);
    FakeSocket.last.open();
    assert.deepEqual(FakeSocket.last.sent, [{subscribe: 'q1', sql: 'q', params: {}, every: '1000ms', key: ['k'], version: 'v1'}]);
    FakeSocket.last.say({id: 'q1', version: 'v2', after: 'v1', at: 2, removed: [], changed: [[1, ['y', 5]]]});
    assert.deepEqual(one.answer.rows, [['x', 1], ['y', 5]]);
  });

  it('asks for all rows where a change does not follow', () => {
    const one = queries.follow({sql: 'q', key: ['k']});
    FakeSocket.last.open();
    FakeSocket.last.say(rows('q1', 'v1', [['x', 1]]));
    FakeSocket.last.say({id: 'q1', version: 'v9', after: 'v8', at: 2, removed: [['x']], changed: []});
    assert.deepEqual(one.answer.rows, [['x', 1]]);
    assert.deepEqual(FakeSocket.last.sent.at(-1), {subscribe: 'q1', sql: 'q', params: {}, every: '1000ms', key: ['k']});
    assert.equal(queries.state().resets, 1);
  });

  it('a connection that is silent is asked, and given up', () => {
    queries.follow({sql: 'q'});
    FakeSocket.last.open();
    FakeSocket.last.say(rows('q1', 'v1', []));
    pass(12_000);
    assert.deepEqual(FakeSocket.last.sent.at(-1), {subscribe: 'pulse', sql: 'select 1', every: '1h'});
    FakeSocket.last.say(rows('pulse', 'p1', [[1]]));
    pass(8_000);
    assert.equal(queries.phase, 'open', 'it answered');
    pass(10_000);
    assert.equal(FakeSocket.all.length, 2, 'it did not');
  });

  it('a page that nobody sees lets its connection go, and has it back at once', () => {
    queries.follow({sql: 'q'});
    FakeSocket.last.open();
    FakeSocket.last.say(rows('q1', 'v1', [['x', 1]]));
    hidden = true;
    queries.wake();
    pass(50_000);
    assert.equal(queries.phase, 'open');
    pass(15_000);
    assert.equal(queries.state().phase, 'asleep');
    pass(600_000);
    assert.equal(FakeSocket.all.length, 1);
    hidden = false;
    queries.wake();
    FakeSocket.last.open();
    assert.equal(FakeSocket.last.sent[0].version, 'v1');
  });

  it('a key that was guessed is given up where it tells no rows apart; one that was written is an error', () => {
    const guessed = queries.follow({sql: 'a', key: ['k'], guessed: true}), written = queries.follow({sql: 'b', key: ['k']});
    FakeSocket.last.open();
    const error = {code: 'invalid_argument', message: 'two rows have the key k = 1'};
    FakeSocket.last.say({id: 'q1', version: 'v1', at: 1, error});
    FakeSocket.last.say({id: 'q2', version: 'v1', at: 1, error});
    assert.equal(guessed.answer.error, null);
    assert.deepEqual(FakeSocket.last.sent.at(-1), {subscribe: 'q1', sql: 'a', params: {}, every: '1000ms'});
    assert.deepEqual(written.answer.error, error);
    FakeSocket.last.say({id: 'q1', version: 'v2', at: 1, error: {code: 'sql_invalid', message: 'no such table'}});
    assert.equal(guessed.answer.error.code, 'sql_invalid', 'it was not the key');
  });

  it('a subscription that was refused is tried again; what cannot be read is counted', () => {
    const one = queries.follow({sql: 'q'});
    FakeSocket.last.open();
    FakeSocket.last.say({id: 'q1', error: {code: 'unavailable', message: '256 queries are followed'}});
    assert.equal(one.answer.error.code, 'unavailable');
    pass(11_000);
    assert.equal(FakeSocket.last.sent.filter(({subscribe}) => subscribe === 'q1').length, 2);
    for (const text of ['{', 'null', '{"id":"q1"}', '[]']) FakeSocket.last.say(text);
    assert.equal(queries.state().invalid, 2);
    FakeSocket.last.say(rows('q1', 'v1', []));
    assert.equal(one.answer.error, null);
  });
});
