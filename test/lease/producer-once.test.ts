// Idempotency keys: a job is added once, whoever adds it how often, over lost connections too. A failure here means a job
// that runs twice, or one that is lost and reported as added.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Added, Producer, type ProducerOptions } from '../../lib/lease/index.js';
import type { Redis } from '../../lib/redis/index.js';
import { FakeServer } from '../redis/fake-server.js';
import { useQueue } from './queue.js';

const { state, client, entries } = useQueue();
const producer = (options: Partial<ProducerOptions> = {}, redis: Redis = state.redis) =>
  new Producer(redis, { stream: 'jobs', ...options });

describe('an idempotency key', () => {
  test('has 10,000 adds of 100 keys leave 100 entries', async () => {
    const producers = [producer(), producer({}, client())];
    const adds = Array.from({ length: 10_000 }, (_, n) =>
      (producers[n % 2] as Producer).add({ n }, { idempotencyKey: `key ${n % 100}` }),
    );
    const added = await Promise.all(adds);
    const found = await entries('jobs');
    expect(found).toHaveLength(100);
    expect(new Set(added.map(({ id }) => id))).toEqual(new Set(found.map(({ id }) => id)));
    expect(added.filter(({ duplicate }) => !duplicate)).toHaveLength(100);
    added.forEach(({ id }, n) => {
      expect(id).toBe(added[n % 100]?.id);
    });
  });

  test('is forgotten after dedupeMs, counted from the first add', async () => {
    await using jobs = producer({ dedupeMs: 200 });
    const first = await jobs.add({ n: 1 }, { idempotencyKey: 'k' });
    expect(await state.redis.pttl('{jobs}:once:k')).toBeGreaterThan(0);
    await expect
      .poll(() => jobs.add({ n: 1 }, { idempotencyKey: 'k' }), { interval: 20 })
      .toMatchObject({ duplicate: false });
    const found = await entries('jobs');
    expect(found).toHaveLength(2);
    const [one = 0, two = 0] = found.map(({ id }) => Number(id.split('-')[0]));
    expect(found[0]?.id).toBe(first.id);
    expect(two - one).toBeGreaterThanOrEqual(199);
  });

  test('chooses the partition, so that a repeat finds it', async () => {
    await using jobs = producer({ partitions: ['a', 'b', 'c'] });
    for (let n = 0; n < 30; n++) {
      const first = await jobs.add({ n }, { idempotencyKey: `${n}` });
      const second = await jobs.add({ n }, { idempotencyKey: `${n}` });
      expect(second).toEqual({ ...first, duplicate: true });
    }
  });
});

/** Passes bytes on to the server; or passes them on, and hangs up in place of the answer. */
async function startProxy() {
  const proxy = { port: 0, losesReplies: false, lost: 0 };
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const far = connect(state.server.port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.on('data', (data) => far.write(data));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.on('data', (data) => {
      if (!proxy.losesReplies) {
        near.write(data);
        return;
      }
      proxy.losesReplies = false;
      proxy.lost++;
      near.destroy();
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  await once(listener, 'listening');
  proxy.port = (listener.address() as { port: number }).port;
  return proxy;
}

describe('an add whose reply is lost', () => {
  test('is repeated with an idempotency key, and knows its own work', async () => {
    const proxy = await startProxy();
    const redis = client({ port: proxy.port });
    await redis.ping();
    await using jobs = producer({}, redis);
    for (const options of [{}, { delayMs: 60_000 }]) {
      const keys = { idempotencyKey: `k${proxy.lost}`, ...options };
      proxy.losesReplies = true;
      const added = await jobs.add({ n: 1 }, keys);
      expect(added.duplicate).toBe(false);
      expect(await jobs.add({ n: 1 }, keys)).toEqual({ ...added, duplicate: true });
    }
    expect(proxy.lost).toBe(2);
    expect(jobs.stats()).toMatchObject({ repeats: 2, added: 2, duplicates: 2 });
    expect(await state.redis.call('ZCARD', '{jobs}:delayed')).toBe(1);
    expect(await entries('jobs')).toHaveLength(2);
  });

  test('rejects without one, and says that it may be there', async () => {
    const proxy = await startProxy();
    const redis = client({ port: proxy.port });
    await redis.ping();
    await using jobs = producer({}, redis);
    proxy.losesReplies = true;
    await expect(jobs.add({ n: 1 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
      mayHaveRun: true,
    });
    expect(await entries('jobs')).toHaveLength(1);
    expect(jobs.stats().repeats).toBe(0);
  });

  test('is repeated ten times at most, and not once its signal is aborted', async () => {
    await using server = await FakeServer.start({ EVAL: { drop: true }, EVALSHA: { drop: true } });
    await using jobs = producer({}, client({ port: server.port }));
    await expect(jobs.add({ n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
      mayHaveRun: true,
    });
    // What the server saw is told a moment later.
    await server.received('EVALSHA', 10);
    expect(server.commands).toHaveLength(11);
    // All of them are the same but for the way to name the script.
    expect(new Set(server.commands.map((args) => args.slice(2).join())).size).toBe(1);

    const controller = new AbortController();
    const add = jobs.add({ n: 1 }, { idempotencyKey: 'k', signal: controller.signal });
    controller.abort();
    await expect(add).rejects.toMatchObject({ mayHaveRun: true });
    await server.received('EVALSHA', 11);
    expect(server.commands).toHaveLength(12);
  });

  test('is not repeated where its key may be forgotten by then', async () => {
    await using server = await FakeServer.start({ EVAL: { afterMs: 40, drop: true } });
    await using jobs = producer({ dedupeMs: 60 }, client({ port: server.port }));
    await expect(jobs.add({ n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      mayHaveRun: true,
    });
    await server.received('EVAL');
    expect(server.commands).toHaveLength(1);
  });

  test('is still one that may have run when its repeat is refused', async () => {
    await using server = await FakeServer.start({
      EVAL: { drop: true },
      EVALSHA: '-LOADING not yet\r\n',
    });
    await using jobs = producer({}, client({ port: server.port }));
    await expect(jobs.add({ n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
      mayHaveRun: true,
    });
    await server.received('EVALSHA');
    expect(server.commands).toHaveLength(2);
  });

  test('is neither lost nor doubled where connections are killed again and again', async () => {
    const redis = client();
    await using jobs = producer({}, redis);
    const added: Added[][] = [];
    for (let round = 0; round < 25; round++) {
      const name = `client${round}`;
      await redis.client('SETNAME', name);
      const list = await state.redis.call('CLIENT', 'LIST');
      const line = String(list)
        .split('\n')
        .find((client) => client.includes(`name=${name} `));
      const id = /id=(\d+)/.exec(line as string)?.[1] as string;
      const add = (n: number) => jobs.add({ round, n }, { idempotencyKey: `${round}:${n}` });
      // Half of the adds go out before the kill, which runs at the server while it reads them.
      const before = Array.from({ length: 500 }, (_, n) => add(n));
      for (let i = 0; i < round % 5; i++) await redis.ping().catch(() => {});
      const killed = state.redis.call('CLIENT', 'KILL', 'ID', id);
      const after = Array.from({ length: 500 }, (_, n) => add(500 + n));
      added.push(await Promise.all([...before, ...after]));
      await killed;
    }
    const found = (await entries('jobs')).map(({ id, fields }) => [
      `${fields.round}:${fields.n}`,
      id,
    ]);
    expect(found).toHaveLength(25_000);
    expect(new Map(found as [string, string][])).toEqual(
      new Map(added.flatMap((adds, round) => adds.map(({ id }, n) => [`${round}:${n}`, id]))),
    );
    expect(added.flat().every(({ duplicate }) => !duplicate)).toBe(true);
    // Else no connection was killed in the middle.
    expect(jobs.stats().repeats).toBeGreaterThan(0);
  });
});
