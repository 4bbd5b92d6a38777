// What is followed for one place of the page: answers by name, those of before until all of the new ones have come, so that nothing
// flickers while a range of time moves on.

export class Followed {
  #shown = {};
  #next = null;
  #chosen = false;

  // queries: {name: question of LiveQueries.follow()}. `chosen`: somebody chose something else, so what is shown is not what was asked for.
  ask(live, queries, chosen = false) {
    const next = Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, live.follow(query)]));
    close(this.#next);
    this.#next = next;
    this.#chosen ||= chosen;
    this.#take();
  }

  close() {
    close(this.#shown);
    close(this.#next);
    this.#shown = {};
    this.#next = null;
  }

  // {name: answer}, as they are now.
  get answers() {
    this.#take();
    return Object.fromEntries(Object.entries(this.#shown).map(([name, {answer}]) => [name, answer]));
  }

  // Is something else awaited than what is shown?
  get isAwaited() {
    this.#take();
    return this.#chosen;
  }

  #take() {
    if (this.#next === null || Object.values(this.#next).some(({answer}) => answer.rows === null && answer.error === null)) return;
    close(this.#shown);
    this.#shown = this.#next;
    this.#next = null;
    this.#chosen = false;
  }
}

function close(followed) {
  for (const one of Object.values(followed ?? {})) one.close();
}
