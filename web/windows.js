// Results of consecutive windows, oldest first, at most `limit`: the data behind the live pages.

import {getJson} from './live.js';

export class WindowSeries {
  #limit;
  #period;
  #length = null;
  #entries = [];  // {end, value}, by end

  // `period`: expected ms between two windows, until the data tell.
  constructor(limit, period) {
    this.#limit = limit;
    this.#period = period;
  }

  // `end`: the window's end, ms UTC. A second result for one window replaces the first.
  put(end, value) {
    let at = this.#entries.length;
    while (at > 0 && this.#entries[at - 1].end >= end) at -= 1;
    const replaces = this.#entries[at]?.end === end;
    this.#entries.splice(at, replaces ? 1 : 0, {end, value});
    if (this.#entries.length > this.#limit) this.#entries.shift();
  }

  clear() {
    this.#entries = [];
  }

  get entries() {
    return this.#entries;
  }

  get last() {
    return this.#entries.at(-1);
  }

  get previous() {
    return this.#entries.at(-2);
  }

  // Of each window, ms; as long as nobody said it, what the distances suggest.
  get length() {
    return this.#length ?? this.period;
  }

  set length(ms) {
    this.#length = ms;
  }

  // The smallest distance of two of the last windows: some may be missing, but none lie closer.
  get period() {
    let smallest = Infinity;
    for (let i = Math.max(1, this.#entries.length - 20); i < this.#entries.length; ++i) {
      smallest = Math.min(smallest, this.#entries[i].end - this.#entries[i - 1].end);
    }
    return Number.isFinite(smallest) ? smallest : this.#period;
  }
}

// A `tail` for LiveTopic: `wanted` records, or fewer where records are so big (100,000 players in
// each) that they would not fit into 2 MB as stored; at least two, to show a change.
export function tailWithin(wanted) {
  return ({records, bytes}) => {
    const each = records > 0 ? bytes / records : 0;
    return each > 0 ? Math.max(2, Math.min(wanted, Math.floor(2_000_000 / each))) : wanted;
  };
}

// Length of the windows whose results go to `topic`, ms; null if the server does not say.
export async function windowLength(topic) {
  try {
    const {services} = await getJson('dataflow');
    return services.find(({sinks}) => sinks.includes(topic))?.window?.duration_ms ?? null;
  } catch {
    return null;
  }
}
