// What every page has: status pill, pause, theme, time zone, copyable commands, drawing at a calm
// rate, and window.__dash.state() for tests.

import {$, el, setText} from './dom.js';
import {Status} from './live.js';
import {duration, short, zone} from './format.js';
import {addDashboards} from './navigation.js';

const kDrawInterval = 200;  // ms between two drawings at least: 5 Hz is as fast as anyone reads

const kWords = {
  [Status.connecting]: 'Connecting',
  [Status.empty]: 'Waiting for data',
  [Status.filling]: 'Catching up',
  [Status.live]: 'Live',
  [Status.stale]: 'Stale',
  [Status.disconnected]: 'Disconnected',
  [Status.missing]: 'No such topic',
};

// options.draw()    shows the current data; called at most 5 times a second, not while paused or hidden
// options.status()  -> Status of the whole page
// options.age()     -> ms since the newest data was news, or null
// options.state()   -> plain data for window.__dash.state()
// options.words     {status: text} of a page that says it otherwise
export class Shell {
  #options;
  #timer = null;
  #drawn_at = 0;
  #paused = false;
  #missed = 0;
  #words;

  constructor(options) {
    this.#options = options;
    this.#words = {...kWords, ...options.words};
    $('zone').textContent = `Times in ${zone()}`;
    $('theme').addEventListener('click', () => this.#switchTheme());
    $('pause').addEventListener('click', () => this.#setPaused(!this.#paused));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#themeChanged());
    document.addEventListener('visibilitychange', () => this.invalidate());
    for (const command of document.querySelectorAll('[data-command]')) fillCommand(command);
    this.#labelTheme();
    addDashboards(document.querySelector('.top nav'));
    window.__dash = {state: () => structuredClone({paused: this.#paused, status: options.status(), ...options.state()})};
  }

  // A record came: draw soon, or count what a paused page does not show.
  news() {
    if (this.#paused) this.#missed += 1;
    this.invalidate();
  }

  // Whoever looks asked for something else: a pause is over.
  resume() {
    if (this.#paused) this.#setPaused(false);
  }

  // Something to be seen changed: draw soon.
  invalidate() {
    if (this.#paused || document.hidden || this.#timer !== null) return;
    const wait = Math.max(0, this.#drawn_at + kDrawInterval - performance.now());
    this.#timer = setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  // The status or only its age changed.
  refreshStatus() {
    const status = this.#options.status(), age = this.#options.age();
    const paused = this.#paused && status !== Status.disconnected;
    $('status').dataset.status = paused ? 'paused' : status;
    // Only the words are a live region: a screen reader hears changes of state, not every second.
    setText($('status-word'), paused ? 'Paused' : this.#words[status]);
    setText($('status-age'), paused ? (this.#missed > 0 ? `${short(this.#missed)} new` : '') : ageText(status, age));
    document.body.dataset.status = status;
  }

  #draw() {
    this.#timer = null;
    if (this.#paused) return;
    this.#drawn_at = performance.now();
    this.#options.draw();
    this.refreshStatus();
  }

  #setPaused(paused) {
    this.#paused = paused;
    this.#missed = 0;
    $('pause').classList.toggle('on', paused);  // its text says it: "Resume, pressed" would say the contrary
    setText($('pause'), paused ? 'Resume' : 'Pause');
    this.refreshStatus();
    if (!paused) this.invalidate();
  }

  #switchTheme() {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('gameflow.theme', theme);
    } catch {
      // Not remembered, but switched.
    }
    this.#themeChanged();
  }

  #themeChanged() {
    this.#labelTheme();
    this.#options.draw();  // charts take their colours from the style sheet
  }

  #labelTheme() {
    setText($('theme'), isDark() ? 'Light' : 'Dark');
    $('theme').setAttribute('aria-label', `Switch to ${isDark() ? 'light' : 'dark'} colours`);
  }
}

function ageText(status, age) {
  if (age === null || status === Status.connecting || status === Status.missing) return '';
  if (status === Status.stale || status === Status.disconnected) return `${duration(age)} old`;
  return age < 2_000 ? 'now' : `${duration(age)} ago`;
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

// The value a colour of style.css has in the present theme.
export function colour(name) {
  const probe = $('probe');
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

// <div data-command="gameflow generate --to ORIGIN"> becomes the command with a copy button.
function fillCommand(node) {
  const code = el('code', {tabindex: '0'});  // it may be longer than there is room: the keyboard scrolls it, too
  const button = el('button', {type: 'button', class: 'small'}, 'Copy');
  const text = () => node.dataset.command.replaceAll('ORIGIN', new URL('.', document.baseURI).href.slice(0, -1));
  code.textContent = text();
  new MutationObserver(() => setText(code, text())).observe(node, {attributeFilter: ['data-command']});
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code);  // no clipboard without TLS: at least select it
      button.textContent = 'Selected';
    }
    setTimeout(() => (button.textContent = 'Copy'), 2_000);
  });
  node.replaceChildren(code, button);
}
