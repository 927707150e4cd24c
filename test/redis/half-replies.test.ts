// Events that are told while a reply is half here. A failure here is a promise that gets another command's reply, or a
// process that dies of reading what is not there.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

/** Replies of every shape, cut wherever a value ends, with what they mean. */
const REPLIES: readonly [name: string, parts: readonly string[], value: unknown][] = [
  ['a list', ['*3\r\n', '$1\r\na\r\n', '$1\r\nb\r\n', '$1\r\nc\r\n'], ['a', 'b', 'c']],
  [
    'lists in a list',
    ['*2\r\n', '*2\r\n', ':1\r\n', '$2\r\n\u00e4\r\n', '*1\r\n', '*0\r\n'],
    [[1, '\u00e4'], [[]]],
  ],
  [
    'nulls and empty texts',
    ['*4\r\n', '_\r\n', '$0\r\n\r\n', '$-1\r\n', '+\r\n'],
    [null, '', null, ''],
  ],
  ['a map', ['%2\r\n', '+k\r\n', '+v\r\n', '+n\r\n', ':-7\r\n'], ['k', 'v', 'n', -7]],
  ['a text in pieces', ['$6\r\n', 'ab', 'cd', 'ef\r\n'], 'abcdef'],
];

/** What is told of by an event, each with what it takes to have it told. `tell` resolves when it was. */
const EVENTS: readonly [name: string, tell: (redis: Redis) => Promise<unknown>][] = [
  [
    'stop()',
    (redis) => {
      const beat = redis.repeat(['PING'], { everyMs: 60_000 });
      beat.stop();
      return beat.ended;
    },
  ],
  [
    'an aborted signal',
    (redis) => {
      const abort = new AbortController();
      const beat = redis.repeat(['PING'], { everyMs: 60_000, signal: abort.signal });
      abort.abort();
      return beat.ended;
    },
  ],
  [
    'a late last run',
    (redis) => redis.repeat(['PING'], { everyMs: 1, timeoutMs: 1, count: 1 }).ended,
  ],
  [
    'a time that is over',
    (redis) =>
      redis.repeat(['PING'], { everyMs: 2, timeoutMs: 1, firstAfterMs: 0, forMs: 3 }).ended,
  ],
];

describe.each(REPLIES)('half of %s', (_, parts, value) => {
  test.each(EVENTS)('stays its own when %s is told', async (_, tell) => {
    await using server = await FakeServer.start();
    const redis = new Redis({ port: server.port, loop });
    const reply = redis.call('LRANGE', 'list', 0, -1);
    const behind = redis.get('k');
    const connection = await server.received('GET');
    for (const part of parts.slice(0, -1)) {
      await server.write(connection, part);
      await tell(redis);
    }
    const pings = redis.stats().inFlight - 2;
    await server.write(connection, `${parts.at(-1)}$5\r\nval-k\r\n${'+PONG\r\n'.repeat(pings)}`);
    expect(await reply).toEqual(value);
    expect(await behind).toBe('val-k');
  });

  test('stays its own when the client quits', async () => {
    await using server = await FakeServer.start({ QUIT: {} });
    const redis = new Redis({ port: server.port, loop });
    const beats = [1, 2, 3].map(() => redis.repeat(['PING'], { everyMs: 60_000 }));
    const reply = redis.call('LRANGE', 'list', 0, -1);
    const behind = redis.get('k');
    const connection = await server.received('GET');
    await server.write(connection, parts.slice(0, -1).join(''));
    const quit = redis.quit();
    // The beats end while half a reply is here.
    await Promise.all(beats.map((beat) => beat.ended));
    await server.write(connection, `${parts.at(-1)}$5\r\nval-k\r\n`);
    expect(await reply).toEqual(value);
    expect(await behind).toBe('val-k');
    await server.write(await server.received('QUIT'), '+OK\r\n');
    expect(await quit).toBe('OK');
  });
});

describe('at a real server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  test('eight stop()s leave a list of 400,000 elements and its neighbours whole', async () => {
    const redis = new Redis(server.url, { loop });
    await redis.set('k', 'val-k');
    const thousand = Array.from({ length: 1000 }, (_, n) => `element-${n}`);
    for (let n = 0; n < 400; n++) redis.rpush('list', ...thousand);
    for (let round = 0; round < 3; round++) {
      const beats = Array.from({ length: 8 }, () => redis.repeat(['PING'], { everyMs: 1 }));
      let arrived = false;
      const list = redis.lrange('list', 0, -1).finally(() => {
        arrived = true;
      });
      const behind = redis.get('k');
      for (const beat of beats) {
        // Each at another place of the reply.
        const seen = redis.stats().bytesReceived;
        while (!arrived && redis.stats().bytesReceived === seen) await nextTurn();
        beat.stop();
      }
      const elements = await list;
      expect(elements).toHaveLength(400_000);
      for (let n = 0; n < elements.length; n++) {
        if (elements[n] !== `element-${n % 1000}`) expect(elements[n]).toBe(`element-${n % 1000}`);
      }
      expect(await behind).toBe('val-k');
      for (const beat of beats) expect(await beat.ended).toEqual({ reason: 'stopped' });
    }
  });
});
