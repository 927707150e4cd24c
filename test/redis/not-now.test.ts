// What a server says while it can't serve: before it hangs up, while it loads, while a script runs. A failure here is a
// command that rejects although it only had to wait, a line meant for the connection that answers a command, or a fleet
// of clients that never lets a full server come to rest.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { STATES, StatefulServer } from '../lease/server-states.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const quick = { reconnectMinDelay: 2, reconnectMaxDelay: 50, maxRetriesPerRequest: null };
const client = (port: number, options: RedisOptions = {}) =>
  new Redis({ port, loop, ...quick, ...options });

const FULL = '-ERR max number of clients reached\r\n';
const stateOf = (says: string) => STATES.find((state) => state.says === says) as (typeof STATES)[0];

describe.each([2, 3] as const)('with protocol %i', (protocol) => {
  test('a server that is full keeps commands waiting until it has room', async () => {
    await using server = await StatefulServer.start();
    await using control = client(server.port);
    await control.set('key', 'value');
    const leave = await stateOf('ERR').enter(server, control);
    await using redis = client(server.port, { protocol });
    const got = Promise.all([redis.get('key'), redis.incr('n')]);
    await nextEvent(redis, 'reconnecting');
    await nextEvent(redis, 'reconnecting');
    await leave();
    expect(await got).toEqual(['value', 1]);
  });

  test('each failure at a full server makes the pause longer', async () => {
    // It is told before anything is asked, as a real one does it.
    const answers = { GREETING: { reply: FULL, drop: true }, HELLO: { reply: FULL, drop: true } };
    await using server = await FakeServer.start(answers);
    const fleet = Array.from({ length: 20 }, () => client(server.port, { protocol }));
    const pauses = await Promise.all(
      fleet.map(async (redis) => {
        const seen: number[] = [];
        const codes = new Set<string>();
        redis.on('error', (error) => codes.add(error.code));
        await new Promise<void>((resolve) =>
          redis.on('reconnecting', (_, attempt) => {
            if (seen.push(attempt) === 6) resolve();
          }),
        );
        redis.disconnect();
        return { seen, codes: [...codes] };
      }),
    );
    for (const { seen, codes } of pauses) {
      expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
      expect(codes).toEqual(['ERR_SIDELOOP_REDIS_UNAVAILABLE']);
    }
    expect(server.commands).toEqual([]);
  });

  test('a server that is always full is given up as one that is not there', async () => {
    const answers = { GREETING: { reply: FULL, drop: true }, HELLO: { reply: FULL, drop: true } };
    await using server = await FakeServer.start(answers);
    const redis = client(server.port, { protocol, maxRetriesPerRequest: 3 });
    await expect(redis.get('key')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_UNAVAILABLE',
      mayHaveRun: false,
      retryable: true,
    });
    redis.disconnect();
  });

  test('no command goes out before the greeting is answered', async () => {
    await using server = await FakeServer.start({ GREETING: {}, GET: '+value\r\n' });
    await using redis = client(server.port, { protocol });
    const got = redis.get('key');
    await server.received('GREETING');
    expect(server.commands).toEqual([]);
    await server.write(0, '+PONG\r\n');
    expect(await got).toBe('value');
  });
});

describe('a server that serves nobody yet', () => {
  test('rejects nothing while it loads its data', async () => {
    await using server = await StatefulServer.start();
    await using redis = client(server.port);
    await redis.set('key', 'value');
    const { over } = await server.restart();
    let loaded = false;
    void over.then(() => {
      loaded = true;
    });
    const fresh = client(server.port);
    const ready = nextEvent(fresh, 'ready').then(() => server.cli('GET', 'key'));
    const gets = [redis, fresh].flatMap((r) => Array.from({ length: 97 }, () => r.get('key')));
    expect(loaded).toBe(false);
    expect(new Set(await Promise.all(gets))).toEqual(new Set(['value']));
    expect(await ready).toBe('value');
    await over;
    await fresh.quit();
  });

  test('rejects nothing while it has no master', async () => {
    await using server = await StatefulServer.start();
    await using control = client(server.port);
    await control.set('key', 'value');
    const leave = await stateOf('MASTERDOWN').enter(server, control);
    await using redis = client(server.port);
    const got = redis.get('key');
    await nextEvent(redis, 'connect');
    await leave();
    expect(await got).toBe('value');
  });

  test('is asked again and again on one connection', async () => {
    const loading = '-LOADING Redis is loading the dataset in memory\r\n';
    await using server = await FakeServer.start({ GREETING: loading, PING: loading });
    await server.answer({ GET: '+value\r\n' });
    await using redis = client(server.port);
    const got = redis.get('key');
    await server.received('PING', 5);
    expect(redis.status).toBe('connect');
    await server.answer({ PING: '+PONG\r\n' });
    expect(await got).toBe('value');
    expect(redis.stats().connects).toBe(1);
  });

  test('says so to commands without a ready check', async () => {
    const loading = '-LOADING Redis is loading the dataset in memory\r\n';
    await using server = await FakeServer.start({ GREETING: loading, GET: loading });
    await using redis = client(server.port, { enableReadyCheck: false });
    await expect(redis.get('key')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_LOADING',
      retryable: true,
    });
  });
});

test('a command meets a script that runs, and may be repeated', async () => {
  await using server = await StatefulServer.start();
  await using control = client(server.port);
  await control.set('key', 'value');
  const leave = await stateOf('BUSY').enter(server, control);
  // Also on a connection that is made meanwhile: SCRIPT KILL has to get through.
  await using fresh = client(server.port);
  for (const redis of [control, fresh]) {
    await expect(redis.get('key')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_BUSY',
      retryable: true,
    });
  }
  await leave();
  expect(await fresh.get('key')).toBe('value');
});

test.each([
  ['BUSY Redis is busy running a script', true],
  ['TRYAGAIN Multiple keys request during rehashing of slot', true],
  ['CLUSTERDOWN Hash slot not served', true],
  ['LOADING Redis is loading the dataset in memory', true],
  ['MASTERDOWN Link with MASTER is down', true],
  ['OOM command not allowed when used memory > maxmemory', true],
  ['MISCONF Redis is configured to save RDB snapshots', true],
  ['NOREPLICAS Not enough good replicas to write', true],
  ['OOM command not allowed script: 0a1b, on @user_script:1.', false],
  ['BUSYGROUP Consumer Group name already exists', false],
  ['BUSYKEY Target key name already exists', false],
  ['MOVED 1 127.0.0.1:1', false],
  ['WRONGTYPE Operation against a key', false],
])('%s: retryable is %s', async (text, retryable) => {
  await using server = await FakeServer.start({ GET: `-${text}\r\n` });
  await using redis = client(server.port, { enableReadyCheck: false });
  await expect(redis.get('key')).rejects.toMatchObject({ message: text, retryable });
});
