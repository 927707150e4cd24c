// One Redis connection for clients of several JS threads. A failure here is a reply that went to the
// wrong thread, a client that ended the connection under the others, or one that never hears of it.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisHandle } from '../../lib/redis/index.js';
import { nextEvent } from '../redis/next-event.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { thrownBy } from '../thrown-by.js';
import { startWorker } from './start-worker.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

let loop: EventLoop;
let redis: Redis;
beforeEach(async () => {
  await server.cli('FLUSHALL');
  loop = new EventLoop();
  redis = new Redis(server.url, { loop });
  await redis.connect();
});
afterEach(() => loop.stop());

/** Connections that the server has, apart from redis-cli's own. */
const connections = async () => (await server.cli('CLIENT', 'LIST')).split('\n').length - 1;

/** Counts up with 100 commands in flight until `until` is true; the replies must be the numbers in order. */
async function countUp(client: Redis, key: string, until: () => boolean): Promise<number> {
  let count = 0;
  while (!until()) {
    const replies = await Promise.all(Array.from({ length: 100 }, () => client.incr(key)));
    for (const reply of replies) expect(reply).toBe(++count);
  }
  return count;
}

test('clients of four Workers and of this thread get their own replies, over one connection', async () => {
  const { handle } = redis;
  const workers = Array.from({ length: 4 }, (_, i) =>
    startWorker('counts', { handle, key: `counter ${i}`, count: 200 }),
  );
  let done = false;
  const mine = countUp(redis, 'mine', () => done);
  const said = await Promise.all(workers.map((worker) => worker.said()));
  expect(said).toEqual(new Array(4).fill(['4000', 0]));
  expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0, 0]);
  done = true;
  expect(await redis.get('mine')).toBe(String(await mine));
  expect(redis.stats().connects).toBe(1);
  expect(await connections()).toBe(1);
});

test('a Worker that is terminated in mid-flight takes nothing of the others with it', async () => {
  const { handle } = redis;
  const events: string[] = [];
  for (const name of ['close', 'reconnecting', 'end', 'error'] as const) {
    redis.on(name, () => events.push(name));
  }
  let done = false;
  const mine = countUp(redis, 'mine', () => done);
  for (let i = 0; i < 5; i++) {
    const busy = startWorker('countsForEver', { handle, key: `doomed ${i}`, count: 1000 });
    const other = startWorker('counts', { handle, key: `other ${i}`, count: 100 });
    await busy.said();
    await busy.worker.terminate();
    expect(await other.said()).toEqual(['2000', 0]);
    await other.ended;
  }
  done = true;
  expect(await redis.get('mine')).toBe(String(await mine));
  expect(events).toEqual([]);
  expect(redis.stats().connects).toBe(1);
  expect(redis.stats().inFlight).toBe(0);
});

test('so does one whose commands the socket has not taken yet', async () => {
  const { handle } = redis;
  for (let i = 0; i < 3; i++) {
    const busy = startWorker('fillsTheSocket', { handle, key: 'large' });
    await busy.said();
    const before = redis.stats().bytesSent;
    // Some of it is on its way.
    while (redis.stats().bytesSent < before + (4 << 20)) await redis.ping();
    await busy.worker.terminate();
    expect(await redis.echo('after')).toBe('after');
  }
  expect(redis.stats().connects).toBe(1);
});

test('what a Worker sends in its last turn is sent', async () => {
  const { ended } = startWorker('setsAtItsEnd', { handle: redis.handle, key: 'last' });
  expect(await ended).toBe(0);
  expect(await redis.get('last')).toBe('set at the end');
});

test('a Worker that dies takes its recurring command with it', async () => {
  const { worker, said, ended } = startWorker('repeatsForEver', {
    handle: redis.handle,
    key: 'beats',
  });
  expect(await said()).toBe('begun');
  await worker.terminate();
  await ended;
  // The loop thread has been told by now, and does what it was told before a beat of its own. A command could overtake that:
  // this thread may write it by itself.
  await redis.repeat(['PING'], { everyMs: 1, count: 1 }).ended;
  // More beats let it repeat what it still repeats.
  const before = await redis.get('beats');
  await redis.repeat(['PING'], { everyMs: 2, count: 20 }).ended;
  expect(await redis.get('beats')).toBe(before);
});

test('a client that is made when its Worker has all but ended leaves with it', async () => {
  const { said, ended } = startWorker('attachesInAnExitListener', { handle: redis.handle });
  expect(await said()).toBe(false);
  expect(await ended).toBe(0);
  await redis.quit();
  await expect.poll(connections).toBe(0);
});

describe('quit()', () => {
  test('waits for the commands of that client alone, and the others go on', async () => {
    let done = false;
    const mine = countUp(redis, 'mine', () => done);
    const { said, ended } = startWorker('quitsInFlight', {
      handle: redis.handle,
      key: 'theirs',
      count: 5000,
    });
    expect(await said()).toEqual([5000, 'OK']);
    expect(await ended).toBe(0);
    done = true;
    await mine;
    expect(redis.stats().connects).toBe(1);
    expect(await redis.get('theirs')).toBe('5000');
  });

  test('of the last client ends the connection', async () => {
    const other = Redis.attach(redis.handle);
    const events: string[] = [];
    other.on('close', () => events.push('close'));
    other.on('end', () => events.push('end'));
    other.on('error', () => events.push('error'));
    expect(await other.ping()).toBe('PONG');
    const ended = nextEvent(other, 'end');
    expect(await other.quit()).toBe('OK');
    await ended;
    expect(events).toEqual(['close', 'end']);
    expect(await redis.ping()).toBe('PONG');
    expect(await connections()).toBe(1);
    const last = nextEvent(redis, 'end');
    expect(await redis.quit()).toBe('OK');
    await last;
    await expect.poll(connections).toBe(0);
  });

  test('of all clients at once settles each of them', async () => {
    const clients = [redis, ...Array.from({ length: 5 }, () => Redis.attach(redis.handle))];
    const ends = clients.map((client) => nextEvent(client, 'end'));
    const replies = clients.flatMap((client) => [client.incr('n'), client.quit()]);
    const settled = await Promise.all(replies);
    expect(settled.filter((reply) => reply === 'OK')).toHaveLength(6);
    await Promise.all(ends);
    await expect.poll(connections).toBe(0);
  });
});

describe('disconnect()', () => {
  test('fails what that client has pending, and nothing of the others', async () => {
    const other = Redis.attach(redis.handle);
    await other.ping();
    await server.cli('CLIENT', 'PAUSE', '200', 'WRITE');
    const mine = redis.incr('mine');
    const theirs = Array.from({ length: 10 }, () => other.incr('theirs'));
    const outcomes = Promise.allSettled(theirs);
    await new Promise<void>((resolve) => loop.post(resolve));
    const ended = nextEvent(other, 'end');
    other.disconnect();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_SIDELOOP_REDIS_CLOSED' },
      });
    }
    await ended;
    expect(await mine).toBe(1);
    // Their replies were swallowed, and went to nobody else.
    expect(await redis.incr('mine')).toBe(2);
    expect(redis.stats().connects).toBe(1);
  });

  test.each([
    ['others stay', () => {}],
    ['the others have left meanwhile', () => redis.disconnect()],
  ])('settles a quit() that waits for its commands: %s', async (_, leave) => {
    const other = Redis.attach(redis.handle);
    await other.ping();
    await server.cli('CLIENT', 'PAUSE', '200', 'WRITE');
    const outcomes = Promise.allSettled([other.incr('theirs'), other.quit()]);
    await new Promise<void>((resolve) => loop.post(resolve));
    leave();
    await new Promise<void>((resolve) => loop.post(resolve));
    const ended = nextEvent(other, 'end');
    other.disconnect();
    const closed = { status: 'rejected', reason: { code: 'ERR_SIDELOOP_REDIS_CLOSED' } };
    expect(await outcomes).toMatchObject([closed, closed]);
    await ended;
    expect(other.stats().pending).toBe(0);
  });

  test('of the last client closes the connection', async () => {
    const other = Redis.attach(redis.handle);
    await other.ping();
    other.disconnect();
    redis.disconnect();
    await expect.poll(connections).toBe(0);
  });
});

describe('a client that attaches', () => {
  test('is told how the connection stands', async () => {
    const ready = Redis.attach(redis.handle);
    await nextEvent(ready, 'ready');
    expect(ready.status).toBe('ready');
    await ready.connect();

    const lazy = new Redis(server.url, { loop, lazyConnect: true });
    const attached = Redis.attach(lazy.handle);
    expect(attached.status).toBe('wait');
    await attached.connect();
    await lazy.connect();
    expect([attached.status, lazy.status]).toEqual(['ready', 'ready']);
  });

  test('hears of the loss and the return, as all do', async () => {
    const clients = [redis, Redis.attach(redis.handle), Redis.attach(redis.handle)];
    await Promise.all(clients.map((client) => client.connect()));
    const heard = Promise.all(
      clients.flatMap((client) => [
        nextEvent(client, 'error'),
        nextEvent(client, 'close'),
        nextEvent(client, 'reconnecting'),
        nextEvent(client, 'ready'),
      ]),
    );
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await heard;
    expect(await Promise.all(clients.map((client) => client.ping()))).toEqual([
      'PONG',
      'PONG',
      'PONG',
    ]);
  });

  test('has bounds of its own', async () => {
    const small = Redis.attach(redis.handle, { maxPendingCommands: 2 });
    const outcomes = await Promise.allSettled([small.ping(), small.ping(), small.ping()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await Promise.all(Array.from({ length: 100 }, () => redis.ping()))).toHaveLength(100);
    expect(thrownBy(() => Redis.attach(redis.handle, { host: 'other' } as object))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(/^Redis\.attach\(\) has no option 'host'/),
    });
  });

  test('outlives the one that made the connection', async () => {
    const other = Redis.attach(redis.handle);
    await other.ping();
    await redis.quit();
    expect(await other.ping()).toBe('PONG');
    expect(other.stats().connects).toBe(1);
  });

  test('is refused by a handle that stands for nothing open', async () => {
    const { handle } = redis;
    const closed = expect.objectContaining({
      name: 'SideloopError',
      code: 'ERR_SIDELOOP_HANDLE',
      message: expect.stringMatching(/^Nothing that is open/),
    });
    const ended = nextEvent(redis, 'end');
    await redis.quit();
    await ended;
    expect(thrownBy(() => Redis.attach(handle))).toEqual(closed);
    for (const wrong of [loop.handle, 'redis', undefined, 1]) {
      expect(thrownBy(() => Redis.attach(wrong as RedisHandle))).toMatchObject({
        code: 'ERR_SIDELOOP_HANDLE',
        message: expect.stringMatching(/not the handle of a Redis client/),
      });
    }
  });

  test('can not block at the server, nor can the others from then on', async () => {
    const refused = { code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' };
    expect(await redis.blpop('none', 0.01)).toBe(null);
    const other = Redis.attach(redis.handle);
    for (const client of [redis, other]) {
      await expect(client.blpop('none', 0)).rejects.toMatchObject(refused);
      await expect(client.call('wait', '0', '0')).rejects.toMatchObject(refused);
      await expect(client.wait('0' as never, '0' as never)).rejects.toMatchObject(refused);
      await expect(client.call('XREAD', 'block', 0, 'STREAMS', 's', '$')).rejects.toMatchObject(
        refused,
      );
      expect(await client.call('XREAD', 'STREAMS', 'block', '$')).toBe(null);
    }
  });
});
