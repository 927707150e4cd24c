// quit() where the server can't serve. A failure here is a quit() that never settles: a process that does not end, and an
// `await using` that hangs, for as long as somebody else's master is away.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const TIMED_OUT = { code: 'ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT', mayHaveRun: false };

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number, options: RedisOptions = {}) => new Redis({ port, loop, ...options });

const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';
const MASTERDOWN =
  "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n";

/** Servers that can't serve, by what they say to a greeting. */
const UNABLE = {
  'loads its data': { GREETING: LOADING, PING: LOADING },
  'loads before it knows anybody': { HELLO: LOADING },
  'has no master': { GREETING: MASTERDOWN, PING: MASTERDOWN },
  'says nothing': { HELLO: '' },
  'stops in the middle of its greeting': { HELLO: '%1\r\n+pro' },
};

const LARGE = 'x'.repeat(100_000);

/** What stands ahead of the QUIT. */
const AHEAD: Record<string, (redis: Redis) => Promise<unknown>> = {
  'a command': (redis) => redis.get('a'),
  'one that waits at the server': (redis) => redis.blpop('a', 0),
  'a transaction': (redis) => redis.multi().get('a').exec(),
  'a pipeline': async (redis) => {
    const [result] = await redis.pipeline().get('a').exec();
    throw result?.[0];
  },
  'large ones': (redis) => Promise.all(Array.from({ length: 64 }, () => redis.set('a', LARGE))),
};

describe.each(Object.entries(UNABLE))('a server that %s', (_, answers) => {
  test.each(Object.entries(AHEAD))('is left once %s has timed out', async (_, ahead) => {
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { commandTimeout: 100, connectTimeout: null });
    await server.connected();
    const ended = nextEvent(redis, 'end');
    const before = ahead(redis);
    const quit = redis.quit();
    await expect(before).rejects.toMatchObject(TIMED_OUT);
    expect(await quit).toBe('OK');
    await ended;
    expect(redis.stats()).toMatchObject({ waiting: 0, pending: 0 });
  });

  test('is left at once where all has timed out before', async () => {
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { commandTimeout: 50, connectTimeout: null });
    await expect(redis.get('a')).rejects.toMatchObject(TIMED_OUT);
    expect(await redis.quit()).toBe('OK');
  });

  test('is left at once where only recurring commands wait', async () => {
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { connectTimeout: null });
    const beats = Array.from({ length: 5 }, () =>
      redis.repeat(['GET', 'a'], { everyMs: 5, firstAfterMs: 0 }),
    );
    await expect.poll(() => beats.every((beat) => beat.stats().failed > 0)).toBe(true);
    expect(await redis.quit()).toBe('OK');
    for (const beat of beats) expect(await beat.ended).toEqual({ reason: 'stopped' });
  });

  test('is left once the last guest has left with what it waited for', async () => {
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { connectTimeout: null });
    await server.connected();
    const guest = Redis.attach(redis.handle);
    const lost = guest.get('a');
    guest.disconnect();
    await expect(lost).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
    expect(await redis.quit()).toBe('OK');
  });

  test('is left by guests that quit one after the other', async () => {
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { commandTimeout: 100, connectTimeout: null });
    const guest = Redis.attach(redis.handle);
    const settled = Promise.allSettled([guest.get('a'), guest.quit(), redis.get('b')]);
    const quit = redis.quit();
    expect(await settled).toMatchObject([
      { reason: TIMED_OUT },
      { value: 'OK' },
      { reason: TIMED_OUT },
    ]);
    expect(await quit).toBe('OK');
  });
});

test('a replica without its master is left once what it owes has timed out', async () => {
  const stale = ['--replicaof', '127.0.0.1', '1', '--replica-serve-stale-data', 'no'];
  await using server = await startRedisServer({ args: stale });
  const redis = client(server.port, { commandTimeout: 100 });
  const beat = redis.repeat(['INCR', 'n'], { everyMs: 5 });
  await nextEvent(redis, 'connect');
  const got = redis.get('a');
  const quit = redis.quit();
  await expect(got).rejects.toMatchObject(TIMED_OUT);
  expect(await quit).toBe('OK');
  expect(await beat.ended).toEqual({ reason: 'stopped' });
});

test('what has no deadline is waited for', async () => {
  const answers = { GREETING: LOADING, PING: LOADING, GET: '$1\r\nv\r\n', INCR: ':1\r\n' };
  await using server = await FakeServer.start(answers);
  const redis = client(server.port);
  const settled = Promise.all([redis.get('a'), redis.incr('n'), redis.quit()]);
  await server.received('PING');
  await server.answer({ PING: '+PONG\r\n' });
  expect(await settled).toEqual(['v', 1, 'OK']);
  expect(server.commands.filter(([name]) => name !== 'PING')).toEqual([
    ['GET', 'a'],
    ['INCR', 'n'],
  ]);
});

test('the run of a recurring command that has ended is not sent any more', async () => {
  await using server = await FakeServer.start({ HELLO: '', INCR: ':1\r\n', GET: '$1\r\nv\r\n' });
  const redis = client(server.port);
  const beat = redis.repeat(['INCR', 'n'], { everyMs: 5 });
  await expect.poll(() => beat.stats().failed).toBeGreaterThan(0);
  const connection = await server.received('HELLO');
  beat.stop();
  const got = redis.get('a');
  await beat.ended;
  await server.write(connection, '%1\r\n+proto\r\n:3\r\n');
  expect(await got).toBe('v');
  // The server's own account comes by another way than its reply.
  await expect.poll(() => server.commands).toEqual([['GET', 'a']]);
  await redis.quit();
});
