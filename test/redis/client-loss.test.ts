// What becomes of commands when their connection goes down. A failure here is a promise that never
// settles, a reply that resolves the wrong promise, or an error that lets a command run twice.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const quick = { reconnectMinDelay: 5, reconnectMaxDelay: 20 };
const client = (port: number, options: RedisOptions = {}) =>
  new Redis({ port, loop, ...quick, ...options });

/** Settles with the value or the error, and counts how often that happened. */
function watch(promise: Promise<unknown>) {
  const seen = { settled: 0, outcome: undefined as unknown };
  const note = (outcome: unknown) => {
    seen.settled++;
    seen.outcome = outcome;
  };
  const done = promise.then(note, note).then(() => seen);
  return { seen, done };
}

describe('a lost connection', () => {
  test('settles every command exactly once when the server is killed', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { maxRetriesPerRequest: 2 });
    await redis.ping();
    const blocked = watch(redis.blpop('none', 0));
    const behind = Array.from({ length: 5000 }, (_, i) => watch(redis.set('k', i)));
    // The server has it: those behind are sent as well.
    while (!(await server.cli('client', 'list')).includes('cmd=blpop'));
    process.kill(server.pid, 'SIGKILL');
    await nextEvent(redis, 'close');
    const unsent = watch(redis.get('k'));

    for (const { done } of [blocked, ...behind]) {
      const { outcome } = await done;
      expect(outcome).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_DISCONNECTED', mayHaveRun: true });
    }
    const { outcome } = await unsent.done;
    expect(outcome).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_REFUSED', mayHaveRun: false });
    redis.disconnect();
    await expect.poll(() => redis.status).toBe('end');
    for (const { seen } of [blocked, unsent, ...behind]) expect(seen.settled).toBe(1);
    expect(redis.stats()).toMatchObject({ pending: 0, inFlight: 0, waiting: 0, failed: 5002 });
  });

  test('comes back, and sends what was queued meanwhile, in order', async () => {
    const first = await startRedisServer();
    const { port } = first;
    const redis = client(port, { maxRetriesPerRequest: 1_000_000 });
    await redis.ping();
    const lost = nextEvent(redis, 'close');
    await first.stop();
    await lost;
    const pushes = Array.from({ length: 2000 }, (_, i) => redis.rpush('l', i));
    await using _second = await startRedisServer({ port });
    expect(await Promise.all(pushes)).toEqual(pushes.map((_, i) => i + 1));
    expect(await redis.lrange('l', 0, -1)).toEqual(pushes.map((_, i) => `${i}`));
    expect(redis.stats().connects).toBe(2);
  });

  test('selects its database again', async () => {
    await using server = await startRedisServer();
    const redis = client(server.port, { db: 5, connectionName: 'five' });
    await redis.set('k', 'in five');
    // It may be back before redis-cli has ended.
    const back = nextEvent(redis, 'ready');
    await server.cli('client', 'kill', 'type', 'normal');
    await back;
    expect(await redis.get('k')).toBe('in five');
    expect(await redis.client('GETNAME')).toBe('five');
  });

  test('passes no reply on to commands of the next one', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port);
    const first = watch(redis.get('first'));
    const half = watch(redis.get('half'));
    const connection = await server.received('GET', 2);
    // One and a half replies; the rest would come after the drop.
    await server.write(connection, '$5\r\nfirst\r\n$5\r\nha');
    expect((await first.done).outcome).toBe('first');
    await server.drop(connection);
    expect((await half.done).outcome).toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
      command: 'GET',
      mayHaveRun: true,
    });

    const second = redis.get('second');
    const next = await server.received('GET', 3);
    expect(next).not.toBe(connection);
    await server.write(next, '$6\r\nsecond\r\n');
    expect(await second).toBe('second');
    expect(server.commands).toEqual([
      ['GET', 'first'],
      ['GET', 'half'],
      ['GET', 'second'],
    ]);
  });

  test('pairs replies with their own commands, however late and split they come', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port);
    const gets = Array.from({ length: 300 }, (_, i) => redis.get(`k${i}`));
    const connection = await server.received('GET', 300);
    const replies = gets.map((_, i) => `$${`v${i}`.length}\r\nv${i}\r\n`).join('');
    for (let at = 0; at < replies.length; at += 101) {
      await server.write(connection, replies.slice(at, at + 101));
    }
    expect(await Promise.all(gets)).toEqual(gets.map((_, i) => `v${i}`));
  });

  test.each([
    ['bytes that are no RESP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a length beyond 64 bits', '$99999999999999999999\r\n'],
    ['a negative length', '$-7\r\n'],
    ['a bulk string that does not end where it said', '$2\r\nabcd\r\n'],
    ['arrays without end', '*1\r\n'.repeat(100_000)],
    ['an array longer than any', '*4294967296000\r\n'],
    ['a second reply to one command', '+OK\r\n+OK\r\n'],
  ])('follows %s, with its own code', async (_what, bytes) => {
    await using server = await FakeServer.start();
    const redis = client(server.port);
    const errors: unknown[] = [];
    redis.on('error', (error) => errors.push(error));
    const get = watch(redis.get('k'));
    await server.write(await server.received('GET'), bytes);
    const { outcome } = await get.done;
    if (outcome !== 'OK') {
      expect(outcome).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_PROTOCOL', mayHaveRun: true });
    }
    await server.connected(2);
    await server.answer({ GET: '+again\r\n' });
    expect(await redis.get('k')).toBe('again');
    expect(errors).toMatchObject([{ code: 'ERR_SIDELOOP_REDIS_PROTOCOL' }]);
  });

  test('does not wait for a bulk string that was announced and never sent', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { silenceTimeout: 100, reconnect: false });
    const before = process.memoryUsage().rss;
    const get = redis.get('k');
    await server.write(await server.received('GET'), '$500000000\r\nbeginning');
    await expect(get).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_SILENT' });
    // Memory grows with what arrives, not with what is announced.
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  test('is no reason to go down for push messages', async () => {
    await using server = await FakeServer.start({ GET: '>2\r\n+invalidate\r\n+k\r\n+value\r\n' });
    const redis = client(server.port);
    expect(await redis.get('k')).toBe('value');
    expect(redis.stats().pushes).toBe(1);
  });

  test('ends a client that is not to come back', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port, { reconnect: false });
    const get = watch(redis.get('k'));
    const ended = nextEvent(redis, 'end');
    await server.drop(await server.received('GET'));
    expect((await get.done).outcome).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_DISCONNECTED' });
    await ended;
    expect(redis.status).toBe('end');
    await expect(redis.get('k')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_CLOSED',
      mayHaveRun: false,
    });
  });
});

test('an error event that nobody listens to harms nobody', async () => {
  await using server = await FakeServer.start({ GET: { drop: true } });
  const redis = client(server.port);
  await expect(redis.get('k')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_DISCONNECTED' });
  await server.answer({ GET: '+back\r\n' });
  expect(await redis.get('k')).toBe('back');
});
