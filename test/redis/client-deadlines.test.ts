// The clocks of a connection. A failure here is a client that hangs on a dead server, or one that
// gives up on a server which had answered in time.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { blockThread } from '../block-thread.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';

const TIMED_OUT = 'ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT';
const SILENT = 'ERR_SIDELOOP_REDIS_SILENT';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number, options: RedisOptions = {}) =>
  new Redis({ port, loop, reconnectMinDelay: 5, reconnectMaxDelay: 20, ...options });

/** Stops the server's process for as long as `body` takes. */
async function whilePaused(server: RedisServer, body: () => Promise<void>): Promise<void> {
  process.kill(server.pid, 'SIGSTOP');
  try {
    await body();
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
}

test('a deadline that is over behind a blocking command settles no promise but its own', async () => {
  await using server = await startRedisServer();
  const redis = client(server.port, { commandTimeout: 50 });
  const other = client(server.port);
  await other.set('k', 'value');
  const popped = redis.blpop('list', 0);
  const behind = [redis.get('k'), redis.get('none'), redis.incr('n')];
  // A second turn: by now they are overdue at the loop thread, or will be before the push.
  const settled = Promise.allSettled(behind);
  blockThread(200);
  await other.rpush('list', 'item');
  expect(await popped).toEqual(['list', 'item']);
  const outcomes = await settled;
  const answers = ['value', null, 1];
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') expect(outcome.value).toBe(answers[i]);
    else expect(outcome.reason).toMatchObject({ code: TIMED_OUT });
  }
  expect(await redis.get('k')).toBe('value');
});

describe('connectTimeout', () => {
  test('ends an attempt whose handshake gets no answer', async () => {
    await using server = await FakeServer.start({ HELLO: {} });
    const redis = client(server.port, { connectTimeout: 500, maxRetriesPerRequest: 1 });
    await expect(redis.get('k')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_CONNECT_TIMEOUT',
      mayHaveRun: false,
      message: expect.stringContaining('500 ms'),
    });
    expect(server.commands).toEqual([]);
    // It goes on trying, and is well once the server is.
    await server.answer({ HELLO: '*0\r\n', GET: '+well\r\n' });
    expect(await redis.get('k')).toBe('well');
  });

  test('ends an attempt in the middle of the handshake', async () => {
    await using server = await FakeServer.start({ SELECT: {} });
    const redis = client(server.port, { connectTimeout: 60, db: 3, reconnect: false });
    await expect(redis.get('k')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_CONNECT_TIMEOUT',
    });
  });

  test('ends an attempt on a server whose process is stopped', async () => {
    await using server = await startRedisServer();
    await whilePaused(server, async () => {
      const redis = client(server.port, { connectTimeout: 60, maxRetriesPerRequest: 0 });
      await expect(redis.get('k')).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_REDIS_CONNECT_TIMEOUT',
      });
    });
  });
});

describe('silenceTimeout', () => {
  test('gives up a server that says nothing, and comes back to it', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { silenceTimeout: 1000 });
    await redis.set('k', 'v');
    await whilePaused(server, async () => {
      const started = performance.now();
      await expect(redis.get('k')).rejects.toMatchObject({ code: SILENT, mayHaveRun: true });
      expect(performance.now() - started).toBeGreaterThanOrEqual(995);
    });
    expect(await redis.get('k')).toBe('v');
    expect(redis.stats().connects).toBe(2);
  });

  test('leaves a command alone that may block at the server', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { silenceTimeout: 1000 });
    expect(await redis.blpop('none', 2.2)).toBeNull();
    expect(await redis.call('BLPOP', 'none', 2.1)).toBeNull();
    expect(redis.stats().connects).toBe(1);
  });

  test('does not count the time in which nothing was asked', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { silenceTimeout: 1000 });
    await redis.ping();
    // A window in which nothing is asked.
    await loopIdles(1500);
    expect(await redis.ping()).toBe('PONG');
    expect(redis.stats().connects).toBe(1);
  });

  test('is kept while this thread is blocked', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { silenceTimeout: 100 });
    redis.get('k').catch(() => {});
    await server.received('GET');
    blockThread(400);
    // Nobody here could have done anything about it: the loop thread did.
    expect(redis.stats().failed).toBe(1);
  });
});

describe('commandTimeout', () => {
  test('rejects the late command, and the connection goes on', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 1500 });
    const late = redis.get('late');
    const connection = await server.received('GET');
    await expect(late).rejects.toMatchObject({
      code: TIMED_OUT,
      command: 'GET',
      mayHaveRun: true,
      message: expect.stringContaining('1500 ms'),
    });
    // The late reply is there before that of the next command, and must not be taken for it.
    const next = redis.get('next');
    await server.received('GET', 2);
    await server.write(connection, '$4\r\nlate\r\n$4\r\nnext\r\n');
    expect(await next).toBe('next');
    expect(redis.stats().connects).toBe(1);
  });

  test('is kept for commands that waited for the handshake', async () => {
    await using server = await FakeServer.start({ HELLO: { reply: '*0\r\n', afterMs: 30 } });
    const redis = client(server.port, { commandTimeout: 1500 });
    await expect(redis.get('k')).rejects.toMatchObject({ code: TIMED_OUT, mayHaveRun: true });
  });

  test('rejects what has not been sent as what has not run', async () => {
    await using server = await FakeServer.start({ HELLO: {} });
    const redis = client(server.port, { commandTimeout: 60 });
    await expect(redis.get('k')).rejects.toMatchObject({ code: TIMED_OUT, mayHaveRun: false });
  });

  test('swallows the second half of a reply whose first half came in time', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 1500 });
    const late = redis.get('late');
    const connection = await server.received('GET');
    await server.write(connection, '*2\r\n$4\r\nhal');
    await expect(late).rejects.toMatchObject({ code: TIMED_OUT });
    const next = redis.get('next');
    await server.received('GET', 2);
    await server.write(connection, 'f\r\n:7\r\n$4\r\nnext\r\n');
    expect(await next).toBe('next');
    expect(redis.stats().connects).toBe(1);
  });

  // Its reply is owed still, and has its place: a failure here is a client that stays full, or replies that meet others.
  test('makes room for the next command, however many the server owes', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 50, maxPendingCommands: 2 });
    // What is late before there is a connection is not owed.
    await redis.connect();
    const ROUNDS = 20;
    for (let round = 0; round < ROUNDS; round++) {
      const late = [redis.get('k'), redis.getBuffer('k')];
      await expect(redis.get('k')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_FULL' });
      for (const outcome of await Promise.allSettled(late)) {
        expect(outcome).toMatchObject({ reason: { code: TIMED_OUT } });
      }
    }
    const connection = await server.received('GET');
    expect(redis.stats()).toMatchObject({ pending: 0, inFlight: 2 * ROUNDS });
    await server.answer({ ECHO: '$4\r\nmine\r\n' });
    await server.write(connection, '$4\r\nlate\r\n'.repeat(2 * ROUNDS));
    await expect.poll(() => redis.stats().inFlight).toBe(0);
    // Each of them may be late too, on a busy machine.
    await expect.poll(() => redis.echo('mine').catch(() => 'late')).toBe('mine');
    expect(redis.stats().connects).toBe(1);
  });

  test('gives what a stopped server does not take to nobody', async () => {
    const ROUNDS = 64;
    const value = Buffer.alloc(64 * 1024);
    await using server = await startRedisServer();
    const redis = client(server.port, { commandTimeout: 50, maxPendingBytes: 2 ** 21 });
    await redis.connect();
    await whilePaused(server, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const sets = Array.from({ length: 16 }, (_, i) => redis.set(`k${i}`, value));
        for (const outcome of await Promise.allSettled(sets)) {
          expect(outcome).toMatchObject({ reason: { code: TIMED_OUT } });
        }
        expect(redis.stats()).toMatchObject({ pending: 0, waiting: 0 });
      }
      // What both kernels keep of a socket; the rest is gone.
      expect(redis.stats().bytesSent).toBeLessThan((ROUNDS * 2 ** 20) / 2);
    });
    await expect.poll(() => redis.echo('mine').catch(() => 'late')).toBe('mine');
    expect(redis.stats().connects).toBe(1);
  });

  test('leaves a command alone that may block at the server', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { commandTimeout: 1000 });
    expect(await redis.blpop('none', 1.2)).toBeNull();
    expect(await redis.ping()).toBe('PONG');
  });

  // ioredis rejects all of these: its timer runs before its socket is read.
  test('judges by when the reply arrived, however long this thread was blocked', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { commandTimeout: 2000 });
    await redis.set('k', 'v');
    const replies = Array.from({ length: 1000 }, () => redis.get('k'));
    // The commands leave at the end of this turn, the blocking begins after it.
    await new Promise((resolve) => process.nextTick(resolve));
    blockThread(2500);
    expect(new Set(await Promise.all(replies))).toEqual(new Set(['v']));
    expect(redis.stats().failed).toBe(0);
  });

  test('is kept to the ms by the loop thread while this one is blocked', async () => {
    await using server = await FakeServer.start({ GET: { reply: '+late\r\n', afterMs: 400 } });
    const redis = client(server.port, { commandTimeout: 200 });
    await redis.connect();
    const late = redis.get('k').catch((error) => error.code);
    await new Promise((resolve) => process.nextTick(resolve));
    blockThread(600);
    expect(redis.stats().failed).toBe(1);
    expect(await late).toBe(TIMED_OUT);
  });
});

/** Lets time pass: that nothing happens in it is what the test is about. */
function loopIdles(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
