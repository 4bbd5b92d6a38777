// All queries of a page over one WebSocket, /ws/sql: each different question is followed once, whoever asks it.
//
// Reconnect  every subscription goes on from the version that it has; the server sends what it missed, or all rows. A lost connection
//            is tried again for ever, 0.5 s to 10 s, doubling, jittered; at once when the browser comes online or the page is seen.
// Silence    nothing is sent while nothing changes. After 10 s without a message a question is asked whose answer is known; without
//            an answer the connection is dead, whatever the browser says of it.
// Hidden     a page that nobody has seen for a minute lets its connection go.
// Memory     the rows of now of what is followed, nothing else.

import {socketUrl} from '../live.js';
import {applyMessage, kNoAnswer, parametersOf} from './answer.js';

const kRetryMin = 500, kRetryMax = 10_000;
const kQuiet = 10_000, kPulseTimeout = 5_000;
const kHiddenFor = 60_000;
const kRefusedAgain = 10_000;   // a subscription that was refused is tried again
const kPulse = {subscribe: 'pulse', sql: 'select 1', every: '1h'};

export class LiveQueries {
  #options;
  #feeds = new Map();      // question as text -> {id, question, key, answer, followers}
  #by_id = new Map();
  #ids = 0;
  #socket = null;
  #phase = 'connecting';   // connecting | open | waiting | asleep | closed
  #failures = 0;
  #was_open = false;
  #heard_at = 0;
  #pulse_at = 0;           // when it was asked for; 0: it was not
  #hidden_at = null;
  #timers = new Set();
  #retry_timer = null;
  #ticker;
  #counts = {messages: 0, changes: 0, resets: 0, connections: 0, invalid: 0};

  // options.onChange  () something is another than before: an answer, or the connection
  // options.url, options.WebSocket, options.isHidden: for tests
  constructor(options) {
    this.#options = {url: () => socketUrl('ws/sql'), WebSocket: globalThis.WebSocket, isHidden: () => document.hidden, ...options};
    this.#ticker = setInterval(() => this.#tick(), 1_000);
    this.#connect();
  }

  close() {
    this.#phase = 'closed';
    clearInterval(this.#ticker);
    clearTimeout(this.#retry_timer);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#dropSocket();
  }

  // Follows a question: {sql, params, every, key, guessed}. `guessed`: the key was not written by anybody, so the question is asked
  // without it where it does not tell rows apart. Returns {answer, close()}; answer is always the one of now.
  follow({sql, params = {}, every = 1_000, key = [], guessed = false}) {
    const names = parametersOf(sql), used = {};
    for (const name of names) if (name in params) used[name] = params[name];
    const question = {sql, params: used, every: `${every}ms`, ...(key.length > 0 ? {key} : {})};
    const text = JSON.stringify(question);
    let feed = this.#feeds.get(text);
    if (!feed) {
      feed = {id: `q${++this.#ids}`, text, question, key, guessed, answer: kNoAnswer, followers: 0};
      this.#feeds.set(text, feed);
      this.#by_id.set(feed.id, feed);
      if (this.#phase === 'open') this.#subscribe(feed);
    }
    feed.followers += 1;
    let open = true;
    return {
      get answer() { return feed.answer; },
      close: () => {
        if (open) this.#leave(feed);
        open = false;
      },
    };
  }

  // 'connecting' only before the first connection: later a page without one is disconnected.
  get phase() {
    if (this.#phase === 'open') return 'open';
    return this.#was_open || this.#failures > 0 ? 'disconnected' : 'connecting';
  }

  // ms since the server was last heard, null before.
  get age() {
    return this.#heard_at === 0 ? null : Date.now() - this.#heard_at;
  }

  // Ends a waiting time early, or a sleep.
  wake() {
    if (this.#options.isHidden()) {
      this.#hidden_at ??= Date.now();
      return;
    }
    this.#hidden_at = null;
    if (this.#phase === 'waiting' || this.#phase === 'asleep') this.#connect();
  }

  state() {
    const rows = [...this.#feeds.values()].reduce((sum, {answer}) => sum + (answer.rows?.length ?? 0), 0);
    return {phase: this.#phase, queries: this.#feeds.size, rows, ...this.#counts};
  }

  #leave(feed) {
    if ((feed.followers -= 1) > 0) return;
    this.#feeds.delete(feed.text);
    this.#by_id.delete(feed.id);
    if (this.#phase === 'open') this.#send({unsubscribe: feed.id});
  }

  #connect() {
    clearTimeout(this.#retry_timer);
    this.#dropSocket();
    this.#phase = 'connecting';
    const socket = new this.#options.WebSocket(typeof this.#options.url === 'function' ? this.#options.url() : this.#options.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#phase = 'open';
      this.#was_open = true;
      this.#heard_at = Date.now();
      this.#counts.connections += 1;
      for (const feed of this.#feeds.values()) this.#subscribe(feed);
      this.#options.onChange();
    };
    socket.onmessage = ({data}) => this.#take(data);
    socket.onclose = () => {
      if (socket === this.#socket) this.#retry();
    };
  }

  #retry() {
    this.#dropSocket();
    this.#phase = 'waiting';
    const delay = Math.min(kRetryMax, kRetryMin * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#retry_timer = setTimeout(() => this.#connect(), delay * (0.5 + Math.random() / 2));
    this.#options.onChange();
  }

  #dropSocket() {
    const socket = this.#socket;
    this.#socket = null;
    this.#pulse_at = 0;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Closed before it is open, a browser would call it an error.
    if (socket.readyState === 0) socket.onopen = () => socket.close();
    else socket.close();
  }

  #send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #subscribe(feed) {
    const {version} = feed.answer;
    this.#send({subscribe: feed.id, ...feed.question, ...(version ? {version} : {})});
  }

  #take(text) {
    this.#heard_at = Date.now();
    this.#pulse_at = 0;
    this.#failures = 0;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.#counts.invalid += 1;
      return;
    }
    if (message?.id === kPulse.subscribe) return;
    const feed = this.#by_id.get(message?.id);
    if (!feed) return;  // of one that was left meanwhile
    this.#counts.messages += 1;
    if (message.error && feed.guessed && feed.key.length > 0) return this.#withoutKey(feed);
    if (!message.rows && !message.error && !message.changed && !message.removed) {
      this.#counts.invalid += 1;
      return;
    }
    const answer = applyMessage(feed.answer, message, feed.key);
    if (answer === null) {
      this.#counts.resets += 1;
      feed.answer = {...feed.answer, version: null};
      this.#subscribe(feed);
      return;
    }
    if (message.changed) this.#counts.changes += 1;
    feed.answer = answer;
    // An error without a version is not of the query but of the subscription, which there is none of now.
    if (message.error && message.version === undefined) this.#again(feed);
    this.#options.onChange();
  }

  #withoutKey(feed) {
    feed.key = [];
    delete feed.question.key;
    feed.answer = {...feed.answer, version: null};
    this.#subscribe(feed);
  }

  #again(feed) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#by_id.get(feed.id) === feed && this.#phase === 'open') this.#subscribe(feed);
    }, kRefusedAgain);
    this.#timers.add(timer);
  }

  #tick() {
    const now = Date.now();
    if (this.#phase !== 'open') return;
    if (this.#options.isHidden()) {
      this.#hidden_at ??= now;
      if (now - this.#hidden_at < kHiddenFor) return;
      this.#phase = 'asleep';
      this.#dropSocket();
      this.#options.onChange();
      return;
    }
    if (this.#pulse_at > 0) {
      if (now - this.#pulse_at > kPulseTimeout) this.#retry();
    } else if (now - this.#heard_at > kQuiet) {
      this.#pulse_at = now;
      this.#send(kPulse);
    }
  }
}
