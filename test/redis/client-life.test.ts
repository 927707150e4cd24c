// connect() and disconnect() through all lives of a client. A failure here is a program that waits for ever for a server
// that is not there, or one that hears of an end before the promises that it waits for.

import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { acquire, Consumer, Producer } from '../../lib/lease/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { labOfTests } from '../support/lab.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const CLOSED = { code: 'ERR_SIDELOOP_REDIS_CLOSED' };

const lab = labOfTests();

const client = (options: RedisOptions = {}) =>
  lab.client({ reconnectMinDelay: 1, reconnectMaxDelay: 2, maxRetriesPerRequest: 1, ...options });

describe('connect() resolves', () => {
  test('for all that wait, once the client is ready', async () => {
    const redis = client({ lazyConnect: true });
    await Promise.all([redis.connect(), redis.connect(), redis.connect()]);
    expect(redis.status).toBe('ready');
    await redis.connect();
    expect(redis.stats().connects).toBe(1);
    // It sends nothing of its own.
    expect(redis.stats().commands).toBe(0);
  });

  test('for a user that may not say PING', async () => {
    const rules = ['on', '>pw', '~*', '+get'];
    await lab.server.cli('acl', 'setuser', 'getter', ...rules);
    await client({ username: 'getter', password: 'pw' }).connect();
  });

  test('when the connection is back after a loss', async () => {
    await using fake = await FakeServer.start();
    const redis = client({ port: fake.port });
    await redis.connect();
    const lost = nextEvent(redis, 'close');
    await fake.drop(0);
    await lost;
    await redis.connect();
    expect(redis.status).toBe('ready');
    expect(await fake.connected(2)).toBe(1);
  });

  test('after an end: the client begins anew', async () => {
    const redis = client({ lazyConnect: true, db: 3 });
    for (let life = 0; life < 4; life++) {
      await redis.connect();
      const { db } = { db: /db=(\d+)/.exec(String(await redis.client('INFO')))?.[1] };
      expect(db).toBe('3');
      await redis.set('life', life);
      expect(redis.stats().connects).toBe(1);
      const ended = nextEvent(redis, 'end');
      if (life % 2 === 0) await redis.quit();
      else redis.disconnect();
      await ended;
      await expect(redis.get('life')).rejects.toMatchObject({ ...CLOSED, command: 'GET' });
    }
    await redis.connect();
    expect(await redis.get('life')).toBe('3');
  });

  test('after an end that is under way', async () => {
    const redis = client();
    const last = redis.incr('n');
    const quit = redis.quit();
    const [up, also] = [redis.connect(), redis.connect()];
    const ended = nextEvent(redis, 'end');
    expect([await last, await quit]).toEqual([expect.any(Number), 'OK']);
    await ended;
    await Promise.all([up, also]);
    expect(redis.status).toBe('ready');

    redis.disconnect();
    await redis.connect();
    expect(await redis.ping()).toBe('PONG');
  });

  test('after the end of a client that does not come back by itself', async () => {
    await using fake = await FakeServer.start({ GET: '+v\r\n' });
    const redis = client({ port: fake.port, reconnect: false });
    await redis.connect();
    const ended = nextEvent(redis, 'end');
    await fake.drop(0);
    await ended;
    await redis.connect();
    expect(await redis.get('k')).toBe('v');
  });

  test('from a listener of the end', async () => {
    const redis = client();
    const again = new Promise<void>((resolve, reject) => {
      redis.once('end', () => redis.connect().then(resolve, reject));
    });
    await redis.quit();
    await again;
    expect(await redis.ping()).toBe('PONG');
  });

  test('and leases, jobs and recurring commands are those of the new life', async () => {
    const redis = client();
    for (let life = 0; life < 3; life++) {
      await redis.connect();
      const lease = await acquire(redis, `lease-${life}`, { ttlMs: 5000 });
      const over = once(lease.signal, 'abort');
      const producer = new Producer(redis, { stream: 'jobs' });
      await producer.add({ life });
      const consumer = new Consumer(redis, { stream: 'jobs', group: 'g' });
      const job = await new Promise((resolve, reject) => {
        consumer.run(async ({ fields }) => resolve(fields.life)).catch(reject);
      });
      expect(job).toBe(String(life));
      await consumer.close();
      const recurring = redis.repeat(['PING'], { everyMs: 1 });
      const ended = nextEvent(redis, 'end');
      if (life % 2 === 0) await redis.quit();
      else redis.disconnect();
      await ended;
      expect((await recurring.ended).reason).toMatch(/^(stopped|connection)$/);
      await over;
    }
  });

  test('for a client of a shared connection, which may join anew', async () => {
    const host = client();
    const guest = Redis.attach(host.handle);
    await guest.connect();
    await guest.quit();
    await guest.connect();
    expect(await guest.ping()).toBe('PONG');
    const ended = [nextEvent(guest, 'end'), nextEvent(host, 'end')];
    guest.disconnect();
    host.disconnect();
    await Promise.all(ended);
    await expect(guest.connect()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_HANDLE' });
    expect(guest.status).toBe('end');
    await host.connect();
    expect(await host.ping()).toBe('PONG');
  });
});

describe('connect() is cut short', () => {
  test.each(['quit', 'disconnect'] as const)('by %s()', async (how) => {
    await using fake = await FakeServer.start({ HELLO: {} });
    const redis = client({ port: fake.port });
    const up = redis.connect().catch((error) => error);
    await fake.received('HELLO');
    redis[how]();
    expect(await up).toMatchObject(CLOSED);
  });

  test('by a disconnect() after the one that it waits for', async () => {
    const redis = client();
    await redis.connect();
    redis.disconnect();
    const up = redis.connect().catch((error) => error);
    redis.disconnect();
    expect(await up).toMatchObject(CLOSED);
    await expect.poll(() => redis.status).toBe('end');
  });

  test('not by a quit() behind commands, which wait for it too', async () => {
    const redis = client();
    const up = redis.connect();
    const ping = redis.ping();
    const quit = redis.quit();
    await up;
    expect([await ping, await quit]).toEqual(['PONG', 'OK']);
  });
});

describe('disconnect(true)', () => {
  test('drops the connection, and the client comes back', async () => {
    await using fake = await FakeServer.start({ SET: '+OK\r\n' });
    const redis = client({ port: fake.port, db: 2 });
    const seen: string[] = [];
    for (const event of ['error', 'close', 'ready', 'end'] as const) {
      redis.on(event, () => seen.push(event));
    }
    const inFlight = redis.get('k').catch((error) => error);
    await fake.received('GET');
    redis.disconnect(true);
    // Called while it is down: it waits.
    const later = redis.set('k', 'v');
    expect(await inFlight).toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
      mayHaveRun: true,
    });
    await redis.connect();
    expect(await fake.connected(2)).toBe(1);
    expect(await later).toBe('OK');
    await fake.received('SELECT', 2);
    expect(seen).toEqual(['ready', 'close', 'ready']);
    expect(redis.status).toBe('ready');
  });

  test('while it connects has it connect anew', async () => {
    await using fake = await FakeServer.start({ HELLO: {} });
    const redis = client({ port: fake.port, maxRetriesPerRequest: 5 });
    const up = redis.connect();
    await fake.received('HELLO');
    await fake.answer({ HELLO: '%1\r\n+proto\r\n:3\r\n' });
    redis.disconnect(true);
    await up;
    expect(redis.status).toBe('ready');
  });

  test('does nothing where there is no connection to drop', async () => {
    const redis = client({ lazyConnect: true });
    redis.disconnect(true);
    expect(redis.status).toBe('wait');
    await redis.connect();
    const ended = nextEvent(redis, 'end');
    redis.disconnect();
    redis.disconnect(true);
    await ended;
    redis.disconnect(true);
    expect(redis.status).toBe('end');
  });

  test('is refused where others use the connection', async () => {
    const redis = client();
    Redis.attach(redis.handle);
    const unsupported = { code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' };
    expect(() => redis.disconnect(true)).toThrow(expect.objectContaining(unsupported));
    expect(await redis.ping()).toBe('PONG');
  });

  test.each([1, 'true', null, {}, () => {}])('%s in place of true is refused', async (given) => {
    const redis = client();
    await redis.connect();
    const wrong = { code: 'ERR_SIDELOOP_ARGUMENT' };
    expect(() => redis.disconnect(given as never)).toThrow(expect.objectContaining(wrong));
    expect(redis.status).toBe('ready');
  });
});

describe("'end' comes in a later turn than all that settles", () => {
  /** What the end comes after, as a program hears of it that awaits things in a row. */
  async function heard(end: (redis: Redis, fake: FakeServer) => unknown): Promise<string[]> {
    await using fake = await FakeServer.start({ SET: '+OK\r\n' });
    const redis = client({ port: fake.port, reconnect: false });
    const seen: string[] = [];
    const note = async (name: string, promise: Promise<unknown>) => {
      await Promise.allSettled([promise]);
      // Whoever awaits goes on for some microtasks.
      for (let i = 0; i < 100; i++) await null;
      seen.push(name);
    };
    const ended = nextEvent(redis, 'end').then(() => seen.push('end'));
    const all = [note('set', redis.set('k', 'v')), note('get', redis.get('k'))];
    await fake.received('GET');
    all.push(note('how', Promise.resolve(end(redis, fake))));
    all.push(note('late', redis.get('late')));
    await Promise.all([...all, ended]);
    return seen;
  }

  test('of disconnect()', async () => {
    const seen = await heard((redis) => redis.disconnect());
    expect(seen.at(-1)).toBe('end');
    expect(seen).toHaveLength(5);
  });

  test('of a loss', async () => {
    const seen = await heard((_, fake) => fake.drop(0));
    expect(seen.filter((name) => name !== 'how').at(-1)).toBe('end');
  });

  test('of quit()', async () => {
    const seen = await heard(async (redis, fake) => {
      await fake.write(0, '+OK\r\n$1\r\nv\r\n');
      return redis.quit();
    });
    expect(seen.at(-1)).toBe('end');
  });

  test('of a loop that is destroyed, or stopped', async () => {
    expect((await heard(() => lab.loop.destroy())).at(-1)).toBe('end');
  });
});

describe('ref() and unref()', () => {
  test('say whether the client may hold the process', () => {
    const redis = client({ lazyConnect: true });
    expect(redis.hasRef()).toBe(true);
    expect(redis.unref()).toBe(redis);
    expect(redis.hasRef()).toBe(false);
    expect(redis.ref().hasRef()).toBe(true);
  });
});
