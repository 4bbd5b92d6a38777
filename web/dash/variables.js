// The variables of a dashboard: what there is to choose, and what is in queries what was chosen. What is chosen comes from an address:
// {NAME: text or null}.

import {textOf} from './columns.js';
import {Followed} from './followed.js';

export class Variables {
  #specs;
  #followed = new Map();  // by name, of those whose options are a query's

  constructor(specs = []) {
    this.#specs = specs;
    for (const {name, query} of specs) if (query) this.#followed.set(name, new Followed());
  }

  close() {
    for (const followed of this.#followed.values()) followed.close();
  }

  ask(live, params, every) {
    for (const {name, query} of this.#specs) if (query) this.#followed.get(name).ask(live, {main: {sql: query, params, every}});
  }

  // Values for queries. An option may be a number, which a text would not be equal to.
  values(chosen) {
    return Object.fromEntries(this.#specs.map((spec) => {
      const value = chosen[spec.name] ?? null;
      const option = this.#options(spec)?.find(([one]) => String(one) === String(value));
      return [spec.name, value === null ? null : option?.[0] ?? value];
    }));
  }

  // Is everything known that values() needs? Until then a query would say something else than what was chosen.
  isKnown(chosen) {
    return this.#specs.every(({name, query, required}) => {
      if ((chosen[name] ?? null) === null) return !required;
      return !query || this.#followed.get(name).answers.main !== undefined;
    });
  }

  // {NAME: text} of those that have to have a value, and have none: the first one there is.
  firstOf(chosen) {
    const without = this.#specs.filter(({name, required}) => required && (chosen[name] ?? null) === null);
    return Object.fromEntries(without.map((spec) => [spec.name, this.#options(spec)?.[0]?.[0]]).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]));
  }

  // For the controls: as they are described, with `value` and `options`: [[value, text]], null where any text may be written.
  describe(chosen) {
    return this.#specs.map((spec) => ({...spec, value: chosen[spec.name] ?? null, options: this.#options(spec)}));
  }

  #options({name, options, query}) {
    if (options) return options.map((one) => [one, String(one)]);
    if (!query) return null;
    const rows = this.#followed.get(name).answers.main?.rows ?? [];
    return rows.filter(([value]) => value !== null).map(([value, text]) => [value, textOf(text ?? value)]);
  }
}
