// Commands that meet a server which can't serve any more, on a connection that was ready. A failure here is a command that
// rejects although it only had to wait, that runs behind one which was called after it, or that runs twice.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { StatefulServer } from '../lease/server-states.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';
const PONG = '+PONG\r\n';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number, options: RedisOptions = {}) => new Redis({ port, loop, ...options });

/** A client that is ready, of a server that runs no command but INFO and what else is allowed while it loads. */
async function meeting(server: StatefulServer, options: RedisOptions = {}) {
  const redis = client(server.port, options);
  await redis.set('key', 'value');
  const { over } = await server.reload();
  return { redis, over };
}

describe('a server that loads its data anew', () => {
  test('rejects nothing, and runs each command once and in order', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    let ready = 0;
    redis.on('ready', () => ready++);
    const numbers = Array.from({ length: 500 }, (_, n) => `${n}`);
    const pushed = Promise.all(numbers.map((n) => redis.rpush('list', n)));
    await expect.poll(() => redis.status).toBe('connect');
    // These have not met it.
    const more = redis.rpush('list', 'more');
    expect(redis.stats()).toMatchObject({ inFlight: 0, connects: 1 });
    await over;
    expect(await pushed).toEqual(numbers.map((_, n) => n + 1));
    expect(await more).toBe(501);
    expect(await redis.lrange('list', 0, -1)).toEqual([...numbers, 'more']);
    expect(redis.status).toBe('ready');
    expect(redis.stats().connects).toBe(1);
    expect(ready).toBe(1);
    await redis.quit();
  });

  test('gets arguments of all kinds once more as they were', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const values = [
      '',
      'plain',
      'not plain: \u00e9\u20ac\u{1f600}',
      'x'.repeat(300_000),
      '\u20ac'.repeat(90_000),
    ];
    const buffer = Buffer.from([0, 255, 13, 10, 128]);
    const all = redis.pipeline();
    for (const [n, value] of values.entries()) all.set(`value:${n}`, value);
    all
      .set('buffer', buffer)
      .getBuffer('buffer')
      .mget(values.map((_, n) => `value:${n}`));
    const results = all.exec();
    await over;
    const last = (await results).map(([error, result]) => error ?? result);
    expect(last.slice(0, values.length + 1)).toEqual(Array(values.length + 1).fill('OK'));
    expect(last.slice(-2)).toEqual([buffer, values]);
    await redis.quit();
  });

  test('answers what it may, and what was called before that is rejected', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const before = redis.set('key', 'before').catch((error) => error);
    const info = redis.info('server');
    const behind = redis.get('key');
    expect(await before).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_LOADING', retryable: true });
    expect(await info).toContain('redis_version');
    await over;
    expect(await behind).toBe('value');
    await redis.quit();
  });

  test('holds the commands of each client of a connection by themselves', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const other = Redis.attach(redis.handle);
    const got = redis.get('key');
    expect(await other.info('server')).toContain('redis_version');
    await over;
    expect(await got).toBe('value');
    expect(other.status).toBe('ready');
    await Promise.all([other.quit(), redis.quit()]);
  });

  test('is told so of a transaction at once, of what follows when it has loaded', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const results = redis.multi().incr('n').exec();
    const behind = redis.incr('n');
    await expect(results).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_EXECABORT',
      retryable: true,
      mayHaveRun: false,
    });
    await over;
    expect(await behind).toBe(1);
    await redis.quit();
  });

  test('is waited for by what waits at the server', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const popped = redis.blpop('list', 0);
    await over;
    await server.cli('RPUSH', 'list', 'value');
    expect(await popped).toEqual(['list', 'value']);
    await redis.quit();
  });

  test('is waited for by quit()', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server);
    const all = Promise.all([redis.get('key'), redis.quit()]);
    await over;
    expect(await all).toEqual(['value', 'OK']);
  });

  test('without a ready check rejects at once', async () => {
    await using server = await StatefulServer.start();
    const { redis, over } = await meeting(server, { enableReadyCheck: false });
    await expect(redis.get('key')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_LOADING',
      retryable: true,
    });
    expect(redis.status).toBe('ready');
    await over;
    await redis.quit();
  });
});

test('a replica that has lost its master is waited for in mid-connection', async () => {
  await using server = await StatefulServer.start();
  await using redis = client(server.port);
  await redis.set('key', 'value');
  await server.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
  await server.cli('REPLICAOF', '127.0.0.1', '1');
  const got = Promise.all(Array.from({ length: 97 }, () => redis.get('key')));
  await expect.poll(() => redis.status).toBe('connect');
  const ready = nextEvent(redis, 'ready');
  await server.cli('REPLICAOF', 'NO', 'ONE');
  expect(new Set(await got)).toEqual(new Set(['value']));
  await ready;
});

test('a script is not held, as it may say such words of itself', async () => {
  await using server = await StatefulServer.start();
  await using redis = client(server.port);
  await redis.set('key', 'value');
  await server.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
  await server.cli('REPLICAOF', '127.0.0.1', '1');
  await expect(redis.eval("return 'ran'", 0)).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_MASTERDOWN',
    retryable: true,
  });
  await server.cli('REPLICAOF', 'NO', 'ONE');
  expect(await redis.eval("return 'ran'", 0)).toBe('ran');
});

describe('a command that is held', () => {
  test('alone is asked again after pauses until the server serves', async () => {
    await using server = await FakeServer.start({ GET: '+first\r\n', PING: LOADING });
    await using redis = client(server.port, { maxLoadingRetryTime: 1 });
    expect(await redis.get('key')).toBe('first');
    await server.answer({ GET: LOADING });
    const got = redis.get('key');
    await server.received('PING', 5);
    expect(redis.status).toBe('connect');
    expect(server.commands.filter(([name]) => name === 'GET')).toHaveLength(2);
    await server.answer({ GET: '+second\r\n', PING: PONG });
    expect(await got).toBe('second');
    await server.received('GET', 3);
    expect(server.commands.filter(([name]) => name === 'GET')).toHaveLength(3);
  });

  test.each([1, 9, 47])(
    'is one whose refusal arrives in two pieces, of which one has %i bytes',
    async (size) => {
      await using server = await FakeServer.start({ PING: PONG });
      await using redis = client(server.port);
      await redis.connect();
      const got = redis.get('key');
      const connection = await server.received('GET');
      const before = redis.stats().bytesReceived;
      await server.write(connection, LOADING.slice(0, size));
      await expect.poll(() => redis.stats().bytesReceived).toBe(before + size);
      await server.answer({ GET: '+value\r\n' });
      await server.write(connection, LOADING.slice(size));
      expect(await got).toBe('value');
    },
  );

  test('is asked again where the server answers PING well all the time', async () => {
    await using server = await FakeServer.start({ GET: LOADING, PING: PONG });
    await using redis = client(server.port, { maxLoadingRetryTime: 1 });
    const got = redis.get('key');
    await server.received('GET', 4);
    await server.answer({ GET: '+value\r\n' });
    expect(await got).toBe('value');
  });

  test('rejects at its deadline, and has not run', async () => {
    await using server = await FakeServer.start({ GET: LOADING, PING: LOADING });
    await using redis = client(server.port, { commandTimeout: 300 });
    await expect(redis.get('key')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT',
      mayHaveRun: false,
    });
    redis.disconnect();
  });

  test('rejects at disconnect(), and has not run', async () => {
    await using server = await FakeServer.start({ GET: LOADING });
    const redis = client(server.port);
    const got = redis.get('key').catch((error) => error);
    await server.received('PING');
    redis.disconnect();
    expect(await got).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED', mayHaveRun: false });
  });

  test('is lost with what is in flight behind it, but has not run', async () => {
    await using server = await FakeServer.start({ GET: LOADING });
    await using redis = client(server.port);
    await redis.connect();
    const all = Promise.allSettled([redis.get('key'), redis.set('key', 'value')]);
    const connection = await server.received('SET');
    await server.drop(connection);
    expect(await all).toMatchObject([
      { reason: { code: 'ERR_SIDELOOP_REDIS_DISCONNECTED', mayHaveRun: false } },
      { reason: { code: 'ERR_SIDELOOP_REDIS_DISCONNECTED', mayHaveRun: true } },
    ]);
  });

  test('goes out on the next connection where nothing was behind it', async () => {
    await using server = await FakeServer.start({ GET: LOADING });
    await using redis = client(server.port, { reconnectMinDelay: 1 });
    const got = redis.get('key');
    const connection = await server.received('PING');
    await server.answer({ GET: '+value\r\n' });
    await server.drop(connection);
    expect(await got).toBe('value');
  });

  test('is none that waits behind one which blocks at the server', async () => {
    await using server = await FakeServer.start({ GET: LOADING });
    await using redis = client(server.port);
    await redis.connect();
    const got = redis.get('key').catch((error) => error);
    const popped = redis.blpop('list', 0);
    expect(await got).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_LOADING', retryable: true });
    await server.write(await server.received('BLPOP'), '*2\r\n+list\r\n+a\r\n');
    expect(await popped).toEqual(['list', 'a']);
  });

  test.each([
    'LOADING of my own',
    'LOADING Redis is loading the dataset in memory script: f00, on @user_script:1.',
    'MASTERDOWN and more',
  ])('is none of which a script says: %s', async (words) => {
    await using server = await FakeServer.start({ EVAL: `-${words}\r\n` });
    await using redis = client(server.port);
    await expect(redis.eval('return 1', 0)).rejects.toMatchObject({ message: words });
    expect(redis.status).toBe('ready');
  });
});
