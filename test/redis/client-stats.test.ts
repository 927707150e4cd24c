// The figures of a client, each against somebody else who knows: a proxy that counts bytes, the server's own books, the test's
// clock. A failure is a figure that people would take decisions by, and that is not so.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const lab = labOfFile();

/** Stands between a client and the server, and counts. */
async function startProxy() {
  const seen = { connections: 0, fromClient: 0, fromServer: 0 };
  const clients = new Set<Socket>();
  const proxy = createServer((client) => {
    seen.connections++;
    clients.add(client);
    const upstream = connect(lab.server.port, '127.0.0.1');
    client.on('error', () => {}).on('close', () => upstream.destroy());
    upstream.on('error', () => {}).on('close', () => client.destroy());
    client.on('data', (data) => {
      seen.fromClient += data.length;
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      seen.fromServer += data.length;
      client.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    seen,
    port: (proxy.address() as AddressInfo).port,
    cut() {
      for (const client of clients) client.destroy();
      clients.clear();
    },
    async [Symbol.asyncDispose]() {
      this.cut();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

const client = (port: number, options: RedisOptions = {}) =>
  new Redis({ port, loop: lab.loop, ...options });

/** How often the server ran a command, by its own books. */
async function callsOf(command: string): Promise<number> {
  const stats = await lab.server.cli('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe('bytesSent and bytesReceived', () => {
  test('are what passes on the way, over several connections', async () => {
    await using proxy = await startProxy();
    const redis = client(proxy.port, { maxRetriesPerRequest: 100, reconnectMinDelay: 5 });
    for (let connection = 1; connection <= 3; connection++) {
      await Promise.all(Array.from({ length: 200 }, (_, i) => redis.set(`k${i}`, 'x'.repeat(i))));
      await redis.set('long', 'x'.repeat(1 << 20));
      expect((await redis.get('long'))?.length).toBe(1 << 20);
      const { bytesSent, bytesReceived, connects } = redis.stats();
      expect({ bytesSent, bytesReceived, connects }).toEqual({
        bytesSent: proxy.seen.fromClient,
        bytesReceived: proxy.seen.fromServer,
        connects: proxy.seen.connections,
      });
      expect(connects).toBe(connection);
      const back = nextEvent(redis, 'ready');
      proxy.cut();
      await back;
      // The greeting of the new connection is on its way back.
      await redis.ping();
    }
    redis.disconnect();
  });
});

test('commands and replies are those that the server has run', async () => {
  const redis = client(lab.server.port);
  await redis.connect();
  const before = { ...redis.stats(), gets: await callsOf('get'), incrs: await callsOf('incr') };
  const gets = Array.from({ length: 300 }, () => redis.get('nothing'));
  const incrs = Array.from({ length: 41 }, () => redis.incr('counted'));
  const pipeline = redis.pipeline();
  for (let i = 0; i < 17; i++) pipeline.get('nothing');
  await Promise.all([...gets, ...incrs, pipeline.exec()]);
  const after = redis.stats();
  const ran = (await callsOf('get')) - before.gets + (await callsOf('incr')) - before.incrs;
  expect(ran).toBe(358);
  expect(after.commands - before.commands).toBe(ran);
  expect(after.replies - before.replies).toBe(ran);
  expect(after.latency.count - before.latency.count).toBe(ran);
  expect(after).toMatchObject({ inFlight: 0, waiting: 0, pending: 0, failed: 0 });
  redis.disconnect();
});

test('one command at a time is one write and one read each', async () => {
  const redis = client(lab.server.port);
  await redis.ping();
  const before = redis.stats();
  for (let i = 0; i < 50; i++) await redis.get('nothing');
  const after = redis.stats();
  expect([after.writes - before.writes, after.reads - before.reads]).toEqual([50, 50]);
  // What is begun in one turn goes out together: fewer writes than commands.
  await Promise.all(Array.from({ length: 500 }, () => redis.get('nothing')));
  expect(redis.stats().writes - after.writes).toBeLessThan(50);
  redis.disconnect();
});

test('inFlight and its peak are what the server has and has not answered', async () => {
  await using fake = await FakeServer.start();
  const redis = client(fake.port);
  const gets = Array.from({ length: 123 }, (_, i) => redis.get(`${i}`));
  const connection = await fake.received('GET', 123);
  expect(redis.stats()).toMatchObject({ inFlight: 123, waiting: 0, pending: 123 });
  await fake.write(connection, ':1\r\n'.repeat(100));
  await Promise.all(gets.slice(0, 100));
  expect(redis.stats()).toMatchObject({ inFlight: 23, pending: 23, peakInFlight: 123 });
  await fake.write(connection, ':1\r\n'.repeat(23));
  await Promise.all(gets);
  // The loop thread counts on behind the replies that it has passed on.
  await expect.poll(() => redis.stats().inFlight).toBe(0);
  expect(redis.stats()).toMatchObject({ inFlight: 0, pending: 0, peakInFlight: 123 });
  redis.disconnect();
});

test('what waits for a connection is waiting, and not in flight', async () => {
  await using fake = await FakeServer.start({ HELLO: {} });
  const redis = client(fake.port, { reconnect: false });
  const gets = Array.from({ length: 9 }, () => redis.get('k').catch((error) => error.code));
  await fake.connected(1);
  await expect.poll(() => redis.stats().waiting).toBe(9);
  expect(redis.stats()).toMatchObject({ inFlight: 0, pending: 9 });
  redis.disconnect();
  expect(new Set(await Promise.all(gets)).size).toBe(1);
  expect(redis.stats()).toMatchObject({ waiting: 0, pending: 0, failed: 9 });
});

test("latency lies between the server's time and the caller's", async () => {
  await using fake = await FakeServer.start({ GET: { reply: '+late\r\n', afterMs: 60 } });
  const redis = client(fake.port);
  await redis.connect();
  const began = performance.now();
  for (let i = 0; i < 5; i++) await redis.get('k');
  const passedUs = (performance.now() - began) * 1000;
  const { latency } = redis.stats();
  expect(latency.count).toBe(5);
  // A timer of the fake server's may fire a millisecond early by this clock.
  expect(latency.min).toBeGreaterThanOrEqual(58_000);
  expect(latency.mean * 5).toBeLessThanOrEqual(passedUs);
  expect(latency.max).toBeLessThanOrEqual(passedUs);
  redis.disconnect();
});
