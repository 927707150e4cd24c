// An option that is misspelt must never be one that vanishes: `{ delay: 1000 }` would add a job at once, and
// `{ deadlineMS: 100 }` wait for 5000 ms. Every function that takes options refuses a name that is none of them, says which
// was meant, and has done nothing. A failure means that some option is taken in silence, or a right one is refused.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Caller, forwardOutput, Reporter } from '../lib/bridge/index.js';
import * as fs from '../lib/fs/index.js';
import { EventLoop } from '../lib/index.js';
import { acquire, Consumer, Producer } from '../lib/lease/index.js';
import { Job, type JobOwner } from '../lib/lease/job.js';
import * as net from '../lib/net/index.js';
import { checkedOptions, checkNames, nearestOf } from '../lib/options.js';
import { Redis } from '../lib/redis/index.js';
import { Dag } from '../lib/scheduler/index.js';
import { FrameBatcher } from '../lib/timers/index.js';
import * as timers from '../lib/timers/promises.js';

const folder = mkdtempSync(join(tmpdir(), 'sideloop-options-'));
const loop = new EventLoop();
// Nobody listens there, and nothing is ever sent.
const redis = new Redis({ loop, port: 1, lazyConnect: true });
const file = join(folder, 'never-made');

afterAll(async () => {
  redis.disconnect();
  await loop.stop();
  rmSync(folder, { recursive: true });
});

type Case = [what: string, misspelt: string, meant: string, call: (options: never) => unknown];

const producer = new Producer(redis, { stream: 'jobs' });
const producing = (more: object) => ({ stream: 'jobs', ...more });
const consuming = (more: object) => ({ stream: 'jobs', group: 'g', ...more });
const consumer = new Consumer(redis, consuming({}) as never);
const entry = { id: '1-1', attempt: 1, fields: {}, words: [] };
const job = new Job({} as JobOwner, 0, 0, entry, 'jobs', undefined);
const item = [1];

const ARGUMENT: Case[] = [
  ['new EventLoop()', 'mailBoxCapacity', 'mailboxCapacity', (o) => new EventLoop(o)],
  ['post()', 'prioritiy', 'priority', (o) => loop.post(() => {}, o)],
  ['stop()', 'deadline', 'deadlineMs', (o) => new EventLoop().stop(o)],
  ['acquire()', 'ttl', 'ttlMs', (o) => acquire(redis, 'k', o)],
  ['acquire(): wait', 'for', 'forMs', (o) => acquire(redis, 'k', { ttlMs: 1000, wait: o })],
  ['new Producer()', 'dedupe', 'dedupeMs', (o: object) => new Producer(redis, producing(o))],
  ['trim', 'maxlen', 'maxLength', (o) => new Producer(redis, { stream: 'jobs', trim: o })],
  ['add()', 'delay', 'delayMs', (o) => producer.add({ a: 1 }, o)],
  [
    'addMany()',
    'idempotenceKey',
    'idempotencyKey',
    (o: object) => producer.addMany([{ fields: { a: 1 } }, { fields: { a: 2 }, ...o }]),
  ],
  ['new Consumer()', 'retryDelay', 'retryDelayMs', (o: object) => consumerOf(o)],
  ['new Consumer()', 'max_attempts', 'maxAttempts', (o: object) => consumerOf(o)],
  ['run()', 'singal', 'signal', (o) => consumer.run(() => {}, o)],
  ['close()', 'deadlineMS', 'deadlineMs', (o) => consumer.close(o)],
  ['fail()', 'retryAfter', 'retryAfterMs', (o) => job.fail(new Error('no'), o)],
  ['new FrameBatcher()', 'frame', 'frameMs', (o) => new FrameBatcher(() => {}, o)],
  ['setTimeout()', 'sginal', 'signal', (o) => timers.setTimeout(1, item, o)],
  ['setInterval()', 'reff', 'ref', (o) => timers.setInterval(1, item, o).next()],
  ['readFile()', 'encodng', 'encoding', (o) => fs.readFile(file, o)],
  ['readFile()', 'flags', 'flag', (o) => fs.readFile(file, o)],
  ['writeFile()', 'flsuh', 'flush', (o) => fs.writeFile(file, 'text', o)],
  ['appendFile()', 'modes', 'mode', (o) => fs.appendFile(file, 'text', o)],
  ['createReadStream()', 'highWatermark', 'highWaterMark', (o) => fs.createReadStream(file, o)],
  ['createWriteStream()', 'autoclose', 'autoClose', (o) => fs.createWriteStream(file, o)],
  ['connect()', 'connectTimeOut', 'connectTimeout', (o: object) => net.connect(connecting(o))],
  ['connect()', 'keepalive', 'keepAlive', (o: object) => net.connect(connecting(o))],
  ['new Socket()', 'allowHalfOpened', 'allowHalfOpen', (o) => new net.Socket(o)],
  ['socket.connect()', 'localAdress', 'localAddress', (o: object) => reconnecting(o)],
  ['createServer()', 'nodelay', 'noDelay', (o) => net.createServer(o)],
  ['listen()', 'ipv6only', 'ipv6Only', (o) => net.createServer().listen(o)],
  ['new Caller()', 'capactiy', 'capacity', (o) => new Caller(loop, o)],
  ['with()', 'deadline', 'deadlineMs', (o) => usingCaller((caller) => caller.with(o))],
  ['new Reporter()', 'sources', 'source', (o) => new Reporter(loop, o)],
  ['forwardOutput()', 'Source', 'source', (o) => forwardOutput(loop, o)],
  ['repeat()', 'every', 'everyMs', (o) => redis.repeat(['PING'], o)],
  ['new Redis()', 'conectTimeout', 'conectTimeout', (o: object) => clientOf(o)],
  ['Redis.attach()', 'whenfull', 'whenfull', (o) => Redis.attach(redis.handle, o)],
];

const DAG: [...Case, code: string][] = [
  ['new Dag()', 'concurency', 'concurrency', (o) => new Dag(o), 'BAD_OPTION'],
  ['concurrency', 'cpus', 'cpu', (o) => new Dag({ concurrency: o }), 'BAD_OPTION'],
  ['pool', 'maxThread', 'maxThreads', (o) => new Dag({ pool: o }), 'BAD_OPTION'],
  ['dag.run()', 'deadline', 'deadlineMs', (o) => new Dag().run(o), 'BAD_OPTION'],
  ['dag.io()', 'need', 'needs', (o: object) => ioNode(o), 'BAD_NODE'],
  ['dag.cpu()', 'exports', 'export', (o: object) => cpuNode(o), 'BAD_NODE'],
];

describe('a misspelt option', () => {
  it.each(ARGUMENT)('of %s: %s', async (_, misspelt, meant, call) => {
    const error = await errorOf(() => call({ [misspelt]: 1 } as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    expect(error.message).toContain(misspelt);
    expect(error.message).toContain(meant);
  });

  it.each(DAG)('of %s: %s', async (_, misspelt, meant, call, code) => {
    const error = await errorOf(() => call({ [misspelt]: 1 } as never));
    expect(error).toMatchObject({ code: `ERR_SIDELOOP_DAG_${code}` });
    expect(error.message).toContain(`'${misspelt}'. Did you mean '${meant}'?`);
  });

  it('has done nothing', async () => {
    expect(readdirSync(folder)).toEqual([]);
    expect(job.settler).toBeUndefined();
    // Neither has close() closed it, nor run() begun.
    expect(consumer.stats().reads).toBe(0);
    expect(producer.stats()).toMatchObject({ pending: 0, waiting: 0, added: 0 });
    await consumer.close();
  });
});

describe('an option whose value is undefined', () => {
  it('counts as not given, whatever its name', () => {
    const options = { name: 'a', delay: undefined };
    expect(checkedOptions(options, { name: true, delay: true }, 'this')).toBe(options);
    checkNames(options, { name: true }, 'this');
    expect(checkedOptions(undefined, {}, 'this')).toEqual({});
  });

  it.each([
    [null],
    [5],
    ['text'],
    [[1]],
    [() => {}],
    [new Map([['a', 1]])],
    [new Set(['a'])],
    [new Date()],
    [/a/],
    [Promise.resolve({ a: 1 })],
    [Object(5)],
    [new ArrayBuffer(1)],
    [new WeakMap()],
    [new Error('a')],
  ])('no options at all are refused: %s', (options) => {
    expect(() => checkNames(options, { a: true }, 'this')).toThrow(
      /options of this must be an object of a, and not/,
    );
  });

  it('is seen where it is inherited, and not where a library has given it to all objects', () => {
    class Base {}
    Object.assign(Base.prototype, { delay: 1 });
    expect(() => checkNames(new Base(), { delayMs: true }, 'this')).toThrow("'delayMs'");
    Object.defineProperty(Object.prototype, 'everywhere', {
      value: 1,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      checkNames({}, {}, 'this');
      expect(() => checkNames({ toString: 1 }, { delayMs: true }, 'this')).toThrow("'toString'");
    } finally {
      delete (Object.prototype as { everywhere?: number }).everywhere;
    }
  });
});

it('the options of an HTTP client pass through a connection', async () => {
  const socket = net.connect({
    ...connecting({}),
    ...{ agent: false, headers: {}, method: 'GET', keepAliveMsecs: 1000, hostname: 'localhost' },
    ...{ maxSockets: 5, scheduling: 'lifo', pathname: '/', servername: '', _agentKey: 'x' },
  } as never);
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

describe('the name that was meant', () => {
  const names = [
    'delayMs',
    'at',
    'priority',
    'partitionKey',
    'idempotencyKey',
    'signal',
    'leaseMs',
  ];

  it.each([
    ['delay', 'delayMs'],
    ['delay_ms', 'delayMs'],
    ['DELAYMS', 'delayMs'],
    ['dleayMs', 'delayMs'],
    ['priorty', 'priority'],
    ['priorities', 'priority'],
    ['partition-key', 'partitionKey'],
    ['key', undefined],
    ['colour', undefined],
    ['', undefined],
  ])('%s: %s', (name, meant) => {
    expect(nearestOf(name, names)).toBe(meant);
  });

  it('costs no more for a long name than for a short one', () => {
    expect(nearestOf('x'.repeat(1_000_000), names)).toBeUndefined();
  });

  it('is left open where none is near: then all are named', () => {
    expect(() => checkNames({ colour: 1 }, { delayMs: true, at: true }, 'add()')).toThrow(
      "add() has no option 'colour'. It has delayMs, at.",
    );
  });
});

function consumerOf(more: object): Consumer {
  return new Consumer(redis, consuming(more) as never);
}

function connecting(more: object): net.ConnectOptions {
  return { port: 1, host: '127.0.0.1', loop, ...more };
}

function reconnecting(more: object): net.Socket {
  return new net.Socket().connect(connecting(more));
}

function clientOf(more: object): Redis {
  return new Redis({ lazyConnect: true, loop, ...more });
}

function ioNode(more: object): unknown {
  return new Dag().io('a', { run: () => 1, ...more });
}

function cpuNode(more: object): unknown {
  return new Dag().cpu('a', { module: '/m.js', ...more });
}

function usingCaller(action: (caller: Caller) => unknown): unknown {
  using caller = new Caller(loop);
  return action(caller);
}

async function errorOf(action: () => unknown): Promise<Error> {
  try {
    await action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}
