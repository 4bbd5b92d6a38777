// What both suites need: Chromium, pages that report every problem, the real program, waiting.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {setTimeout as sleep} from 'node:timers/promises';
import {chromium} from 'playwright-core';

// What a browser itself prints when a server is away.
export const kOutage = /net::ERR_|WebSocket connection to/;

export const kRoot = fileURLToPath(new URL('../../', import.meta.url));

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      '--disable-dev-shm-usage'],  // in a container /dev/shm may be too small for a screenshot
  });
}

// A page that collects what must not happen: page.problems are console errors, exceptions,
// violations of the Content-Security-Policy and requests to anywhere but `origin`.
export async function openPage(browser, origin, path, options = {}) {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, colorScheme: 'light', ...options});
  const page = await context.newPage();
  page.problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.problems.push(message.text());
  });
  page.on('pageerror', (error) => page.problems.push(error.stack ?? String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) page.problems.push(`request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(origin + path);
  return page;
}

export const dashState = (page) => page.evaluate(() => window.__dash?.state() ?? null);

// Polls until `condition` gives something truthy, and returns that. The time-out is there to fail,
// with what was seen last, not to make a test pass.
export async function until(what, condition, timeout = 30_000) {
  const end = Date.now() + timeout;
  let seen;
  for (;;) {
    seen = await condition();
    if (seen) return seen;
    assert.ok(Date.now() < end, `waited ${timeout} ms in vain: ${what}`);
    await sleep(50);
  }
}

export function untilState(page, what, condition, timeout) {
  let last;
  return until(what, async () => {
    last = await dashState(page);
    return last && condition(last) ? last : null;
  }, timeout).catch((error) => {
    error.message += `; last state ${JSON.stringify(last).slice(0, 2_000)}`;
    throw error;
  });
}

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// What axe says against the page, a line for each rule. The page has to be opened with bypassCSP.
export async function violations(page) {
  await page.evaluate(kAxe);
  const {violations: found} = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
  return found.map(({id, nodes}) => `${id}: ${nodes.map((n) => n.html.slice(0, 150)).join(' | ')}`);
}

// The real program. One object may be started, killed and started again on the same port.
export class Gameflow {
  #binary;
  #data;
  #dataflow;
  #flags;
  #server = null;
  #generator = null;
  #port = 0;
  #log = [];

  constructor(binary, data, dataflow = `${kRoot}games/gaming-analytics/dataflow.yaml`, flags = []) {
    this.#binary = binary;
    this.#data = data;
    this.#dataflow = dataflow;
    this.#flags = flags;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get log() {
    return this.#log.join('\n');
  }

  async start() {
    this.#server = this.#spawn(['run', this.#dataflow, '--data', this.#data,
      '--listen', `127.0.0.1:${this.#port}`, '--durability', 'interval', ...this.#flags]);
    const exited = once(this.#server, 'exit').then(([code]) => {
      throw new Error(`gameflow run ended with ${code}:\n${this.log}`);
    });
    exited.catch(() => {});
    const listening = (async () => {
      for await (const line of createInterface(this.#server.stdout)) {
        const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
        if (found) return Number(found[1]);
      }
      return exited;
    })();
    this.#port = await Promise.race([listening, exited]);
    this.#server.stdout.resume();
    await until('ready', async () => (await fetch(`${this.url}/readyz`).catch(() => null))?.ok);
  }

  generate(rate) {
    this.#generator = this.#spawn(['generate', '--to', this.url, '--rate', String(rate), '--seed', '7']);
    this.#generator.stdout.resume();
  }

  async kill() {
    const exited = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await exited;
    this.#server = null;
  }

  async stop() {
    for (const child of [this.#generator, this.#server]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    this.#generator = this.#server = null;
  }

  #spawn(args) {
    const child = spawn(this.#binary, args, {stdio: ['ignore', 'pipe', 'pipe']});
    createInterface(child.stderr).on('line', (line) => {
      this.#log.push(line);
      if (this.#log.length > 200) this.#log.shift();
    });
    return child;
  }

  async json(path) {
    const response = await fetch(this.url + path);
    assert.equal(response.status, 200, path);
    return response.json();
  }

  // Records of one partition, parsed.
  async records(topic, {partition = 0, offset, limit = 1}) {
    const response = await fetch(`${this.url}/topics/${topic}/records?partition=${partition}&offset=${offset}&limit=${limit}`);
    assert.equal(response.status, 200, `${topic} ${partition}:${offset}`);
    return (await response.text()).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  }

  async createTopic(name) {
    const response = await fetch(`${this.url}/topics`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({name})});
    assert.ok(response.ok, await response.text());
  }

  // `query`: as of POST /topics/TOPIC/records.
  async produce(topic, values, query = '') {
    const response = await fetch(`${this.url}/topics/${topic}/records${query}`, {
      method: 'POST', headers: {'Content-Type': 'application/x-ndjson'}, body: values.map((v) => JSON.stringify(v)).join('\n'),
    });
    const reply = await response.json();
    assert.equal(reply.accepted, values.length, JSON.stringify(reply));
  }
}
