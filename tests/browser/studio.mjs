// /studio against the real program (GAMEFLOW_BIN) with a dataflow of thirty services: what is drawn and shown is what
// the API says, the keyboard reaches all of it, axe finds nothing. Screenshots go to build/screenshots/.

import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, afterEach, before, describe, it} from 'node:test';
import {Gameflow, dashState, kOutage, kRoot, launchBrowser, openPage, until, untilState, violations} from './harness.mjs';
import {kRegions, manyServices, shots} from './studio_flow.mjs';

const kBinary = process.env.GAMEFLOW_BIN;
const kState = 'state/score-duel/damage-per-player-duel';

const kWide = {width: 1440, height: 900}, kNarrow = {width: 390, height: 844};
// Both themes and widths of the graph, and of what opens each once.
const looks = (hash) => [['light', kWide], ['dark', kNarrow], ...(hash === '' ? [['dark', kWide], ['light', kNarrow]] : [])];

describe('studio', {skip: kBinary ? false : 'GAMEFLOW_BIN names no program', timeout: 600_000}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gameflow-studio-'));
  writeFileSync(join(folder, 'many.yaml'), manyServices());
  const gameflow = new Gameflow(kBinary, join(folder, 'data'), join(folder, 'many.yaml'));
  let browser, page, seed = 0;

  before(async () => {
    [browser] = await Promise.all([launchBrowser(), gameflow.start()]);
  });
  after(async () => {
    await browser?.close();
    await gameflow.stop();
    rmSync(folder, {recursive: true, force: true});
  });
  afterEach(async () => {
    if (page) assert.deepEqual(page.problems, []);
    await page?.context().close();
    page = null;
  });

  const open = async (hash = '', options = {}) => {
    page = await openPage(browser, gameflow.url, `/studio${hash && `#${hash}`}`, options);
    await untilState(page, 'the graph', (s) => s.polls > 0 && Object.keys(s.nodes).length > 0);
    return page;
  };
  const produce = async (count) => {
    for (const region of kRegions) await gameflow.produce(`${region}-shots`, shots(count, seed += 1), '?key-field=player');
  };
  const focused = () => page.evaluate(() => document.activeElement.dataset.open ?? document.activeElement.id);
  const view = (what, condition, timeout) => untilState(page, what, (s) => s.view && condition(s.view), timeout).then((s) => s.view);

  it('says what to send while there is nothing', async () => {
    await open();
    await untilState(page, 'empty', (s) => s.status === 'empty');
    await page.waitForSelector('#waiting:not([hidden])');
    assert.equal(await page.textContent('#waiting code'), `gameflow generate --to ${gameflow.url}`);
  });

  it('draws every service, topic and edge of the dataflow, none over another', async () => {
    await produce(200);
    await open();
    const {nodes, edges} = await untilState(page, 'records', (s) => ['live', 'stale'].includes(s.status));
    const dataflow = await gameflow.json('/dataflow');
    const topics = [...dataflow.topics, 'dead-letters'].map((t) => `topic/${t}`);
    assert.deepEqual(Object.keys(nodes).sort(), [...topics, ...dataflow.services.map(({name}) => `service/${name}`)].sort());
    assert.equal(dataflow.services.length, 30);
    const wanted = dataflow.services.flatMap(({name, sources, sinks}) =>
      [...sources.map(({topic}) => `topic/${topic} > service/${name}`), ...sinks.map((t) => `service/${name} > topic/${t}`)]);
    assert.deepEqual(edges.map(({from, to}) => `${from} > ${to}`).sort(), wanted.sort());
    assert.equal(await page.locator('.edges path').count(), wanted.length);
    const boxes = Object.entries(nodes);
    for (const [a, p] of boxes) {
      for (const [b, q] of boxes) {
        if (a < b) assert.ok(p.left + p.width <= q.left || q.left + q.width <= p.left || p.top + p.height <= q.top || q.top + q.height <= p.top, `${a} over ${b}`);
      }
    }
    const cut = await page.$$eval('.node.topic .text', (all) => all.filter((text) => text.scrollWidth > text.clientWidth).map((text) => text.textContent));
    assert.deepEqual(cut, [], 'names of topics are not cut');
    for (const {from, to} of edges) assert.ok(nodes[from].left + nodes[from].width < nodes[to].left, `${from} left of ${to}`);
  });

  it('shows rates, lag and errors of each node', async () => {
    await open();
    const feeding = (async () => {
      for (let i = 0; i < 12; ++i) {
        await produce(50);
        await new Promise((done) => setTimeout(done, 300));
      }
    })();
    await until('a rate', async () => Number(/^([\d.]+) → /.exec(await page.textContent('[data-id="service/clean-duel"] .figures'))?.[1]) > 0);
    await page.waitForSelector('[data-id="topic/eu-shots"].active');
    await page.waitForSelector('.edges path.active');
    await feeding;
    await gameflow.produce('eu-shots', [{player: 'broken', mode: 'duel', damage: 1}]);
    await until('the dead letter', async () => (await page.textContent('[data-id="service/watch-duel-ranked"] .flags')) === '1 dead');
    await until('no lag', async () => /lag 0/.test(await page.textContent('[data-id="service/score-duel"] .figures')));
  });

  it('a topic: records as they come, from an offset, and searched', async () => {
    await open('topic/eu-shots');
    const {partitions} = await gameflow.json('/topics/eu-shots');
    const ends = (shown) => partitions.every(({partition, end}) => end === 0 || shown.includes(`${partition}:${end - 1}`));
    await view('the last records', ({mode, shown}) => mode === 'live' && ends(shown));
    await gameflow.produce('eu-shots', [{player: 'needle', mode: 'raid', damage: 7}], '?key=needle');
    await until('the new one on top', async () => (await page.textContent('#records details:first-child .key')) === 'needle');
    const place = await page.getAttribute('#records details:first-child', 'data-place');
    await page.click('#records details:first-child summary');
    assert.deepEqual(JSON.parse(await page.textContent('#records details[open] pre')), {player: 'needle', mode: 'raid', damage: 7});

    await page.fill('#record-search', 'NEEDLE');
    const {note} = await view('what was found', ({mode, shown}) => mode === 'search' && shown.length === 1 && shown[0] === place);
    assert.match(note, /^1 found in the newest/);
    await page.fill('#record-search', 'nothing has this');
    await view('nothing', (v) => v.mode === 'search' && /^0 found/.test(v.note) && v.shown.length === 0);

    await page.focus('#record-search');
    await page.keyboard.press('Escape');  // empties the field first
    assert.equal(await page.inputValue('#record-search'), '');
    const newest = await view('all of them again', ({mode, shown}) => mode === 'live' && shown.length > 3);
    // The list is one stop of Tab.
    const at = () => page.evaluate(() => document.activeElement.parentNode.dataset?.place);
    await page.keyboard.press('Tab');
    assert.equal(await at(), newest.shown[0]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await at(), newest.shown[2]);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#records details[open]').getAttribute('data-place'), newest.shown[2]);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'record-search');
    await page.keyboard.press('Tab');
    assert.equal(await at(), newest.shown[1], 'where it was');
    assert.equal((await dashState(page)).open, 'topic/eu-shots');
    const [partition, offset] = place.split(':').map(Number);
    await page.selectOption('#record-partition', String(partition));
    await page.fill('#record-offset', String(offset - 2));
    await view('from there', ({mode, shown}) => mode === 'offset' && shown[0] === `${partition}:${offset - 2}` && shown.includes(place));
    await page.fill('#record-offset', '999999');
    await view('what there is', ({note: text}) => /^Partition \d has offsets 0 to /.test(text));
    assert.equal(await page.getAttribute('#record-offset', 'aria-invalid'), 'true');
  });

  it('a state: its windows and rows, searched, page by page', async () => {
    await produce(400);
    await open(kState);
    await view('rows', (v) => v.rows > 0 && v.windows.length > 0);
    await page.selectOption('#row-window', '');
    // Windows may close meanwhile, so both are asked until they agree.
    await until('the rows of the API', async () => {
      const {rows: wanted} = await gameflow.json('/states/score-duel/damage-per-player-duel?limit=50');
      const shown = await page.$$eval('.rows tbody tr', (rows) => rows.map((row) => [...row.cells].slice(0, 3).map((c) => c.textContent)));
      return wanted.length > 0 && JSON.stringify(shown) === JSON.stringify(wanted.map(([key, n, damage]) => [key, String(n), damage.toLocaleString('en')]));
    });
    await page.fill('#row-search', 'player-3');
    await until('rows with the prefix', async () => {
      const keys = await page.$$eval('.rows tbody th', (cells) => cells.map((c) => c.textContent));
      return keys.length > 0 && keys.every((key) => key.startsWith('player-3'));
    });
    await page.selectOption('#row-how', 'key');
    await page.fill('#row-search', 'nobody');
    await view('no row', ({rows, note}) => rows === 0 && note === 'No row has such a key.');
  });

  it('a large state: pages follow each other without a gap', async () => {
    // All in one window: of two that close, only the last stays.
    await until('the middle of a window', () => Date.now() % 5_000 < 2_000);
    const players = Array.from({length: 130}, (_, i) => ({player: `many-${String(i).padStart(3, '0')}`, mode: 'raid', damage: i}));
    await gameflow.produce('us-shots', players.map((p) => ({...p, mode: 'siege'})));
    await open('state/score-siege/damage-per-player-siege');
    await Promise.all([page.waitForResponse((r) => r.url().includes('prefix=many-')), page.fill('#row-search', 'many-')]);
    await view('the first page', ({rows, more}) => rows === 50 && more);
    await page.selectOption('#row-window', '');
    await view('the first page of all', ({rows, more, note}) => rows === 50 && more && note === 'The first 50 rows, live.');
    await page.waitForSelector('#row-more:enabled');
    await page.click('#row-more');
    await view('two pages', ({rows}) => rows === 100);
    await page.click('#row-more');
    await view('three pages', ({rows, more}) => rows === 130 && !more);
    const keys = await page.$$eval('.rows tbody th', (cells) => cells.map((c) => c.textContent));
    assert.deepEqual([...new Set(keys)].sort(), players.map(({player}) => player).sort());
  });

  it('an operator: its code, coloured, and what failed', async () => {
    await open('operator/watch-duel-ranked/0');
    const {services} = await gameflow.json('/dataflow/graph');
    const {code} = services.find(({name}) => name === 'watch-duel-ranked').nodes.flatMap((n) => n.functions)[0];
    const shown = await page.textContent('#details-body .code');
    assert.equal(shown.replaceAll(/\s+/g, ' ').trim(), code.replaceAll(/\s+/g, ' ').trim());
    assert.ok(shown.startsWith('Optional<Alert> suspicious_in_duel'), 'without the indentation of the YAML');
    assert.equal(await page.locator('.token.keyword', {hasText: /^throw$/}).count(), 1);
    const {failures} = await view('the failure', (v) => v.failures.length > 0);
    assert.equal(failures[0], 'this player is broken');
    await page.click('.record summary');
    await page.click('.record .origin a');
    await untilState(page, 'its record', (s) => s.open.startsWith('topic/duel-and-ranked/0/') && s.view?.shown.length > 0);
    assert.match(await page.textContent('#records details:first-child .value'), /"broken"/);
  });

  it('counts what each operator has done, in its service and on its own', async () => {
    const {services} = await gameflow.json('/dataflow');
    const service = services.find(({name}) => name === 'clean-duel');
    const [filter, map] = service.operators.filter(({node}) => node === 'clean-duel/source/0');
    assert.ok(filter.in > filter.out && filter.out === map.in && map.out === map.in && map.failed === 0, JSON.stringify(service.operators));
    await open('service/clean-duel');
    const rows = async () => (await page.$$eval('.steps tbody tr', (all) => all.map((row) => [...row.cells].map((c) => c.textContent))));
    const whole = (n) => n.toLocaleString('en');
    await until('the counts of the service', async () =>
      JSON.stringify(await rows()) === JSON.stringify([filter, map].map((o) => [o.name, whole(o.in), whole(o.out), whole(o.failed)])));
    await page.click('.steps a:has-text("filter")');
    await untilState(page, 'the operator', (s) => s.open === 'operator/clean-duel/0');
    const figure = (name) => page.textContent(`#details-body .facts:first-child div:has(dt:text-is("${name}")) dd`);
    await until('its counts', async () => (await figure('In')) === whole(filter.in) && (await figure('Out')) === whole(filter.out) && (await figure('Failed')) === '0');

    await open('operator/watch-duel-ranked/0');
    await until('its failures', async () => Number(await figure('Failed')) > 0);
    await page.waitForSelector('.chip.failed[data-open="operator/watch-duel-ranked/0"]');
    // Transforms of a service stand in the chain of each source: they are counted in all of them.
    const update = services.find(({name}) => name === 'score-duel').operators.find(({name}) => name === 'update-state');
    await open('service/score-duel');
    await until('update-state', async () => JSON.stringify((await rows())[2]) === JSON.stringify(['update-state', whole(update.in), '–', '0']));
  });

  it('edges say how many records a second pass, of the card that is looked at', async () => {
    await open('', {reducedMotion: 'reduce'});
    const shown = () => page.$$eval('.edges text', (all) => all.filter((t) => getComputedStyle(t).visibility === 'visible').map((t) => t.textContent));
    assert.deepEqual(await shown(), []);
    const feeding = (async () => {
      for (let i = 0; i < 8; ++i) {
        await produce(50);
        await new Promise((done) => setTimeout(done, 300));
      }
    })();
    await page.locator('[data-id="service/clean-duel"] .node-name').focus();
    await until('rates', async () => (await shown()).length === 2 && (await shown()).every((text) => parseFloat(text) > 0));
    await page.locator('[data-id="topic/eu-shots"] .node-name').focus();
    await until('those of another card', async () => (await shown()).length === 4);
    await feeding;
  });

  it('the keyboard alone: along edges, into what is there, and back', async () => {
    await open('', {reducedMotion: 'reduce'});
    await page.keyboard.press('/');
    assert.equal(await focused(), 'search');
    await page.keyboard.type('asia-shots');
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'topic/asia-shots');
    await page.keyboard.press('Escape');
    assert.equal(await page.inputValue('#search'), '');
    await page.keyboard.press('ArrowRight');
    const service = await focused();
    assert.match(service, /^service\/clean-/);
    const mode = service.slice('service/clean-'.length);
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), `topic/${mode}-shots`);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await focused(), service);
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(), /^service\/clean-/);
    assert.notEqual(await focused(), service);
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(), service);
    // The ring is there, and the card is in sight.
    const seen = await page.evaluate(() => {
      const node = document.activeElement.closest('.node'), canvas = document.querySelector('#canvas').getBoundingClientRect(), box = node.getBoundingClientRect();
      return {outline: getComputedStyle(node).outlineStyle, inside: box.left >= canvas.left && box.right <= canvas.right && box.top >= canvas.top && box.bottom <= canvas.bottom};
    });
    assert.deepEqual(seen, {outline: 'solid', inside: true});

    await page.keyboard.press('Tab');
    assert.equal(await focused(), `operator/clean-${mode}/0`);
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), `operator/clean-${mode}/1`);
    await page.keyboard.press('Enter');
    await untilState(page, 'the operator', (s) => s.open === `operator/clean-${mode}/1`);
    assert.equal(await focused(), 'details-title');
    await page.keyboard.press('Escape');
    await untilState(page, 'closed', (s) => s.open === '');
    assert.equal(await focused(), `operator/clean-${mode}/1`, 'back where it was');
    await page.keyboard.press('Home');
    const first = await focused();
    await page.keyboard.press('End');
    assert.notEqual(await focused(), first);
    const {zoom} = await dashState(page);
    await page.keyboard.press('-');
    assert.ok((await dashState(page)).zoom < zoom);
    await page.keyboard.press('+');
    await page.keyboard.press('0');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'zoom-in', 'the graph is one stop of Tab');
  });

  it('Fit shows all thirty, and names stay readable', async () => {
    await open();
    await page.click('#zoom-fit');
    const sight = await page.evaluate(() => {
      const canvas = document.querySelector('#canvas').getBoundingClientRect();
      const out = [...document.querySelectorAll('.node')].map((n) => n.getBoundingClientRect()).filter((b) => b.left < canvas.left || b.right > canvas.right || b.top < canvas.top || b.bottom > canvas.bottom);
      const text = document.querySelector('.node-name .text'), zoom = window.__dash.state().zoom;
      return {out: out.length, size: parseFloat(getComputedStyle(text).fontSize) * zoom};
    });
    assert.equal(sight.out, 0);
    assert.ok(sight.size > 8, `names of ${sight.size} px`);
  });

  it('search dims what does not match, and finds operators and states', async () => {
    await open();
    await page.fill('#search', 'damage-per-player-raid');
    await untilState(page, 'one', (s) => s.found === '1 found');
    assert.equal(await page.locator('.node:not(.dim)').getAttribute('data-id'), 'service/score-raid');
    await page.fill('#search', 'filter-map');
    await untilState(page, 'five', (s) => s.found === '5 found');
    await page.fill('#search', 'no such thing');
    await untilState(page, 'none', (s) => s.found === 'none');
    await page.fill('#search', '');
    assert.equal(await page.locator('.node.dim').count(), 0);
  });

  it('wheel and drag move the graph; a drag opens nothing', async () => {
    await open();
    const at = () => page.evaluate(() => document.querySelector('#stage').style.transform);
    const before = await at();
    const box = await page.locator('[data-id="service/clean-coop"]').boundingBox();
    await page.mouse.move(box.x + 20, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x - 80, box.y + 40, {steps: 5});
    await page.mouse.up();
    const dragged = await at();
    assert.notEqual(dragged, before);
    assert.equal((await dashState(page)).open, '');
    await page.mouse.wheel(0, 120);
    await until('moved', async () => (await at()) !== dragged);
    const {zoom} = await dashState(page);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -240);
    await page.keyboard.up('Control');
    await until('zoomed', async () => (await dashState(page)).zoom > zoom);
    await page.locator('[data-id="topic/alerts"] .node-name').dispatchEvent('click');
    await untilState(page, 'a click opens', (s) => s.open === 'topic/alerts');
  });

  it('links lead from one thing to the next, and back leads back', async () => {
    await open('service/merge-duel-ranked');
    await page.click('#details-body .links a:has-text("ranked-shots")');
    await untilState(page, 'the topic', (s) => s.open === 'topic/ranked-shots');
    await page.click('#details-body .links a:has-text("score-ranked")');
    await untilState(page, 'the service', (s) => s.open === 'service/score-ranked');
    await page.goBack();
    await untilState(page, 'the topic again', (s) => s.open === 'topic/ranked-shots');
    await page.goto(`${gameflow.url}/studio#topic/nothing-like-it`);
    await untilState(page, 'nothing', (s) => s.polls > 0 && s.open === '');
  });

  it('the overview leads here', async () => {
    page = await openPage(browser, gameflow.url, '/');
    await page.click('#services a:has-text("score-duel")');
    await untilState(page, 'the service', (s) => s.open === 'service/score-duel');
  });

  it('axe finds nothing: light and dark, wide and narrow, closed and open', async () => {
    for (const hash of ['', 'topic/duel-shots', kState, 'operator/watch-duel-ranked/0', 'service/watch-duel-ranked']) {
      for (const [colorScheme, viewport] of looks(hash)) {
        await open(hash, {colorScheme, viewport, reducedMotion: 'reduce', bypassCSP: true});
        if (hash !== '') await untilState(page, hash, (s) => s.open === hash && s.polls > 1);
        assert.deepEqual(await violations(page), [], `${hash} ${colorScheme} ${viewport.width}`);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width, `${hash} scrolls sideways at ${viewport.width}`);
        await page.context().close();
      }
    }
  });

  it('screenshots', async () => {
    const to = join(kRoot, 'build', 'screenshots');
    mkdirSync(to, {recursive: true});
    const list = {graph: '', topic: 'topic/duel-and-ranked', state: kState, operator: 'operator/watch-duel-ranked/0', service: 'service/watch-duel-ranked'};
    for (const [name, hash] of Object.entries(list)) {
      for (const [colorScheme, viewport] of looks(hash)) {
        await produce(20);
        await open(hash, {colorScheme, viewport});
        await untilState(page, 'polls', (s) => s.polls > 2);
        await page.screenshot({path: join(to, `studio-${name}-${colorScheme}-${viewport.width}.png`), animations: 'disabled'});
        assert.deepEqual(page.problems, [], `${name} ${colorScheme} ${viewport.width}`);
        await page.context().close();
      }
    }
  });

  it('kill -9: says so, keeps what is shown, and goes on', async () => {
    await open('topic/duel-scores');
    await untilState(page, 'filled', (s) => s.view?.shown.length > 0);
    await gameflow.kill();
    await untilState(page, 'disconnected', (s) => s.status === 'disconnected', 10_000);
    await page.waitForSelector('#gone:not([hidden])');
    assert.equal(await page.locator('.node').count(), Object.keys((await dashState(page)).nodes).length);
    await gameflow.start();
    await untilState(page, 'back', (s) => s.status !== 'disconnected');
    await produce(50);
    await untilState(page, 'live again', (s) => s.status === 'live' && s.open === 'topic/duel-scores', 60_000);
    await page.waitForSelector('#gone', {state: 'hidden'});
    page.problems = page.problems.filter((text) => !kOutage.test(text));
  });

  it('a server without a dataflow says so', async () => {
    page = await openPage(browser, gameflow.url, '/');  // an origin to answer from
    await page.route('**/dataflow', (route) => route.fulfill({status: 404, contentType: 'application/json', body: '{"error":{"code":"not_found","message":"topics only"}}'}));
    await page.goto(`${gameflow.url}/studio`);
    await page.waitForSelector('#none:not([hidden])');
    assert.equal(await page.textContent('#none code'), 'gameflow run dataflow.yaml');
    page.problems = page.problems.filter((text) => !/404/.test(text));
  });
});
