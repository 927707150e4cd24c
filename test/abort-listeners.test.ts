// Many waits may hang on one signal: that of a request, of a job, of the whole process. Node takes more than ten listeners on
// a signal for a leak and warns, so the package listens once. A failure means warnings in the logs of those who do what the
// docs say, a listener that outlives what it was for, or an abort that somebody does not hear.
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenToAbort } from '../lib/abort-listeners.js';
import { Caller } from '../lib/bridge/index.js';
import * as fs from '../lib/fs/index.js';
import { EventLoop } from '../lib/index.js';
import { acquire, Consumer, Producer } from '../lib/lease/index.js';
import * as net from '../lib/net/index.js';
import { Redis } from '../lib/redis/index.js';
import { Dag } from '../lib/scheduler/index.js';
import * as timers from '../lib/timers/promises.js';

const WAITS = 30;
const folder = mkdtempSync(join(tmpdir(), 'sideloop-abort-'));
const loop = new EventLoop();
// Nobody listens there: what waits for it waits until it is aborted.
const redis = new Redis({ loop, port: 1, reconnectMaxDelay: 60_000, lazyConnect: true });
redis.on('error', () => {});

const warnings: Error[] = [];
const onWarning = (warning: Error) => warnings.push(warning);

beforeEach(() => {
  warnings.length = 0;
  process.on('warning', onWarning);
});

afterEach(() => {
  process.off('warning', onWarning);
});

afterAll(async () => {
  redis.disconnect();
  await loop.stop();
  rmSync(folder, { recursive: true });
});

/** Settles when the thing has ended, however. */
type Wait = (signal: AbortSignal, index: number) => Promise<unknown>;

const full = new Producer(redis, { stream: 'jobs', maxPending: 1 });
const consumer = new Consumer(redis, { stream: 'jobs', group: 'g' });
const closing = (stream: NodeJS.EventEmitter) =>
  new Promise((resolve) => stream.on('error', () => {}).once('close', resolve));

// The first takes the only place, and is not taken back.
function adding(signal: AbortSignal, index: number): Promise<unknown> {
  if (index === 0) full.add({ a: 1 }).catch(() => {});
  return full.add({ a: 1 }, { signal });
}

const WAITING: [what: string, wait: Wait][] = [
  ['acquire()', (signal, i) => acquire(redis, `lease-${i}`, { ttlMs: 60_000, wait: true, signal })],
  ['add()', (signal, i) => adding(signal, i)],
  ['run()', (signal) => consumer.run(() => {}, { signal })],
  ['setTimeout()', (signal) => timers.setTimeout(1e9, undefined, { signal })],
  ['setInterval()', (signal) => timers.setInterval(1e9, undefined, { signal }).next()],
  ['repeat()', (signal) => redis.repeat(['PING'], { everyMs: 1e6, signal }).ended],
  [
    'dag.run()',
    (signal) => new Dag().io('a', { run: () => new Promise(() => {}) }).run({ signal }),
  ],
  ['readFile()', (signal) => fs.readFile('/dev/tty-that-is-none', { signal, loop })],
  [
    'createWriteStream()',
    (signal, i) => closing(fs.createWriteStream(join(folder, `${i}`), { signal, loop })),
  ],
  ['new Socket()', (signal) => closing(new net.Socket({ signal, loop }))],
  ['connect()', (signal) => closing(net.connect({ port: 1, host: 'x', lookup: () => {}, signal }))],
  ['listen()', (signal) => closing(net.createServer({ loop }).listen({ signal, host: '::1' }))],
  ['call()', (signal) => new Caller(loop).with({ signal }).call('nobody')],
];

describe('a signal that many wait on', () => {
  it.each(WAITING)('has one listener: %s', async (_, wait) => {
    const controller = new AbortController();
    const { signal } = controller;
    const ends = Array.from({ length: WAITS }, (_, i) => wait(signal, i).catch((error) => error));
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    // One more for the consumer of ticks, or the test would end before a warning is told.
    await new Promise((resolve) => process.nextTick(resolve));
    controller.abort();
    await Promise.all(ends);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  it('has none when all that waited has ended', async () => {
    const { signal } = new AbortController();
    await Promise.all(
      Array.from({ length: WAITS }, (_, i) => timers.setTimeout(i / 10, i, { signal })),
    );
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('tells all but those who left, in the order in which they came, once', () => {
    const controller = new AbortController();
    const told: number[] = [];
    const leave = Array.from({ length: 5 }, (_, i) =>
      listenToAbort(controller.signal, () => told.push(i)),
    );
    leave[1]?.();
    leave[1]?.();
    controller.abort();
    controller.abort();
    leave[3]?.();
    expect(told).toEqual([0, 2, 3, 4]);
  });

  it('does not tell whom another has made leave', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const leave: (() => void)[] = [];
    listenToAbort(controller.signal, () => {
      told.push('first');
      leave[0]?.();
    });
    leave.push(listenToAbort(controller.signal, () => told.push('second')));
    controller.abort();
    expect(told).toEqual(['first']);
  });

  it('tells one twice who listens twice', () => {
    const controller = new AbortController();
    let count = 0;
    const listener = () => count++;
    const leave = listenToAbort(controller.signal, listener);
    listenToAbort(controller.signal, listener);
    listenToAbort(controller.signal, listener);
    leave();
    controller.abort();
    expect(count).toBe(2);
  });

  it('listens anew after the last has left', () => {
    const controller = new AbortController();
    listenToAbort(controller.signal, () => {})();
    let heard = false;
    listenToAbort(controller.signal, () => {
      heard = true;
    });
    controller.abort();
    expect(heard).toBe(true);
  });
});
