// One topic, live: first what is there, then what comes, every record once and in order.
//
// Before each connection the topic is described (GET /topics/NAME) and a start offset chosen for
// each partition: the next offset if the topic was read before, but never more than `tail` records
// from the end. So the first fill and a resume are one path, a drop in the middle of the first fill
// loses nothing, and coming back from a long sleep costs no more than loading the page. The same path
// serves a topic that is faster than the page: it skips to the last records, and counts that.
//
// Errors   nothing here throws at the page. A lost connection is retried for ever: 0.5 s to 10 s,
//          doubling, jittered; at once when the browser comes online or the page becomes visible.
//          Frames that cannot be understood are counted and dropped.
// Safety   values are handed on as parsed JSON; whoever shows them uses textContent.

const kRetryMin = 500, kRetryMax = 10_000;
const kRequestTimeout = 5_000;
const kQuiet = 10_000;        // no frame for so long: ask over HTTP whether the socket is still good
const kBusy = 2_000;          // after so long and a whole tail of records: ask whether we keep up
const kStalePeriods = 3;      // no record for so many expected periods: stale
const kRecentOffsets = 1_000; // remembered for state()

// What the page says. `missing`: the server has no such topic (yet).
export const Status = Object.freeze({
  connecting: 'connecting',
  empty: 'empty',
  filling: 'filling',
  live: 'live',
  stale: 'stale',
  disconnected: 'disconnected',
  missing: 'missing',
});

// Addresses are relative to the root of the server, which may be below a path: pages elsewhere have a <base>.
export function socketUrl(address) {
  const url = new URL(address, document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

// A page whose token is not good any more, or has run out, goes to where its visitor signs in.
export function signInAfter(status) {
  if (status !== 401) return;
  const root = new URL('./', document.baseURI).href;
  location.assign(new URL(`sign-in?to=${encodeURIComponent(location.href.slice(root.length).replace(/#.*/, ''))}`, root));
}

export async function getJson(url) {
  const response = await fetch(url, {cache: 'no-store', signal: AbortSignal.timeout(kRequestTimeout)});
  signInAfter(response.status);
  if (!response.ok) throw Object.assign(new Error(`/${url}: ${response.status}`), {status: response.status});
  return response.json();
}

export class LiveTopic {
  #options;
  #partitions = new Map();  // partition -> {next, fill_end, first}
  #identity;                // of the topic: another one means that it was deleted and made anew
  #socket = null;
  #phase = 'connecting';    // connecting | skipping (the same, to catch up) | open | waiting | missing | closed
  #failures = 0;            // in a row
  #trouble = 'waiting';     // the phase that the last failure led to
  #attempt = 0;             // its number tells a superseded attempt that it is
  #retryTimer = null;
  #ticker;
  #fresh_at = 0;            // when the newest record was news
  #frame_at = 0;
  #checked_at = 0;
  #checked_count = 0;       // records received until then
  #tail = 0;                // of the last connection
  #counts = {received: 0, duplicates: 0, gaps: 0, skipped: 0, lost: 0, resets: 0, invalid: 0, connections: 0};
  #recent = [];             // "partition:offset" of the last records handed on
  #status = Status.connecting;

  // name              topic
  // options.tail      (description) -> records per partition to begin with
  // options.period    () -> expected ms between records, or null when nothing is expected
  // options.onRecord  ({partition, offset, timestamp, key, value})
  // options.onReset   () the topic's history is another one: forget what was shown
  // options.onChange  (status, before) when the status changes; onTick() every second
  constructor(name, options) {
    this.name = name;
    this.#options = {tail: () => 100, period: () => null, onReset() {}, onChange() {}, onTick() {}, ...options};
    this.#ticker = setInterval(() => this.#tick(), 1_000);
    this.wake = this.wake.bind(this);
    window.addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
    this.#connect();
  }

  close() {
    this.#phase = 'closed';
    this.#attempt += 1;
    clearInterval(this.#ticker);
    clearTimeout(this.#retryTimer);
    window.removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
    this.#dropSocket();
  }

  // Ends a waiting time early.
  wake() {
    if (document.hidden) return;
    if (this.#phase === 'waiting' || this.#phase === 'missing') this.#connect();
  }

  get status() {
    switch (this.#phase) {
      case 'open': break;
      case 'skipping': return Status.filling;
      case 'connecting': if (this.#failures === 0) return Status.connecting;  // else as before the attempt
      default: return this.#trouble === 'missing' ? Status.missing : Status.disconnected;
    }
    let some = false;
    for (const {next, fill_end} of this.#partitions.values()) {
      if (next < fill_end) return Status.filling;
      some ||= next > 0;
    }
    if (!some) return Status.empty;
    const period = this.#options.period();
    return period && Date.now() - this.#fresh_at > kStalePeriods * period ? Status.stale : Status.live;
  }

  // ms since the newest record was news; null before the first.
  get age() {
    return this.#fresh_at > 0 ? Math.max(0, Date.now() - this.#fresh_at) : null;
  }

  // Everything above as plain data, for tests and for people with a console.
  state() {
    const partitions = {};
    for (const [partition, {first, next}] of this.#partitions) partitions[partition] = {first, next};
    return {status: this.status, age: this.age, partitions, ...this.#counts, recent: [...this.#recent]};
  }

  async #connect(phase = 'connecting') {
    clearTimeout(this.#retryTimer);
    this.#dropSocket();
    const attempt = ++this.#attempt;
    this.#phase = phase;
    this.#announce();
    let description;
    try {
      description = await getJson(`topics/${encodeURIComponent(this.name)}`);
    } catch (error) {
      if (attempt === this.#attempt) this.#retry(error.status === 404 ? 'missing' : 'waiting');
      return;
    }
    if (attempt !== this.#attempt) return;
    const offsets = this.#chooseOffsets(description);
    const socket = new WebSocket(socketUrl(`ws/${encodeURIComponent(this.name)}?format=record&offsets=${offsets}`));
    this.#socket = socket;
    socket.onopen = () => {
      this.#phase = 'open';
      this.#frame_at = Date.now();
      this.#counts.connections += 1;
      this.#announce();
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = () => {
      if (socket === this.#socket) this.#retry('waiting');
    };
  }

  #chooseOffsets(description) {
    const identity = description.id ?? description.created_at;
    const other = this.#identity !== undefined && identity !== this.#identity;
    const ends = description.partitions;
    if (other || ends.some(({partition, end}) => (this.#partitions.get(partition)?.next ?? 0) > end)) this.#forget();
    this.#identity = identity;
    this.#tail = Math.max(1, Math.floor(this.#options.tail(description)));
    for (const {partition, begin, end} of ends) {
      const oldest = Math.max(begin, end - this.#tail);
      const known = this.#partitions.get(partition);
      if (!known) {
        this.#partitions.set(partition, {first: oldest, next: oldest, fill_end: end});
        continue;
      }
      this.#counts.lost += Math.max(0, begin - known.next);
      this.#counts.skipped += Math.max(0, oldest - Math.max(begin, known.next));
      known.next = Math.max(known.next, oldest);
      known.fill_end = end;
    }
    return ends.map(({partition}) => `${partition}:${this.#partitions.get(partition).next}`).join(',');
  }

  #take(text) {
    this.#frame_at = Date.now();
    this.#failures = 0;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.#counts.invalid += 1;
      return;
    }
    const {event, partition, offset, timestamp, begin} = message ?? {};
    if (event === 'reset' && Number.isSafeInteger(partition) && Number.isSafeInteger(begin)) {
      this.#reset(partition, begin);
      return;
    }
    if (event !== undefined || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) {
      this.#counts.invalid += 1;
      return;
    }
    let at = this.#partitions.get(partition);
    if (!at) this.#partitions.set(partition, (at = {first: offset, next: offset, fill_end: 0}));
    if (offset < at.next) {
      this.#counts.duplicates += 1;
      return;
    }
    this.#counts.gaps += offset - at.next;
    at.next = offset + 1;
    // What was there already is as old as it says; what comes now is news, whatever its event time.
    const news_at = offset < at.fill_end ? Math.min(Number(timestamp) || 0, this.#frame_at) : this.#frame_at;
    this.#fresh_at = Math.max(this.#fresh_at, news_at);
    this.#counts.received += 1;
    this.#recent.push(`${partition}:${offset}`);
    if (this.#recent.length > 2 * kRecentOffsets) this.#recent = this.#recent.slice(-kRecentOffsets);
    this.#options.onRecord(message);
    this.#announce();
  }

  // The asked offset is gone. Further on: retention was faster than we. Further back: another history.
  #reset(partition, begin) {
    this.#counts.resets += 1;
    const at = this.#partitions.get(partition);
    if (at && begin >= at.next) {
      this.#counts.lost += begin - at.next;
      at.next = begin;
    } else {
      if (at) this.#options.onReset();
      this.#partitions.set(partition, {first: begin, next: begin, fill_end: 0});
    }
    this.#announce();
  }

  #forget() {
    this.#partitions.clear();
    this.#recent = [];
    this.#fresh_at = 0;
    this.#counts.resets += 1;
    this.#options.onReset();
  }

  #retry(phase) {
    this.#dropSocket();
    this.#phase = this.#trouble = phase;
    this.#announce();
    const delay = Math.min(kRetryMax, kRetryMin * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.#connect(), delay * (0.5 + Math.random() / 2));
  }

  #dropSocket() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Closed before it is open, a browser would call it an error.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  }

  #tick() {
    this.#announce();
    this.#options.onTick();
    if (this.#phase !== 'open') return;
    const now = Date.now(), {received} = this.#counts;
    const quiet = now - Math.max(this.#frame_at, this.#checked_at) >= kQuiet;
    const busy = now - this.#checked_at >= kBusy && received - this.#checked_count >= this.#tail;
    if (!quiet && !busy) return;
    this.#checked_at = now;
    this.#checked_count = received;
    if (quiet) this.#failures = 0;
    this.#check(quiet);
  }

  // A socket whose other end vanished without a word stays "open" for minutes; one that brings more
  // than we can read shows what is long past.
  async #check(quiet) {
    const attempt = this.#attempt, frame_at = this.#frame_at;
    let behind;
    try {
      const {partitions} = await getJson(`topics/${encodeURIComponent(this.name)}`);
      const ahead = partitions.map(({partition, end}) => end - (this.#partitions.get(partition)?.next ?? 0));
      behind = ahead.some((records) => (quiet ? records !== 0 : records > this.#tail));
    } catch {
      behind = quiet;
    }
    if (attempt !== this.#attempt || this.#phase !== 'open' || (quiet && frame_at !== this.#frame_at)) return;
    if (behind) this.#connect(quiet ? 'connecting' : 'skipping');
  }

  #announce() {
    const before = this.#status, now = this.status;
    if (now === before) return;
    this.#status = now;
    this.#options.onChange(now, before);
  }
}
