// connect() where it fails. A failure here is a program that waits for ever for a server that is not there, or one that hears
// of something else than what went wrong.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisOptions } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { labOfTests } from '../support/lab.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const PASSWORD = 'a password';

let guarded: RedisServer;
beforeAll(async () => {
  guarded = await startRedisServer({ args: ['--requirepass', PASSWORD] });
});
afterAll(() => guarded.stop());
const lab = labOfTests();

const client = (options: RedisOptions = {}) =>
  lab.client({ reconnectMinDelay: 1, reconnectMaxDelay: 2, maxRetriesPerRequest: 1, ...options });

async function freePort(): Promise<number> {
  const fake = await FakeServer.start();
  await fake[Symbol.asyncDispose]();
  return fake.port;
}

describe('connect() rejects as a command does that waits for the connection', () => {
  const cases: [string, string, () => RedisOptions | Promise<RedisOptions>][] = [
    ['where nobody listens', 'REFUSED', async () => ({ port: await freePort() })],
    [
      'where nobody listens, for a client that does not come back',
      'REFUSED',
      async () => ({ port: await freePort(), reconnect: false }),
    ],
    ['for a name without an address', 'RESOLVE', () => ({ host: 'no-such-host.invalid' })],
    ['for a socket that is not there', 'REFUSED', () => ({ path: '/tmp/sideloop-no-such.sock' })],
    ['for no password', 'NOAUTH', () => ({ port: guarded.port })],
    ['for a wrong one', 'WRONGPASS', () => ({ port: guarded.port, password: 'wrong' })],
    [
      'for a wrong one, over RESP2',
      'WRONGPASS',
      () => ({ port: guarded.port, password: 'wrong', protocol: 2 }),
    ],
    [
      'for a wrong one, of a client that would try for ever',
      'WRONGPASS',
      () => ({ port: guarded.port, password: 'wrong', maxRetriesPerRequest: null }),
    ],
    [
      'for a user that is not there',
      'WRONGPASS',
      () => ({ port: guarded.port, username: 'nobody', password: 'wrong' }),
    ],
    ['for a database that is not there', 'HANDSHAKE', () => ({ db: 99 })],
  ];
  test.each(cases)('%s', async (_, code, options) => {
    for (const lazyConnect of [false, true]) {
      const redis = client({ lazyConnect, ...(await options()) });
      await expect(redis.connect()).rejects.toMatchObject({
        name: 'RedisError',
        code: `ERR_SIDELOOP_REDIS_${code}`,
        mayHaveRun: false,
      });
      redis.disconnect();
    }
  });

  test('at a server that says nothing', async () => {
    await using fake = await FakeServer.start({ HELLO: {} });
    const redis = client({ port: fake.port, connectTimeout: 50 });
    await expect(redis.connect()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_CONNECT_TIMEOUT',
    });
  });

  test('at one that hangs up, or speaks something else', async () => {
    for (const [hello, code] of [
      [{ drop: true }, 'ERR_SIDELOOP_REDIS_DISCONNECTED'],
      ['HTTP/1.1 400 Bad Request\r\n\r\n', 'ERR_SIDELOOP_REDIS_PROTOCOL'],
    ] as const) {
      await using fake = await FakeServer.start({ HELLO: hello });
      await expect(client({ port: fake.port }).connect()).rejects.toMatchObject({ code });
    }
  });

  test('with an error of its own for each that waits, once', async () => {
    const redis = client({ port: await freePort() });
    const errors = await Promise.all(
      Array.from({ length: 5 }, () => redis.connect().catch((error) => error)),
    );
    expect(new Set(errors).size).toBe(5);
  });

  test('on a loop that is destroyed meanwhile', async () => {
    await using fake = await FakeServer.start({ HELLO: {} });
    const up = client({ port: fake.port }).connect();
    await fake.received('HELLO');
    lab.loop.destroy();
    await expect(up).rejects.toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
  });

  test('on a loop that was stopped, in each life', async () => {
    const redis = client({ lazyConnect: true });
    await lab.loop.stop();
    await expect(redis.connect()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    await expect.poll(() => redis.status).toBe('end');
    await expect(redis.connect()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    await expect.poll(() => redis.status).toBe('end');
  });

  test('and the client goes on trying', async () => {
    const port = await freePort();
    const redis = client({ port });
    await expect(redis.connect()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_REFUSED' });
    const ready = nextEvent(redis, 'ready');
    await using _ = await FakeServer.start({}, port);
    await ready;
    await redis.connect();
    expect(redis.status).toBe('ready');
  });

  test('where it is given something', async () => {
    const redis = client({ lazyConnect: true });
    const connect = redis.connect as (...given: unknown[]) => Promise<void>;
    for (const given of [() => {}, {}, 1]) {
      await expect(connect.call(redis, given)).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_ARGUMENT',
      });
    }
    expect(redis.status).toBe('wait');
  });
});
