// /ws/sql in memory, by docs/reference/http.md: rows, then changes by key, versions; and what the real one will not do on command.

export class FakeQueries {
  answer = () => ({columns: [], rows: []});  // (sql, params) -> {columns, rows}; what it throws is the query's error
  asked = [];                                // every subscription that came, the newest last
  forgetful = false;                         // versions of before are not known any more
  #sockets = new Map();                      // socket -> {feeds: Map(id -> {question, version, columns, rows}), silent}
  #versions = 0;
  #last = new Map();                         // version -> {columns, rows}, to go on from

  add(socket) {
    const client = {feeds: new Map(), silent: false};
    this.#sockets.set(socket, client);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.unsubscribe) return client.feeds.delete(message.unsubscribe);
      this.asked.push(message);
      const known = this.forgetful ? undefined : this.#last.get(message.version);
      client.feeds.set(message.subscribe, {question: message, version: known ? message.version : null, ...known});
      this.#send(socket, client);
    });
  }

  get connections() {
    return this.#sockets.size;
  }

  // Sends what is another answer now.
  push() {
    for (const [socket, client] of this.#sockets) this.#send(socket, client);
  }

  // Ends all connections without a goodbye.
  cut() {
    for (const socket of this.#sockets.keys()) socket.terminate();
  }

  // Connections stay open and are never written to again.
  silence() {
    for (const client of this.#sockets.values()) client.silent = true;
  }

  // Whatever message, to everybody, of the first query that has such SQL.
  say(sql, message) {
    for (const [socket, {feeds}] of this.#sockets) {
      for (const [id, {question}] of feeds) if (question.sql === sql) socket.send(JSON.stringify({id, ...message}));
    }
  }

  #send(socket, client) {
    if (client.silent) return;
    for (const [id, feed] of client.feeds) {
      const message = this.#next(feed);
      if (message) socket.send(JSON.stringify({id, ...message}));
    }
  }

  #next(feed) {
    const {sql, params = {}, key} = feed.question;
    let now;
    try {
      now = this.answer(sql, params);
    } catch (error) {
      if (feed.error === error.message) return null;
      Object.assign(feed, {error: error.message, rows: undefined, version: `v-${++this.#versions}`});
      return {version: feed.version, at: Date.now(), error: {code: error.code ?? 'sql_invalid', message: error.message}};
    }
    if (JSON.stringify(now.rows) === JSON.stringify(feed.rows) && !feed.error) return null;
    const before = feed.rows, after = feed.version, version = `v-${++this.#versions}`;
    Object.assign(feed, {...now, version, error: null});
    this.#last.set(version, now);
    if (!key || !before) return {version, at: Date.now(), ...now, truncated: false};
    const places = key.map((name) => now.columns.indexOf(name));
    const keyOf = (row) => JSON.stringify(places.map((place) => row[place]));
    const old = new Map(before.map((row) => [keyOf(row), JSON.stringify(row)])), new_keys = new Set(now.rows.map(keyOf));
    return {
      version, after, at: Date.now(), removed: [...old.keys()].filter((one) => !new_keys.has(one)).map((one) => JSON.parse(one)),
      changed: now.rows.map((row, i) => [i, row]).filter(([, row]) => old.get(keyOf(row)) !== JSON.stringify(row)),
    };
  }
}
