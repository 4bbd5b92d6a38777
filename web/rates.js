// Rates of counters that are asked for once a second, such as the end of a topic.

const kRateSamples = 3;        // a rate is the mean over so many polls,
const kSlowSamples = 30;       // or over so many where the counter is slow: one in 5 s is 0.2 a second,
const kSlowRate = 3;           // not 0, 0.3, 0, … (slow: fewer a second than this)
const kPollLate = 10_000;      // ms between two polls that a rate must not bridge
export const kHistory = 120;   // rates kept of each counter

export class Rates {
  #counters = new Map();  // name -> {samples: [{at, count}], history: [rate]}

  // `kept`: the name under which they outlast a reload of the page, in the tab that they were seen in.
  constructor(kept) {
    try {
      this.#counters = new Map(JSON.parse(sessionStorage.getItem(kept)));
    } catch {}  // what is there is of another version, or the browser keeps nothing
    addEventListener('pagehide', () => {
      try {
        sessionStorage.setItem(kept, JSON.stringify([...this.#counters]));
      } catch {}  // they are too many: the next page begins anew
    });
  }

  // `at`: ms by the server's clock, as how long an answer takes would show in a rate. A counter that falls, a clock
  // set back or a long pause (a hidden tab) begins anew. True where the counter has grown.
  add(name, at, count) {
    const known = this.#counters.get(name) ?? {samples: [], history: []};
    const before = known.samples.at(-1);
    if (before && (count < before.count || at <= before.at || at - before.at > kPollLate)) {
      known.samples = [];
      known.history = [];
    }
    known.samples.push({at, count});
    if (known.samples.length > kSlowSamples + 1) known.samples.shift();
    this.#counters.set(name, known);
    if (known.samples.length >= 2) {
      known.history.push(this.of(name));
      if (known.history.length > kHistory) known.history.shift();
    }
    return before !== undefined && count > before.count;
  }

  has(name) {
    return this.#counters.has(name);
  }

  // A second; null until two polls tell.
  of(name) {
    const samples = this.#counters.get(name)?.samples ?? [];
    if (samples.length < 2) return null;
    const last = samples.at(-1);
    const over = (polls) => {
      const first = samples.at(-1 - polls) ?? samples[0];
      return ((last.count - first.count) * 1000) / (last.at - first.at);
    };
    const now = over(kRateSamples), long = over(kSlowSamples);
    return now < kSlowRate && long < kSlowRate ? long : now;
  }

  // Oldest first.
  history(name) {
    return this.#counters.get(name)?.history ?? [];
  }

  // A rate across a pause would be wrong.
  clear() {
    this.#counters.clear();
  }
}
