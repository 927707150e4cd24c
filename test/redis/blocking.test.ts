// Commands that wait at the server. A failure here is a promise that is never settled because the server says nothing,
// or one that is given up while the server does what it was told to.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { FOR_EVER, waits } from '../../lib/redis/commands/blocking.js';
import { type Arg, Redis, type RedisOptions } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const TIMED_OUT = 'ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT';
const SILENT = 'ERR_SIDELOOP_REDIS_SILENT';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number, options: RedisOptions = {}) =>
  new Redis({ port, loop, reconnectMinDelay: 5, reconnectMaxDelay: 20, ...options });

describe('a command waits as its arguments say', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  test.each<[command: string, args: Arg[], wait: number | undefined]>([
    ['BLPOP', ['l', 1], 1000],
    ['BLPOP', ['l', 'm', '0.0001'], 1],
    ['BRPOP', ['l', 0], FOR_EVER],
    ['BRPOP', ['l', bytes('2.5')], 2500],
    ['BLPOP', ['l', '1e9'], FOR_EVER],
    ['BLPOP', ['l', 'soon'], undefined],
    ['BLPOP', ['l', -1], undefined],
    ['BLPOP', ['l', ''], undefined],
    ['BLPOP', [], undefined],
    ['BZPOPMIN', ['z', 3], 3000],
    ['BZPOPMAX', ['z', '0'], FOR_EVER],
    ['BLMOVE', ['a', 'b', 'LEFT', 'RIGHT', 2], 2000],
    ['BRPOPLPUSH', ['a', 'b', 2], 2000],
    ['BLMPOP', [4, 1, 'l', 'LEFT'], 4000],
    ['BZMPOP', [0, 1, 'z', 'MIN'], FOR_EVER],
    ['WAIT', [1, 250], 250],
    ['WAIT', [1, 0], FOR_EVER],
    ['WAITAOF', [1, 0, 75], 75],
    ['XREAD', ['STREAMS', 's', '$'], undefined],
    ['XREAD', ['BLOCK', 50, 'STREAMS', 's', '$'], 50],
    ['XREAD', ['COUNT', 1, 'block', '0', 'STREAMS', 's', '$'], FOR_EVER],
    ['XREAD', ['STREAMS', 'BLOCK', '50', '0', '0'], undefined],
    ['XREADGROUP', ['GROUP', 'g', 'c', 'STREAMS', 's', '>'], undefined],
    ['XREADGROUP', ['GROUP', 'BLOCK', '100', 'STREAMS', 's', '>'], undefined],
    ['XREADGROUP', ['GROUP', 'g', 'STREAMS', 'BLOCK', 10, 'STREAMS', 's', '>'], 10],
    [
      'XREADGROUP',
      ['GROUP', 'g', 'c', 'NOACK', bytes('Block'), bytes('9'), 'STREAMS', 's', '>'],
      9,
    ],
    ['XREAD', ['BLOCK', 50, 'NEWER', 1, 'STREAMS', 's', '$'], 50],
    ['XREAD', ['NEWER', 1, 'BLOCK', 50, 'STREAMS', 's', '$'], undefined],
    ['XREADGROUP', ['GROUP', 'g', 'c', 'BLOCK', 0, 'NEWER', 'STREAMS', 's', '>'], FOR_EVER],
    ['XREADGROUP', ['BLOCK', '70', 'COUNT', 1, 'NEWER', 'STREAMS', 's', '>'], 70],
    ['XREAD', ['BLOCK', 50], 50],
    ['MIGRATE', ['h', 1, 'k', 0, 5000], undefined],
    ['GET', ['k'], undefined],
  ])('%s %j: %s', (command, args, wait) => {
    expect(waits(command, args)).toBe(wait);
  });
});

describe('with a server that says nothing', () => {
  test.each<[command: string, args: Arg[]]>([
    ['XREAD', ['STREAMS', 's', '0']],
    ['XREADGROUP', ['GROUP', 'g', 'c', 'STREAMS', 's', '>']],
    ['XREADGROUP', ['GROUP', 'BLOCK', 'c', 'COUNT', 1, 'STREAMS', 's', '>']],
    ['BLPOP', ['l', 'not a time']],
    ['MIGRATE', ['127.0.0.1', 1, 'k', 0, 60_000]],
  ])('%s %j has the deadline of any other', async (command, args) => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 600 });
    const outcomes = await Promise.allSettled([redis.call(command, ...args), redis.get('behind')]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { code: TIMED_OUT, mayHaveRun: true } });
    }
    expect(redis.stats()).toMatchObject({ failed: 2, connects: 1 });
  });

  test.each<[command: string, args: Arg[]]>([
    ['BLPOP', ['l', 0.4]],
    ['BLMOVE', ['a', 'b', 'LEFT', 'LEFT', 0.4]],
    ['BLMPOP', [0.4, 1, 'l', 'LEFT']],
    ['WAIT', [1, 400]],
    ['XREAD', ['BLOCK', 400, 'STREAMS', 's', '$']],
  ])('%s %j has its own time and that of silence', async (command, args) => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 200, silenceTimeout: 300 });
    // What is late before there is a connection was not sent.
    await redis.connect();
    const called = performance.now();
    const waiting = redis.call(command, ...args);
    const behind = redis.get('behind');
    await expect(behind).rejects.toMatchObject({ code: TIMED_OUT, command: 'GET' });
    await expect(waiting).rejects.toMatchObject({ mayHaveRun: true, command });
    expect(performance.now() - called).toBeGreaterThanOrEqual(690);
    // The one behind was told long before.
    expect(await waiting.catch((e) => e.code)).toMatch(/_COMMAND_TIMEOUT$|_SILENT$/);
  });

  test('a connection is given up that is silent for longer than it was told to be', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { silenceTimeout: 100 });
    await expect(redis.blpop('l', 0.2)).rejects.toMatchObject({ code: SILENT, mayHaveRun: true });
    await server.connected(2);
  });

  test('what stands behind one that waits for ever is rejected at its own time', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 5000 });
    const popped = redis.blpop('l', 0);
    const behind = Array.from({ length: 2000 }, (_, n) => redis.get(`k${n}`));
    const connection = await server.received('BLPOP');
    for (const outcome of await Promise.allSettled(behind)) {
      expect(outcome).toMatchObject({ reason: { code: TIMED_OUT } });
    }
    expect(redis.stats()).toMatchObject({ failed: 2000, pending: 2001 });
    // Their replies come after all, and are nobody else's.
    const after = redis.get('after');
    await server.received('GET', 2001);
    await server.write(connection, `*2\r\n+l\r\n+item\r\n${'+late\r\n'.repeat(2000)}+after\r\n`);
    expect(await popped).toEqual(['l', 'item']);
    expect(await after).toBe('after');
    expect(redis.stats()).toMatchObject({ failed: 2000, pending: 0, connects: 1 });
  });

  test('what stands behind half a reply is rejected in its place', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 5000 });
    const popped = redis.blpop('l', 0);
    const behind = redis.mget('a', 'b');
    const connection = await server.received('MGET');
    await server.write(connection, '*2\r\n$1\r\nl\r\n');
    await expect(behind).rejects.toMatchObject({ code: TIMED_OUT, command: 'MGET' });
    await server.write(connection, '$4\r\nitem\r\n*2\r\n$1\r\nx\r\n');
    expect(await popped).toEqual(['l', 'item']);
    // Half of the late reply is here; what is sent now comes behind it.
    const after = redis.get('after');
    await server.received('GET');
    await server.write(connection, '$1\r\ny\r\n$5\r\nafter\r\n');
    expect(await after).toBe('after');
  });

  test('a turn that was kept goes with the connection', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { commandTimeout: 1500 });
    const popped = redis.blpop('l', 0);
    const behind = redis.get('k');
    const connection = await server.received('GET');
    await expect(behind).rejects.toMatchObject({ code: TIMED_OUT });
    await server.answer({ GET: '+again\r\n' });
    const lost = expect(popped).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_DISCONNECTED' });
    await server.drop(connection);
    await lost;
    expect(await redis.get('k')).toBe('again');
    expect(redis.stats().pending).toBe(0);
  });
});

test('a real server may wait as long as it was told to', async () => {
  await using server = await startRedisServer();
  const redis = client(server.port, { commandTimeout: 1000, silenceTimeout: 1000 });
  expect(await redis.blpop('none', 2.2)).toBeNull();
  expect(await redis.call('XREAD', 'BLOCK', 2200, 'STREAMS', 's', '$')).toBeNull();
  expect(await redis.call('XREAD', 'STREAMS', 's', '0')).toBeNull();
  expect(redis.stats()).toMatchObject({ failed: 0, connects: 1 });
});

describe('quit() with a deadline for commands', () => {
  test('waits behind one that waits at the server', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { commandTimeout: 200 });
    await redis.connect();
    const ended = nextEvent(redis, 'end');
    const popped = redis.blpop('l', 0);
    // It is as old as the QUIT, and shows that a deadline would be over.
    const late = redis.get('k');
    const settled = Promise.allSettled([popped, redis.quit()]);
    await expect(late).rejects.toMatchObject({ code: TIMED_OUT });
    await using other = client(server.port);
    await other.rpush('l', 'x');
    expect(await settled).toMatchObject([{ value: ['l', 'x'] }, { value: 'OK' }]);
    await ended;
    expect(redis.status).toBe('end');
  });

  test('gives up a server that says nothing', async () => {
    await using server = await FakeServer.start({ QUIT: '' });
    const redis = client(server.port, { commandTimeout: 200 });
    await redis.connect();
    const ended = nextEvent(redis, 'end');
    await expect(redis.quit()).rejects.toMatchObject({ code: SILENT });
    await ended;
    expect(redis.status).toBe('end');
  });
});
