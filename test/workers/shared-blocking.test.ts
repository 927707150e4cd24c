// Commands that wait at the server on a connection that becomes a shared one. A failure here is a client that waits for ever
// behind the command of one that has left, or an element that is popped for nobody.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { type Arg, Redis, type RedisOptions } from '../../lib/redis/index.js';
import { nextEvent } from '../redis/next-event.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { startWorker } from './start-worker.js';

const CLOSED = { status: 'rejected', reason: { code: 'ERR_SIDELOOP_REDIS_CLOSED' } };
const DISCONNECTED = 'ERR_SIDELOOP_REDIS_DISCONNECTED';
const UNSUPPORTED = 'ERR_SIDELOOP_REDIS_UNSUPPORTED';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

let loop: EventLoop;
beforeEach(async () => {
  await server.cli('FLUSHALL');
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (options: RedisOptions = {}) =>
  new Redis(server.url, { loop, reconnectMinDelay: 5, reconnectMaxDelay: 20, ...options });

/** Until the server has so many clients that wait. */
const blocked = async (count: number) =>
  expect
    .poll(() => server.cli('INFO', 'clients'), { timeout: 10_000 })
    .toMatch(new RegExp(`blocked_clients:${count}\\r?\\n`));

const WAITING: [name: string, words: Arg[]][] = [
  ['BLPOP', ['jobs', 0]],
  ['BRPOP', ['jobs', 'more', 1000]],
  ['BLMOVE', ['jobs', 'done', 'LEFT', 'RIGHT', 0]],
  ['BRPOPLPUSH', ['jobs', 'done', 0]],
  ['BLMPOP', [0, 1, 'jobs', 'LEFT']],
  ['BZPOPMIN', ['scores', 0]],
  ['BZMPOP', [500, 1, 'scores', 'MIN']],
  ['XREAD', ['BLOCK', 0, 'STREAMS', 'stream', '$']],
  ['XREADGROUP', ['GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 'grouped', '>']],
  ['WAIT', [1, 0]],
];

describe('a client that leaves while its command waits', () => {
  test.each(WAITING)('takes %s %j with it, and the others go on', async (name, words) => {
    await server.cli('XGROUP', 'CREATE', 'grouped', 'g', '$', 'MKSTREAM');
    const redis = client();
    await redis.connect();
    await redis.set('a', '1');
    const outcome = Promise.allSettled([redis.call(name, ...words)]);
    await blocked(1);
    const other = Redis.attach(redis.handle);
    await other.connect();
    // It is behind the one that waits: whether it has run is not known, once that is gone.
    const behind = Promise.allSettled([other.get('a')]);
    await new Promise<void>((resolve) => loop.post(resolve));
    redis.disconnect();
    expect(await outcome).toMatchObject([CLOSED]);
    expect(await behind).toMatchObject([
      { status: 'rejected', reason: { code: DISCONNECTED, mayHaveRun: true } },
    ]);
    await blocked(0);
    expect(await other.rpush('jobs', 'job-1')).toBe(1);
    expect(await other.zadd('scores', 1, 'job-1')).toBe(1);
    expect(await other.call('XLEN', 'grouped')).toBe(0);
    expect(await other.lrange('jobs', 0, -1)).toEqual(['job-1']);
    expect(await other.zcard('scores')).toBe(1);
    expect(other.stats().connects).toBe(2);
  });

  test('is said to those that stay, by the events of a loss', async () => {
    const redis = client();
    await redis.connect();
    redis.blpop('jobs', 0).catch(() => {});
    await blocked(1);
    const others = [Redis.attach(redis.handle), Redis.attach(redis.handle)];
    await Promise.all(others.map((other) => other.connect()));
    const heard = Promise.all(
      others.flatMap((other) => [nextEvent(other, 'error'), nextEvent(other, 'ready')]),
    );
    redis.disconnect();
    await heard;
    expect(await Promise.all(others.map((other) => other.ping()))).toEqual(['PONG', 'PONG']);
  });

  test('takes nothing along where the command was answered', async () => {
    const redis = client();
    await redis.connect();
    const popped = redis.blpop('jobs', 0);
    await blocked(1);
    const other = Redis.attach(redis.handle);
    await server.cli('RPUSH', 'jobs', 'job-1');
    expect(await popped).toEqual(['jobs', 'job-1']);
    await other.connect();
    redis.disconnect();
    await nextEvent(redis, 'end');
    expect(await other.ping()).toBe('PONG');
    expect(other.stats().connects).toBe(1);
  });

  test('never sends it where it was not sent', async () => {
    const redis = client({ lazyConnect: true });
    const outcome = Promise.allSettled([redis.blpop('jobs', 0)]);
    const other = Redis.attach(redis.handle);
    redis.disconnect();
    expect(await outcome).toMatchObject([CLOSED]);
    expect(await other.rpush('jobs', 'job-1')).toBe(1);
    expect(await other.llen('jobs')).toBe(1);
  });

  test('takes it along also where it had called quit(), which waits for it', async () => {
    const maker = client();
    await maker.connect();
    const outcome = Promise.allSettled([maker.blpop('jobs', 0)]);
    await blocked(1);
    const stays = Redis.attach(maker.handle);
    await stays.connect();
    const quit = Promise.allSettled([maker.quit()]);
    await new Promise<void>((resolve) => loop.post(resolve));
    maker.disconnect();
    expect(await outcome).toMatchObject([CLOSED]);
    expect(await quit).toMatchObject([CLOSED]);
    expect(await stays.rpush('jobs', 'job-1')).toBe(1);
    expect(await stays.llen('jobs')).toBe(1);
  });

  test('is a Worker that is terminated: its command goes with it', async () => {
    const { worker, said } = startWorker('waitsAtTheServer', {
      handle: loop.handle,
      url: server.url,
      key: 'jobs',
    });
    const handle = (await said()) as Redis['handle'];
    await blocked(1);
    const other = Redis.attach(handle);
    await other.connect();
    const behind = Promise.allSettled([other.get('a')]);
    await new Promise<void>((resolve) => loop.post(resolve));
    await worker.terminate();
    expect(await behind).toMatchObject([{ status: 'rejected', reason: { code: DISCONNECTED } }]);
    expect(await other.rpush('jobs', 'job-1')).toBe(1);
    expect(await other.llen('jobs')).toBe(1);
  });
});

describe('a command that waits for room', () => {
  test.each(WAITING)(
    'is refused where the connection is shared by then: %s %j',
    async (name, words) => {
      const redis = client({ whenFull: 'wait', maxPendingCommands: 1 });
      await redis.connect();
      await redis.set('a', '1');
      const settled = Promise.allSettled([
        redis.get('a'),
        redis.call(name, ...words),
        redis.get('a'),
        redis.lpop('jobs'),
      ]);
      const other = Redis.attach(redis.handle);
      expect(await other.get('a')).toBe('1');
      expect(await settled).toMatchObject([
        { value: '1' },
        { reason: { code: UNSUPPORTED, command: name } },
        { value: '1' },
        { value: null },
      ]);
      expect(redis.stats()).toMatchObject({ pending: 0, connects: 1 });
    },
  );

  test('is sent where it does not wait', async () => {
    const redis = client({ whenFull: 'wait', maxPendingCommands: 1 });
    await redis.connect();
    await server.cli('XADD', 'stream', '*', 'n', '1');
    const replies = Promise.all([redis.get('a'), redis.call('XREAD', 'STREAMS', 'stream', 0)]);
    expect(typeof redis.handle).toBe('string');
    expect((await replies)[1]).toHaveLength(1);
  });
});

describe('a recurring command', () => {
  test.each(WAITING)(
    'that waits ends when the connection is shared: %s %j',
    async (name, words) => {
      const redis = client({ lazyConnect: true });
      const waiting = redis.repeat([name, ...words], { everyMs: 60_000 });
      const other = redis.repeat(['PING'], { everyMs: 1, count: 3 });
      expect(typeof redis.handle).toBe('string');
      expect(await waiting.ended).toMatchObject({
        reason: 'error',
        error: { code: UNSUPPORTED, command: name },
      });
      expect(waiting.hasRef()).toBe(false);
      expect(await other.ended).toEqual({ reason: 'count' });
      expect(redis.stats().pending).toBe(0);
    },
  );

  test('holds up nobody by the run that is under way then', async () => {
    const redis = client();
    await redis.connect();
    const waiting = redis.repeat(['BLPOP', 'jobs', 0], { everyMs: 60_000, firstAfterMs: 0 });
    await blocked(1);
    const other = Redis.attach(redis.handle);
    expect((await waiting.ended).reason).toBe('error');
    await other.connect();
    await blocked(0);
    expect(await other.rpush('jobs', 'job-1')).toBe(1);
    expect(await other.llen('jobs')).toBe(1);
    expect(await redis.ping()).toBe('PONG');
  });
});
