// web/live.js against a server that misbehaves on command: alone, and behind pages.

import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, describe, it} from 'node:test';
import {FakeServer} from './fake_server.mjs';
import {dashState, launchBrowser, openPage, until, untilState} from './harness.mjs';

const kTopic = 'counts';
const kWindow = 5_000, kTail = 60;

describe('live client', {timeout: 120_000}, () => {
  let browser, server, page;
  let end = 0;  // of the newest window

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    server = await new FakeServer().listen();
    end = Math.floor(Date.now() / kWindow) * kWindow - 10 * kWindow;
  });
  afterEach(async () => {
    await page?.context().close();
    page = null;
    await server.stop();
  });

  function closeWindows(count) {
    for (let i = 0; i < count; ++i) {
      end += kWindow;
      server.append(kTopic, i + 2, {timestamp: end});
    }
  }
  // Nothing but the client; `last` is the value that it handed on last.
  async function follow(period = kWindow) {
    page = await openPage(browser, server.url, '/topics');
    await page.evaluate(async ([name, tail, expected]) => {
      const {LiveTopic} = await import('/stat/live.js');
      let last = null;
      const topic = new LiveTopic(name, {tail: () => tail, period: () => expected, onRecord: ({value}) => (last = value), onReset: () => (last = null)});
      window.__dash = {state: () => ({status: topic.status, topic: topic.state(), last})};
    }, [kTopic, kTail, period]);
  }
  const received = (count) => untilState(page, `${count} records`, (s) => s.topic.received === count);

  it('a topic that does not exist is said, and followed once it does', async () => {
    page = await openPage(browser, server.url, `/stat/page-echarts.html?topic=${kTopic}`);
    await untilState(page, 'missing', (s) => s.status === 'missing');
    await page.waitForSelector('#empty-title:has-text("There is no topic counts")');
    server.create(kTopic);
    await untilState(page, 'empty', (s) => s.status === 'empty');
    await page.waitForSelector('#empty-title:has-text("Nothing to draw yet")');
    server.append(kTopic, 1);
    await untilState(page, 'live', (s) => s.status === 'live' && s.points === 1);
  });

  it('a chart without a topic says whether the server answers', async () => {
    page = await openPage(browser, server.url, '/stat/page-echarts.html');
    await untilState(page, 'empty', (s) => s.status === 'empty');
    const {port} = server;
    await server.stop();
    await untilState(page, 'disconnected', (s) => s.status === 'disconnected');
    server.create('first');
    server.append('first', {x: 1, y: 2});
    await server.listen(port);
    await untilState(page, 'a point', (s) => s.name === 'first' && s.points === 1);
  });

  it('offers no command made from a name that a shell would act on', async () => {
    page = await openPage(browser, server.url, '/stat/page-echarts.html?topic=some-topic');
    const command = page.locator('#empty-command');
    await page.waitForSelector('#empty:not([hidden])');
    assert.equal(await command.locator('code').textContent(), `curl -d '{"name":"some-topic"}' ${server.url}/topics`);
    await page.goto(`${server.url}/stat/page-echarts.html?topic=${encodeURIComponent("x';id;'")}`);
    await page.waitForSelector('#empty:not([hidden])');
    assert.ok(await command.isHidden());
  });

  it('begins with what the view holds, not with the whole history', async () => {
    server.create(kTopic);
    closeWindows(500);
    await follow();
    const {topic} = await received(60);
    assert.deepEqual(topic.partitions, {0: {first: 440, next: 500}});
    assert.equal(topic.skipped, 0);
  });

  it('drops what comes twice, counts what is missing, survives nonsense', async () => {
    server.create(kTopic);
    closeWindows(3);
    await follow();
    await received(3);
    server.send(kTopic, server.frame(kTopic, 0, 1));
    server.send(kTopic, server.frame(kTopic, 0, 2));
    for (const text of ['', '{', 'null', '[]', '{"partition":0}', '{"partition":0,"offset":-0.5,"value":1}', '{"event":"news"}']) {
      server.send(kTopic, text);
    }
    server.send(kTopic, JSON.stringify({partition: 0, offset: 7, timestamp: end + kWindow, key: null, value: 9}));
    const {topic, status} = await untilState(page, 'the good one', (s) => s.last === 9);
    assert.equal(topic.duplicates, 2);
    assert.equal(topic.invalid, 7);
    assert.equal(topic.gaps, 4);
    assert.equal(topic.received, 4);
    assert.notEqual(status, 'disconnected');
  });

  it('resumes where it was when the socket is cut', async () => {
    server.create(kTopic, 2);
    closeWindows(3);
    await follow();
    await received(3);
    server.cut(kTopic);
    closeWindows(2);
    server.append(kTopic, 5, {partition: 1, timestamp: end + kWindow});  // was empty before
    const {topic} = await received(6);
    assert.deepEqual(topic.partitions, {0: {first: 0, next: 5}, 1: {first: 0, next: 1}});
    assert.equal(topic.duplicates + topic.gaps + topic.skipped, 0);
    assert.equal(topic.connections, 2);
  });

  it('after a long outage reads what the view holds and counts the rest', async () => {
    server.create(kTopic);
    closeWindows(2);
    await follow();
    await received(2);
    const {port} = server;
    await server.stop();
    await untilState(page, 'disconnected', (s) => s.status === 'disconnected');
    closeWindows(100);
    await server.listen(port);
    const {topic} = await received(62);
    assert.equal(topic.skipped, 40);
    assert.equal(topic.gaps, 0);
  });

  it('retention that was faster is counted as lost', async () => {
    server.create(kTopic);
    closeWindows(2);
    await follow();
    await received(2);
    const {port} = server;
    await server.stop();
    closeWindows(10);
    server.drop(kTopic, 0, 5);
    await server.listen(port);
    const {topic} = await received(9);
    assert.equal(topic.lost, 3);
    server.send(kTopic, '{"event":"reset","partition":0,"begin":20}');
    const {topic: later} = await untilState(page, 'reset', (s) => s.topic.resets === 1);
    assert.equal(later.lost, 3 + 8);
  });

  it('a topic made anew clears the page', async () => {
    server.create(kTopic);
    closeWindows(4);
    await follow();
    await received(4);
    server.create(kTopic);
    closeWindows(4);  // as many records as before: only the id tells
    const {topic} = await received(8);
    assert.equal(topic.resets, 1);
    assert.deepEqual(topic.partitions, {0: {first: 0, next: 4}});
    assert.equal(topic.recent.length, 4);
  });

  it('old results are stale at once, new ones are live, silence becomes stale', async () => {
    server.create(kTopic);
    closeWindows(3);
    await follow(1_000);
    await untilState(page, 'stale', (s) => s.status === 'stale');
    server.append(kTopic, 2);
    await untilState(page, 'live', (s) => s.status === 'live');
    await untilState(page, 'stale', (s) => s.status === 'stale');
  });

  it('a chart of any topic becomes stale too', async () => {
    server.create('some-topic');
    for (let i = 0; i < 3; ++i) server.append('some-topic', {x: i, y: i}, {timestamp: Date.now() - 60_000 + 1_000 * i});
    page = await openPage(browser, server.url, '/stat/page-echarts.html?topic=some-topic');
    await untilState(page, 'stale', (s) => s.status === 'stale' && s.points === 3);
    await page.waitForSelector('#status[data-status="stale"]');
    assert.equal(await page.textContent('#status-word'), 'Stale');
    assert.match(await page.textContent('#status-age'), /^(\d+ min )?\d+ s old$/);
    server.append('some-topic', {x: 3, y: 3});
    await untilState(page, 'live', (s) => s.status === 'live' && s.points === 4);
  });

  it('a socket that died without a word is found out', async () => {
    server.create(kTopic);
    closeWindows(2);
    await follow();
    await received(2);
    server.forget(kTopic);  // stays open, says nothing any more
    closeWindows(1);
    const {topic} = await received(3);
    assert.equal(topic.connections, 2);
    assert.equal(topic.gaps + topic.duplicates, 0);
  });

  it('a topic that is faster than the page is skipped to its last records', async () => {
    server.create(kTopic);
    closeWindows(60);
    await follow();
    await received(60);
    server.stall(kTopic);
    closeWindows(200);
    for (let offset = 60; offset < 120; ++offset) server.send(kTopic, server.frame(kTopic, 0, offset));
    const {topic, last} = await untilState(page, 'the newest window', (s) => s.topic.partitions[0].next === 260);
    assert.ok(topic.skipped > 0);
    assert.equal(topic.received + topic.skipped, 260);
    assert.equal(topic.gaps + topic.duplicates, 0);
    assert.equal(topic.connections, 2);
    assert.equal(last, 201);
  });

  it('the overview of a server without a dataflow shows its topics', async () => {
    server.create('any-topic');
    server.append('any-topic', {x: 1, y: 2});
    page = await openPage(browser, server.url, '/');
    await untilState(page, 'a row', (s) => s.topics['any-topic']?.records === 1);
    await page.waitForSelector('#topics tbody tr');
    assert.equal((await dashState(page)).counters.windows_closed, 0);
  });

  it('the overview of an idle server says how old its newest event is', async () => {
    const hour = 3_600_000, now = Date.now(), newest = now - 2 * hour;
    server.create('input');
    server.append('input', {x: 1});
    const partitions = [{partition: 0, next_offset: 1, end_offset: 1, lag: 0, watermark: newest, idle: true}];
    const counters = {records_in: 1, records_out: 0, records_late: 0, records_dead: 0, windows_open: 0, windows_closed: 1};
    server.dataflow = {name: 'idle', version: '1', now, dead_letter_topic: 'dead', topics: ['input'],
      services: [{name: 'service', sources: [{topic: 'input', partitions}], sinks: [], states: [], watermark: newest, counters}]};
    page = await openPage(browser, server.url, '/');
    await untilState(page, 'stale', (s) => s.status === 'stale');
    await page.waitForSelector('#status[data-status="stale"]');
    assert.match(await page.textContent('#status-age'), /^2 h 0 min old$/);
    server.append('input', {x: 2});
    await untilState(page, 'live', (s) => s.status === 'live');
  });

  it('the overview goes on with its history after a reload, and leads to the dead letters', async () => {
    server.create('input');
    server.append('input', {x: 1});
    const counters = {records_in: 1, records_out: 0, records_late: 0, records_dead: 3, windows_open: 0, windows_closed: 1};
    server.dataflow = {name: 'any', version: '1', now: Date.now(), dead_letter_topic: 'not/fitting', topics: ['input'],
      services: [{name: 'service', sources: [{topic: 'input', partitions: []}], sinks: [], states: [], watermark: null, counters}]};
    page = await openPage(browser, server.url, '/');
    const seen = () => page.evaluate(() => ({
      polls: window.__dash?.state().polls,
      points: document.querySelector('#rate-spark polyline')?.getAttribute('points')?.split(' ').length,
    }));
    await until('a history', async () => (await seen()).points >= 4);
    assert.equal(await page.getAttribute('#dead', 'href'), 'studio#topic/not%2Ffitting');
    await page.reload();
    await until('more points than polls', async () => {
      const {polls, points} = await seen();
      return polls > 0 && points > polls + 2;
    });
  });

  it('the rate of a slow topic does not flicker', async () => {
    server.create('slow');
    server.append('slow', 1);
    page = await openPage(browser, server.url, '/');
    await untilState(page, 'a poll', (s) => s.polls > 0);
    server.append('slow', 2);
    const {polls} = await untilState(page, 'a rate', (s) => s.topics.slow.rate > 0);
    const {topics} = await untilState(page, 'later polls', (s) => s.polls > polls + 5);
    assert.ok(topics.slow.rate > 0 && topics.slow.rate < 0.5, `${topics.slow.rate}`);
  });
});
