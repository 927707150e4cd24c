// What is given as a signal where one is taken. A failure means a command, a job or a call that has begun although its caller
// was told of a wrong argument, and that he has nothing to end it with; or a signal of another library that is refused in one
// place and taken in the next.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkSignal } from '../lib/abort-listeners.js';
import { Caller, expose } from '../lib/bridge/index.js';
import * as fs from '../lib/fs/index.js';
import { EventLoop } from '../lib/index.js';
import { acquire, Consumer, Producer } from '../lib/lease/index.js';
import * as net from '../lib/net/index.js';
import { Redis } from '../lib/redis/index.js';
import { Dag } from '../lib/scheduler/index.js';
import * as timers from '../lib/timers/promises.js';

const folder = mkdtempSync(join(tmpdir(), 'sideloop-signal-'));
const loop = new EventLoop();
// Nobody listens there: what is staged for it stays pending, and can be counted.
const redis = new Redis({ loop, port: 1, reconnectMaxDelay: 60_000, lazyConnect: true });
redis.on('error', () => {});
const producer = new Producer(redis, { stream: 'jobs' });
const full = new Producer(redis, { stream: 'jobs', maxPending: 1 });
const consumer = new Consumer(redis, { stream: 'jobs', group: 'g' });
const caller = new Caller(loop);
const calls: string[] = [];
expose(loop, {
  note(name: string) {
    calls.push(name);
  },
  never: () => new Promise(() => {}),
});

afterAll(() => {
  caller.close();
  // At once: a stop would wait for the call that never ends.
  loop.destroy();
  rmSync(folder, { recursive: true });
});

const path = join(folder, 'file');
/** Settles when the thing has ended, however; rejects, or throws, where it does not begin. */
type Taker = (signal: never) => unknown;

const TAKERS: [what: string, take: Taker][] = [
  ['repeat()', (signal) => redis.repeat(['INCR', 'n'], { everyMs: 5, signal })],
  ['acquire()', (signal) => acquire(redis, 'lease', { ttlMs: 60_000, wait: true, signal })],
  ['add()', (signal) => producer.add({ a: 1 }, { signal })],
  ['run()', (signal) => consumer.run(() => {}, { signal })],
  ['setTimeout()', (signal) => timers.setTimeout(1, undefined, { signal })],
  ['setInterval()', (signal) => timers.setInterval(1, undefined, { signal }).next()],
  ['readFile()', (signal) => fs.readFile('/dev/null', { signal, loop })],
  ['writeFile()', (signal) => fs.writeFile(path, 'x', { signal, loop })],
  ['createReadStream()', (signal) => fs.createReadStream('/dev/null', { signal, loop })],
  ['createWriteStream()', (signal) => fs.createWriteStream(path, { signal, loop })],
  ['new Socket()', (signal) => new net.Socket({ signal, loop })],
  ['connect()', (signal) => net.connect({ port: 1, host: '127.0.0.1', signal, loop })],
  ['listen()', (signal) => net.createServer({ loop }).listen({ signal, host: '127.0.0.1' })],
  ['call()', (signal) => caller.with({ signal }).call('note', 'it ran')],
];

const fails = () => {
  throw new Error('no');
};

const WRONG: [what: string, signal: unknown][] = [
  ['null', null],
  ['a text', 'x'],
  ['a number', 5],
  ['true', true],
  ['a symbol', Symbol('signal')],
  ['a function', () => {}],
  ['an object', {}],
  ['an array', []],
  ['a controller', new AbortController()],
  ['what only says that it is not aborted', { aborted: false }],
  ['a prototype', AbortSignal.prototype],
  ['an object with no more than the prototype', Object.create(AbortSignal.prototype)],
  ['one whose state is a text', { aborted: 'no', addEventListener() {} }],
  ['one that takes no listener', { aborted: false, addEventListener: fails }],
  ['one that takes a listener for ever', { aborted: false, addEventListener() {} }],
  [
    'one that does not say whether it is aborted',
    {
      get aborted() {
        return fails();
      },
    },
  ],
];

async function errorOf(take: () => unknown): Promise<unknown> {
  try {
    await take();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a signal that is none is refused before anything begins', () => {
  // In an option of node:net null is as good as nothing, and so it is in sideloop/net.
  const takesNull = ['new Socket()', 'connect()', 'listen()'];
  it.each(TAKERS)('%s', async (what, take) => {
    for (const [kind, signal] of WRONG) {
      if (signal === null && takesNull.includes(what)) continue;
      expect(await errorOf(() => take(signal as never)), kind).toMatchObject({
        name: 'SideloopTypeError',
        code: 'ERR_SIDELOOP_ARGUMENT',
        message: expect.stringContaining('signal must be an AbortSignal'),
      });
    }
    expect(redis.stats().pending).toBe(0);
    expect(existsSync(path)).toBe(false);
    // A call that had been posted would have come before this one.
    await caller.call('note', what);
    expect(calls).not.toContain('it ran');
  });

  it('dag.run()', async () => {
    let runs = 0;
    const dag = new Dag().io('a', { run: () => runs++ });
    for (const [kind, signal] of WRONG) {
      expect(await errorOf(() => dag.run({ signal } as never)), kind).toMatchObject({
        code: 'ERR_SIDELOOP_DAG_BAD_OPTION',
      });
    }
    expect(runs).toBe(0);
  });
});

/** As libraries that bring an AbortController of their own make it. */
class StandIn extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }
}

const closing = (stream: NodeJS.EventEmitter) =>
  new Promise((_, reject) => stream.once('error', reject));

function adding(signal: never): Promise<unknown> {
  full.add({ a: 1 }).catch(() => {});
  return full.add({ a: 1 }, { signal });
}

const ABORTED: [what: string, take: Taker][] = [
  ['acquire()', (signal) => acquire(redis, 'lease', { ttlMs: 60_000, wait: true, signal })],
  ['add()', adding],
  ['setTimeout()', (signal) => timers.setTimeout(1e9, undefined, { signal })],
  ['setInterval()', (signal) => timers.setInterval(1e9, undefined, { signal }).next()],
  ['readFile()', (signal) => fs.readFile('/dev/null', { signal, loop })],
  ['createReadStream()', (signal) => closing(fs.createReadStream('/dev/null', { signal, loop }))],
  ['new Socket()', (signal) => closing(new net.Socket({ signal, loop }))],
  ['call()', (signal) => caller.with({ signal }).call('never')],
];

describe("a signal of another library's ends it", () => {
  it.each(ABORTED)('%s', async (_, take) => {
    const signal = new StandIn();
    const error = errorOf(() => take(signal as never));
    signal.abort('why');
    expect(await error).toMatchObject({ code: 'ABORT_ERR', cause: 'why' });
  });

  it('repeat()', async () => {
    const signal = new StandIn();
    const { ended } = redis.repeat(['PING'], { everyMs: 1e6, signal: signal as never });
    signal.abort('why');
    expect(await ended).toEqual({ reason: 'stopped' });
  });

  it('run()', async () => {
    const signal = new StandIn();
    const ended = consumer.run(() => {}, { signal: signal as never });
    signal.abort('why');
    await ended;
  });
});

it('says what is wrong with the one that fails', () => {
  const why = new Error('no');
  const signal = {
    get aborted() {
      throw why;
    },
  };
  expect(() => checkSignal(signal)).toThrow(expect.objectContaining({ cause: why }));
});
