// Recurring commands that wait at the server. A failure here is a connection that is given up, with all that is in flight
// on it, while the server does what it was told to, or one that nobody can close any more.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { type Arg, Redis, type RedisOptions } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number, options: RedisOptions = {}) => new Redis({ port, loop, ...options });

type Command = [name: string, ...args: Arg[]];
/** Each waits for a second, which is longer than the server may keep silent. */
const WAITING: Command[] = [
  ['BLPOP', 'none', '1'],
  ['blpop', 'none', 1],
  ['BRPOP', 'none', 'other', 1],
  ['BZPOPMIN', 'none', 1],
  ['BLMOVE', 'none', 'other', 'LEFT', 'RIGHT', 1],
  ['BLMPOP', 1, 1, 'none', 'LEFT'],
  ['XREAD', 'BLOCK', 1000, 'STREAMS', 'none', '$'],
  ['WAIT', 1, 1000],
];

test.each(WAITING)('%s is no silence of the server', async (...command) => {
  await using server = await startRedisServer();
  const redis = client(server.port, { silenceTimeout: 300, commandTimeout: 300 });
  await redis.connect();
  const waiting = redis.repeat(command, { everyMs: 5, count: 1, timeoutMs: 60_000 });
  expect(await waiting.ended).toEqual({ reason: 'count' });
  expect(waiting.stats()).toMatchObject({ sent: 1, ok: 1, failed: 0, late: 0 });
  expect(redis.stats().connects).toBe(1);
});

describe.each<Command>([
  ['BLPOP', 'none', 0],
  ['BLPOP', 'none', 3600],
  ['XREAD', 'BLOCK', 0, 'STREAMS', 'none', '$'],
  ['BRPOPLPUSH', 'none', 'other', 0],
  ['WAIT', 1, 0],
])('%s, stopped while it waits,', (...command) => {
  test('holds up no quit()', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port);
    await redis.connect();
    const waiting = redis.repeat(command, { everyMs: 5, timeoutMs: 3_600_000 });
    await expect
      .poll(() => server.cli('CLIENT', 'LIST'))
      .toContain(`cmd=${command[0].toLowerCase()}`);
    expect(await redis.quit()).toBe('OK');
    expect(await waiting.ended).toEqual({ reason: 'stopped' });
    // Nothing of it is left at the server.
    await expect.poll(() => server.cli('INFO', 'clients')).toContain('blocked_clients:0');
  });
});

test('what a client waits for itself is waited for by quit() behind a recurring command', async () => {
  await using server = await startRedisServer();
  const redis = client(server.port);
  await redis.connect();
  const waiting = redis.repeat(['BLPOP', 'none', 0.3], { everyMs: 5, timeoutMs: 60_000 });
  await expect.poll(() => waiting.stats().sent).toBeGreaterThan(0);
  const settled = Promise.all([redis.set('a', 1), redis.get('a'), redis.quit()]);
  expect(await settled).toEqual(['OK', '1', 'OK']);
});
