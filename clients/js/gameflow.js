// Sends the events of a game to gameflow: queued, in batches, each stored once, also across lost connections, restarts
// and times without a network. For browsers and Node 18 or later; no dependencies. Types: gameflow.d.ts.
//
// Each event gets a number when it is first sent, and keeps it: a batch whose outcome is unknown is sent again with its
// numbers, and the server leaves out what it has. What is waiting lies in a store, before it is sent, so that another
// process goes on with it.

const kRetryMin = 1_000, kRetryMax = 60_000;  // ms between two attempts
const kTimeout = 30_000;                      // ms that an answer may take
const kSaveDelay = 200;                       // ms that a new event may be in memory alone
const kBeaconBytesMax = 60_000;               // browsers allow 64 KiB
const kFormat = 1;

const kEncoder = new TextEncoder();
const bytesOf = (text) => kEncoder.encode(text).length;
const newId = () => globalThis.crypto?.randomUUID?.() ??
  Array.from({length: 4}, () => Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0')).join('-');

// A store holds one text: load() gives it or null, save(text) replaces it, remove() forgets it. All may be async.

export class MemoryStore {
  #text = null;
  load() {
    return this.#text;
  }
  save(text) {
    this.#text = text;
  }
  remove() {
    this.#text = null;
  }
}

export class LocalStore {
  #key;
  constructor(key) {
    this.#key = key;
  }
  load() {
    return localStorage.getItem(this.#key);
  }
  save(text) {
    localStorage.setItem(this.#key, text);
  }
  remove() {
    localStorage.removeItem(this.#key);
  }
}

// For Node. A file of one process: two would take each other's numbers.
export class FileStore {
  #path;
  #last = Promise.resolve();
  constructor(path) {
    this.#path = path;
  }
  async load() {
    const {readFile} = await import('node:fs/promises');
    return readFile(this.#path, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  }
  save(text) {
    return this.#next(async ({open, rename}) => {
      const file = await open(`${this.#path}.new`, 'w');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${this.#path}.new`, this.#path);
    });
  }
  remove() {
    return this.#next(({rm}) => rm(this.#path, {force: true}));
  }
  // One after the other.
  #next(work) {
    const done = this.#last.catch(() => {}).then(async () => work(await import('node:fs/promises')));
    this.#last = done;
    return done;
  }
}

export class GameflowClient {
  #url;
  #options;
  #store;
  #producer;
  #base = 0;       // the number of the first event of the queue
  #attempted = 0;  // so many at its front have been sent at least once: they keep their numbers
  #left = 0;       // so many at its front are what an earlier client left, with its producer id and numbers
  #queue = [];     // events as JSON
  #queueBytes = 0;
  #batchEventsMax;
  #failures = 0;
  #notBefore = 0;  // by the clock of `now`
  #counts = {sent: 0, duplicates: 0, rejected: 0, dropped: 0, retries: 0};
  #ready;
  #running = null;    // the loop that sends, a promise
  #wake = null;       // ends its wait
  #saveTimer = null;
  #flushTimer = null;
  #closed = false;
  #lastError = null;
  #untrusted = null;  // why the server's certificate was refused, until it answers
  #lastBeacon = null;
  #listeners = [];
  #stop = new AbortController();  // of the request that runs, once the client is closed
  #release = () => {};            // of the lock of its store
  #adopted = new Set();           // clients that send what earlier pages left

  constructor(options) {
    this.#options = {
      topic: null, keyField: null, batchEvents: 500, batchBytes: 256 * 1024, eventBytes: 64 * 1024, queueEvents: 10_000,
      queueBytes: 4 * 1024 * 1024, flushInterval: 5_000, retryMin: kRetryMin, retryMax: kRetryMax, timeout: kTimeout,
      name: 'gameflow', token: null, headers: {}, fetch: (...of) => globalThis.fetch(...of), now: () => Date.now(), random: () => Math.random(),
      beacon: (...of) => globalThis.navigator?.sendBeacon?.(...of) ?? false, onDrop: () => {}, onReject: () => {}, onError: null,
      ...options,
    };
    const {url, topic, keyField} = this.#options;
    this.#url = new URL(topic === null ? 'events' : `topics/${encodeURIComponent(topic)}/records`, `${url.replace(/\/*$/, '')}/`);
    if (topic !== null && keyField !== null) this.#url.searchParams.set('key-field', keyField);
    this.#batchEventsMax = this.#options.batchEvents;
    this.#producer = `${this.#options.name}-${newId()}`;
    this.#ready = this.#open();
    this.#listen();
  }

  // Queues an event. False where it is not taken: it is larger than `eventBytes`, no JSON, or the client is closed.
  send(event) {
    const text = this.#textOf(event);
    if (text === undefined || this.#closed) return this.#drop(text === undefined ? 'not JSON' : 'closed', 1), false;
    const bytes = bytesOf(text);
    if (bytes > this.#options.eventBytes) return this.#drop('too large', 1), false;
    this.#queue.push(text);
    this.#queueBytes += bytes;
    this.#makeRoom();
    this.#saveSoon();
    if (this.#queue.length >= this.#batchEventsMax) this.#start();
    else this.#flushTimer ??= setTimeout(() => this.#start(), this.#options.flushInterval);
    return true;
  }

  // Sends what is waiting now. True once all of it is stored; false after `timeout` ms, it goes on. Throws where the
  // server's certificate is not trusted, which waiting does not mend; all stays in the queue.
  async flush({timeout = 10_000} = {}) {
    await this.#ready;
    for (const end = this.#options.now() + timeout; this.#queue.length > 0;) {
      this.#start();
      await Promise.race([this.#running, new Promise((done) => setTimeout(done, 20))]);
      if (this.#untrusted !== null) throw new Error(this.#untrusted);
      if (this.#options.now() >= end) break;
    }
    return this.#queue.length === 0;
  }

  // Sends what is waiting, for at most `timeout` ms, and stops. What is left is in the store, for the next client that
  // has it; how many these are is returned.
  async close({timeout = 5_000} = {}) {
    const flushed = (client) => client.flush({timeout}).catch(() => false);  // what is wrong was told
    await Promise.all([this, ...this.#adopted].map(flushed));
    this.#closed = true;
    this.#wake?.();
    this.#stop.abort(new Error('the client was closed'));
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#saveTimer);
    for (const [target, name, listener] of this.#listeners) target.removeEventListener(name, listener);
    await this.#running;
    await this.#save();
    await Promise.all([...this.#adopted].map((client) => client.close({timeout: 0})));
    this.#release();
    return this.#queue.length;
  }

  // What happened so far, and what waits.
  get stats() {
    return {...this.#counts, waiting: this.#queue.length, waitingBytes: this.#queueBytes, lastError: this.#lastError, producer: this.#producer};
  }

  #textOf(event) {
    try {
      const has_id = this.#options.topic !== null || typeof event !== 'object' || event === null || 'event_id' in event;
      return JSON.stringify(has_id ? event : {event_id: newId(), ...event});
    } catch {
      return undefined;
    }
  }

  // --- the queue and its store -------------------------------------------------------------------

  // The oldest go first, but not those that may be stored already: the numbers of others would be wrong.
  #makeRoom() {
    const {queueEvents, queueBytes} = this.#options;
    let count = 0, bytes = 0;
    while (this.#queue.length - count > queueEvents || this.#queueBytes - bytes > queueBytes) {
      if (this.#attempted + count >= this.#queue.length) break;
      bytes += bytesOf(this.#queue[this.#attempted + count]);
      ++count;
    }
    if (count === 0) return;
    this.#queue.splice(this.#attempted, count);
    if (this.#left > 0) this.#passLeft(Math.min(count, this.#left - this.#attempted));
    this.#queueBytes -= bytes;
    this.#drop('queue is full', count);
  }

  #drop(reason, count) {
    this.#counts.dropped += count;
    this.#tell('onDrop', {reason, count});
  }

  #tell(name, what) {
    try {
      this.#options[name](what);
    } catch (error) {
      console.error(error);  // of the game's own function
    }
  }

  async #open() {
    try {
      this.#store = this.#options.store ?? await this.#ownLocalStore();
      const text = await this.#store.load();
      if (text !== null && text !== undefined) this.#take(JSON.parse(text));
    } catch (error) {
      this.#fail(`the store cannot be read: ${error.message}`);
    }
    this.#store ??= new MemoryStore();
    if (this.#queue.length > 0) this.#start();
  }

  // What an earlier client left goes first, with its numbers. What comes behind gets new ones: if the store is older than
  // that client was, as it may be after a power failure, its next numbers are taken.
  #take({format, producer, base, attempted, left, events}) {
    if (format !== kFormat || typeof producer !== 'string' || !Array.isArray(events)) throw new Error('its content is of another version');
    if (events.length === 0) return;
    this.#producer = producer;
    this.#base = base;
    this.#attempted = Math.min(attempted, events.length);
    this.#left = left > 0 ? left : events.length;
    this.#queue.unshift(...events);
    this.#queueBytes += events.reduce((sum, event) => sum + bytesOf(event), 0);
    this.#makeRoom();
  }

  // In a browser: a key of localStorage for each tab, held by a Web Lock. Keys that no tab holds any more are taken over,
  // each by a client of its own, which ends once all is sent.
  async #ownLocalStore() {
    const {name} = this.#options;
    if (typeof localStorage === 'undefined' || typeof navigator === 'undefined' || !navigator.locks) return new MemoryStore();
    const key = `${name}:${newId()}`;
    this.#release = await holdLock(key);
    for (const other of Object.keys(localStorage)) if (other.startsWith(`${name}:`) && other !== key) void this.#adopt(other);
    return new LocalStore(key);
  }

  async #adopt(key) {
    const release = await holdLock(key, {ifAvailable: true});
    if (release === null) return;
    const client = new GameflowClient({...this.#options, store: new LocalStore(key)});
    client.#release = release;
    this.#adopted.add(client);
    await client.#ready;
    await client.#running;
    if (client.#queue.length === 0) {
      await client.close({timeout: 0});
      this.#adopted.delete(client);
    }
  }

  #saveSoon() {
    this.#saveTimer ??= setTimeout(() => void this.#save(), kSaveDelay);
  }

  async #save() {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = null;
    await this.#ready;
    try {
      if (this.#queue.length === 0 && this.#closed) await this.#store.remove();
      else await this.#store.save(this.#text());
    } catch (error) {
      this.#fail(`the store cannot be written, events are in memory only: ${error.message}`);
    }
  }

  #text() {
    return JSON.stringify({format: kFormat, producer: this.#producer, base: this.#base, attempted: this.#attempted, left: this.#left, events: this.#queue});
  }

  // --- sending -----------------------------------------------------------------------------------

  #start() {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#queue.length >= this.#batchEventsMax && !this.#closed) this.#start();
    });
  }

  async #run() {
    await this.#ready;
    while (this.#queue.length > 0 && !this.#closed) {
      await this.#wait(this.#notBefore - this.#options.now());
      if (this.#closed) return;
      await this.#sendBatch();
    }
  }

  #wait(ms) {
    if (!(ms > 0)) return undefined;
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    }).finally(() => {
      this.#wake = null;
    });
  }

  // How many events at the front of the queue make a batch.
  #batchSize(events_max, bytes_max) {
    let count = 0;
    const end = Math.min(events_max, this.#left > 0 ? this.#left : this.#queue.length);
    for (let bytes = 0; count < end; ++count) {
      bytes += bytesOf(this.#queue[count]) + 1;
      if (bytes > bytes_max && count > 0) break;
    }
    return count;
  }

  #target() {
    const url = new URL(this.#url);
    url.searchParams.set('producer', this.#producer);
    url.searchParams.set('sequence', String(this.#base));
    if (this.#options.topic === null) url.searchParams.set('sent_at', String(this.#options.now()));
    return url;
  }

  #headers() {
    const {token, headers} = this.#options;
    return {'Content-Type': 'text/plain', ...(token === null ? {} : {Authorization: `Bearer ${token}`}), ...headers};
  }

  async #sendBatch() {
    const count = this.#batchSize(this.#batchEventsMax, this.#options.batchBytes);
    if (count > this.#attempted) {
      // Before it is sent, so that nobody gives these numbers to other events.
      this.#attempted = count;
      await this.#save();
    }
    let answer;
    try {
      answer = await this.#post(this.#queue.slice(0, count).join('\n'));
    } catch (error) {
      this.#untrusted = whyUntrusted(error);
      return this.#retry(this.#untrusted ?? `no answer: ${error.message}`, 0);
    }
    this.#untrusted = null;
    const {status, retryAfter, body} = answer;
    if (Number.isInteger(body?.accepted)) return this.#settle(count, body);
    const said = `${status} ${body?.error?.code ?? ''}: ${body?.error?.message ?? 'no reason given'}`;
    if (status === 409 && body?.error?.code === 'sequence_gap') return this.#beginAnew(said);
    if (status === 413) return this.#makeSmaller(count, said);
    return this.#retry(said, retryAfter);
  }

  async #post(text) {
    const stop = this.#stop;
    const timer = setTimeout(() => stop.abort(new Error('it took too long')), this.#options.timeout);
    try {
      // As text: other types make a browser ask the server first, for a page of another site.
      const response = await this.#options.fetch(this.#target(), {method: 'POST', body: text, signal: stop.signal,
        headers: this.#headers(), redirect: 'error', credentials: 'omit'});
      const body = await response.json().catch((error) => {
        if (response.ok) throw error;  // its end is missing: nobody knows
        return null;
      });
      return {status: response.status, retryAfter: retryAfterMs(response.headers.get('retry-after'), this.#options.now()), body};
    } finally {
      clearTimeout(timer);
      if (stop.signal.aborted) this.#stop = new AbortController();
    }
  }

  async #settle(count, {accepted, duplicates, rejected, errors}) {
    const settled = this.#queue.splice(0, count);
    this.#queueBytes -= settled.reduce((sum, event) => sum + bytesOf(event), 0);
    this.#base += count;
    this.#attempted = Math.max(0, this.#attempted - count);
    if (this.#left > 0) this.#passLeft(count);
    this.#failures = 0;
    this.#notBefore = 0;
    this.#counts.sent += accepted + duplicates;
    this.#counts.duplicates += duplicates;
    this.#counts.rejected += rejected;
    await this.#save();
    if (rejected > 0) this.#tell('onReject', (errors ?? []).map((error) => ({...error, event: settled[error.index]})));
  }

  #passLeft(count) {
    this.#left -= count;
    if (this.#left === 0) this.#renumber();
  }

  #renumber() {
    this.#producer = `${this.#options.name}-${newId()}`;
    this.#base = 0;
    this.#attempted = 0;
    this.#left = 0;
  }

  // What passes, or what somebody mends: the same again, later. Nothing is thrown away.
  #retry(reason, after) {
    const {retryMin, retryMax, random, now} = this.#options;
    const pause = Math.min(retryMax, retryMin * 2 ** Math.min(this.#failures, 16));
    this.#notBefore = now() + Math.max(after, pause / 2 + random() * pause / 2);
    ++this.#failures;
    ++this.#counts.retries;
    this.#fail(reason);
  }

  // The server has forgotten this producer, after a week or with its data: new numbers.
  async #beginAnew(reason) {
    this.#renumber();
    await this.#save();
    this.#retry(reason, 0);
  }

  // Refused as a whole, so that nothing of it was stored.
  async #makeSmaller(count, reason) {
    this.#batchEventsMax = Math.max(1, Math.floor(count / 2));
    if (count === 1) {
      this.#queueBytes -= bytesOf(this.#queue.shift());
      --this.#attempted;
      if (this.#left > 0) this.#passLeft(1);
      this.#drop('too large for the server', 1);
    }
    await this.#save();
    this.#fail(reason);
  }

  // Who does not listen is told at least what a person has to mend, once.
  #fail(reason) {
    const is_news = reason !== this.#lastError;
    this.#lastError = reason;
    if (this.#options.onError !== null) this.#tell('onError', reason);
    else if (is_news && reason === this.#untrusted) console.error(`gameflow: ${reason}`);
  }

  // --- leaving -----------------------------------------------------------------------------------

  #listen() {
    if (typeof document === 'undefined' || typeof addEventListener === 'undefined') return;
    const on = (target, name, listener) => {
      target.addEventListener(name, listener);
      this.#listeners.push([target, name, listener]);
    };
    on(globalThis, 'pagehide', () => this.#leave());
    on(document, 'visibilitychange', () => document.visibilityState === 'hidden' && this.#leave());
    on(globalThis, 'online', () => {
      this.#notBefore = 0;
      this.#wake?.();
      if (this.#queue.length > 0) this.#start();
    });
  }

  // The page may end here: what fits into a beacon is sent. It stays in the store, as nobody learns of the outcome: if
  // there is a next time, it is sent again with the same numbers.
  #leave() {
    if (this.#queue.length === 0 || this.#store === undefined) return;
    const count = this.#batchSize(this.#queue.length, kBeaconBytesMax);
    // Hidden first, and then left: once is enough.
    const last = `${this.#producer} ${this.#base + count}`;
    if (last === this.#lastBeacon) return;
    this.#lastBeacon = last;
    const text = this.#queue.slice(0, count).join('\n');
    this.#attempted = Math.max(this.#attempted, count);
    try {
      void this.#store.save(this.#text());  // at once: nothing may run later
    } catch (error) {
      this.#fail(`the store cannot be written: ${error.message}`);
    }
    this.#part(text);
  }

  // A request that outlives the page. A beacon has no headers, so that none with a token would be taken.
  #part(text) {
    const {token, fetch, beacon} = this.#options;
    if (token === null) return void beacon(this.#target().href, new Blob([text], {type: 'text/plain'}));
    const request = {method: 'POST', body: text, keepalive: true, headers: this.#headers(), redirect: 'error', credentials: 'omit'};
    Promise.resolve(fetch(this.#target(), request)).catch(() => {});  // nobody is there to hear of it
  }
}

// A function that lets the lock go, or null where another page has it.
function holdLock(key, options = {}) {
  return new Promise((done, failed) => {
    navigator.locks.request(key, options, (lock) => {
      if (lock === null) return done(null);
      return new Promise((release) => done(release));
    }).catch(failed);
  });
}

// What has to be done where Node does not trust the server's certificate; null: that is not what failed. Browsers say
// it to the person alone.
function whyUntrusted({cause}) {
  const code = cause?.code ?? '';
  const why = `the server's certificate is not trusted: ${cause?.message} (${code})`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${why}. Take a url that has a name of the certificate`;
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) return `${why}. Renew it, or set this machine's clock`;
  if (/CERT|LEAF_SIGNATURE|^INVALID_CA$/.test(code)) return `${why}. Start node with NODE_EXTRA_CA_CERTS=FILE, the certificate (PEM) of who signed it`;
  return null;
}

// Seconds or a date, as ms from now.
function retryAfterMs(text, now) {
  if (text === null || text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 3_600_000) : 0;
}
