// What a consumer does where something goes wrong: with this thread, another process, a connection, the server. A failure
// here is a job that is lost, or one that two run at a time while both believe that it is theirs.

import { describe, expect, test } from 'vitest';
import { blockThread } from '../block-thread.js';
import { ConsumerProcess } from './consumer-process.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

/** `<name> began|ended <n> <attempt>` */
const log = () => side.redis.lrange('log', 0, -1);
const began = async (n: number) => (await log()).filter((line) => line.includes(` began ${n} `));

describe('a busy JS thread', () => {
  test('keeps its jobs: a rival in another process gets none of them', async () => {
    const options = { leaseMs: 500, recoverEveryMs: 100 };
    const consumer = side.consumer({ ...options, concurrency: 2, prefetch: 2 });
    await side.add(4);
    const jobs = await take(consumer, 2);
    await expect.poll(() => side.pendingCount()).toBe(4);
    await using rival = new ConsumerProcess(side.server.port, 'rival', options, 0);
    await expect.poll(() => rival.lines).toEqual(['ready']);
    await expect.poll(() => side.waiting()).toBe(1);
    blockThread(3000);
    expect(await log()).toEqual([]);
    for (const job of jobs) {
      expect(job.signal.aborted).toBe(false);
      await job.ack();
    }
    for (const job of await take(consumer, 2)) {
      expect(job.attempt).toBe(1);
      await job.ack();
    }
    expect(await side.pendingCount()).toBe(0);
    expect(consumer.stats()).toMatchObject({ acked: 4, lost: 0, expired: 0 });
  });

  test('loses them after maxBlockMs, if there is one', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 400, maxBlockMs: 300, recoverEveryMs: 50 });
    const [job] = await take(consumer, 1);
    const ended = endOf(job as never);
    blockThread(1000);
    expect(job?.validForMs()).toBe(0);
    expect(await ended).toMatchObject({ reason: 'js-blocked' });
    // It has not been at it again and again meanwhile.
    const [again] = await take(consumer, 1);
    expect(again).toMatchObject({ id: job?.id, attempt: 2 });
  });

  test('begins no job whose lease has ended meanwhile', async () => {
    await side.add(2);
    const consumer = side.consumer({ leaseMs: 300, maxLeaseMs: 300, recoverEveryMs: 100 });
    const [first] = await take(consumer, 1);
    await expect.poll(() => side.pendingCount()).toBe(2);
    blockThread(600);
    // The second was held ready, and has been idle for longer than a lease since.
    const [next] = await take(consumer, 1);
    expect(next?.validForMs()).toBeGreaterThan(0);
    // What was never begun was no attempt.
    expect(next?.attempt).toBe(next?.id === first?.id ? 2 : 1);
    await expect(first?.ack()).rejects.toMatchObject({ reason: 'max-lease' });
  });
});

describe('another process', () => {
  const options = { leaseMs: 500, recoverEveryMs: 200, concurrency: 3 };

  test('that hangs past maxLeaseMs: its job is run by another, and not taken over by itself', async () => {
    await side.add(1);
    // It looks for jobs to recover three times as often as the other.
    const hung = { leaseMs: 500, maxLeaseMs: 700, recoverEveryMs: 100 };
    await using _ = new ConsumerProcess(side.server.port, 'hung', hung, 'hangs');
    await expect.poll(async () => (await log()).length).toBe(1);
    const rival = side.consumer({ leaseMs: 500, recoverEveryMs: 300 });
    const [job] = await take(rival, 1);
    expect(job?.attempt).toBe(2);
    // Each who took it over has left a line.
    const lines = await side.redis.hvals('{jobs}:g:history');
    expect(lines.flatMap((line) => JSON.parse(line))).toMatchObject([
      { attempt: 1, consumer: 'hung', error: 'its lease ran out' },
    ]);
    await job?.ack();
  });

  test('that is killed: its jobs are run by others, each of them', async () => {
    await side.add(3);
    const victim = new ConsumerProcess(side.server.port, 'victim', options, 60_000);
    await expect.poll(async () => (await log()).length).toBe(3);
    await using rival = new ConsumerProcess(side.server.port, 'rival', options, 0);
    await expect.poll(() => rival.lines).toContain('ready');
    await victim[Symbol.asyncDispose]();
    await expect.poll(() => side.pendingCount(), { interval: 10 }).toBe(0);
    for (const n of [0, 1, 2]) {
      expect(await began(n)).toEqual([`victim began ${n} 1`, `rival began ${n} 2`]);
    }
  });

  test('that is stopped for longer than its leases last: it is told, and its acks are refused', async () => {
    await side.add(2);
    await using sleeper = new ConsumerProcess(
      side.server.port,
      'sleeper',
      { ...options, prefetch: 0, concurrency: 1 },
      1500,
    );
    await expect.poll(async () => (await log()).length).toBe(1);
    sleeper.signal('SIGSTOP');
    await using rival = new ConsumerProcess(side.server.port, 'rival', options, 0);
    await expect.poll(() => side.pendingCount(), { timeout: 8000 }).toBe(0);
    // Another job, while the stopped process still waits at the server for one.
    expect(await began(0)).toEqual(['sleeper began 0 1', 'rival began 0 2']);
    sleeper.signal('SIGCONT');
    await expect
      .poll(() => sleeper.lines)
      .toContainEqual(expect.stringMatching(/^aborted 0 (lost|expired)$/));
    expect(rival.lines).toEqual(['ready']);
    expect(await began(0)).toHaveLength(2);
    expect(await began(1)).toHaveLength(1);
  });

  test('that is stopped while it waits: it does not run what was given to it meanwhile', async () => {
    await using sleeper = new ConsumerProcess(side.server.port, 'sleeper', options, 0);
    await expect.poll(() => side.waiting()).toBe(1);
    sleeper.signal('SIGSTOP');
    // The server answers the stopped process's read with these.
    const three = "for n = 0, 2 do redis.call('XADD', 'jobs', '*', 'n', n) end";
    await side.redis.call('EVAL', three, 0);
    await expect.poll(() => side.pendingCount()).toBe(3);
    await using rival = new ConsumerProcess(side.server.port, 'rival', options, 1000);
    await expect.poll(async () => (await log()).length).toBe(3);
    sleeper.signal('SIGCONT');
    await expect.poll(() => side.pendingCount()).toBe(0);
    for (const n of [0, 1, 2]) expect(await began(n)).toEqual([`rival began ${n} 2`]);
    expect(sleeper.lines).toEqual(['ready']);
    expect(rival.lines).toEqual(['ready']);
  });

  test('whose jobs kill it: they become dead letters, with a history', async () => {
    const [id] = await side.add(1);
    const names = ['first', 'second', 'third'];
    for (const [i, name] of names.entries()) {
      await using _poisoned = new ConsumerProcess(
        side.server.port,
        name,
        { leaseMs: 200, recoverEveryMs: 50, maxAttempts: 3 },
        60_000,
      );
      await expect.poll(async () => (await log()).length).toBe(i + 1);
    }
    const consumer = side.consumer({ leaseMs: 200, recoverEveryMs: 50, maxAttempts: 3 });
    consumer.run(() => {});
    await expect.poll(() => consumer.stats().dead).toBe(1);
    const [[, dead]] = await side.redis.call('XRANGE', '{jobs}:dead', '-', '+');
    expect(JSON.parse(dead[3])).toMatchObject({
      id,
      attempt: 3,
      history: names.map((name, i) => ({
        attempt: i + 1,
        consumer: name,
        error: 'its lease ran out',
      })),
    });
    expect(await side.pendingCount()).toBe(0);
    expect(await side.redis.call('HLEN', '{jobs}:g:history')).toBe(0);
    expect(await began(0)).toHaveLength(3);
  });

  test('of the same name shares the work, and each job is run once', async () => {
    await side.add(200);
    const [a, b] = [
      side.consumer({ ...options, name: 'twin' }),
      side.consumer({ ...options, name: 'twin' }),
    ];
    const seen: string[] = [];
    const handler = async (job: { id: string }) => {
      seen.push(job.id);
      await side.redis.ping();
    };
    a.run(handler);
    b.run(handler);
    await expect.poll(() => a.stats().acked + b.stats().acked).toBe(200);
    expect(new Set(seen).size).toBe(200);
    expect(seen).toHaveLength(200);
  });
});

describe('a connection', () => {
  test.each(['intake', 'work'])(
    '%s: killed again and again, no job is lost or run twice',
    async (which) => {
      const consumer = side.consumer({ concurrency: 20, leaseMs: 2000 });
      const seen = new Map<string, number>();
      consumer.run(async (job) => {
        seen.set(job.id, (seen.get(job.id) ?? 0) + 1);
        await side.redis.ping();
      });
      await expect.poll(() => side.waiting()).toBe(1);
      const added: string[] = [];
      for (let round = 0; round < 15; round++) {
        added.push(...(await side.add(50)));
        const ids = await side.connections(
          which === 'intake' ? 'xreadgroup' : '(eval|xpending|xack)',
        );
        const all = (await side.redis.call('CLIENT', 'LIST')).split('\n') as string[];
        const mine = all.filter((line) => /cmd=(eval|xack|xpending)/.test(line));
        const victims =
          which === 'intake' ? ids : mine.map((l) => /id=(\d+)/.exec(l)?.[1] as string);
        for (const id of victims) await side.redis.call('CLIENT', 'KILL', 'ID', id);
      }
      await expect.poll(() => seen.size, { timeout: 10_000 }).toBe(added.length);
      await expect.poll(() => side.pendingCount(), { timeout: 10_000 }).toBe(0);
      // What a killed read had brought, and nobody has seen, comes again; nothing that was seen does.
      expect(new Set(seen.values())).toEqual(new Set([1]));
      expect(consumer.stats()).toMatchObject({ lost: 0, expired: 0, held: 0 });
      expect(consumer.health).toEqual({ healthy: true });
    },
  );

  test('that is lost with an ack on the way: it is asked again, and the ack resolves once', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 5000 });
    const [job] = await take(consumer, 1);
    // The server gets the ack, and answers nobody.
    await side.redis.call('CLIENT', 'PAUSE', '300', 'ALL');
    const acked = job?.ack();
    const other = side.client();
    await other.call('PING');
    for (const one of await side.connections('eval'))
      await side.redis.call('CLIENT', 'KILL', 'ID', one);
    await acked;
    expect(await side.pendingCount()).toBe(0);
    expect(consumer.stats()).toMatchObject({ acked: 1, lost: 0 });
    expect(await side.redis.call('XLEN', 'jobs')).toBe(0);
    await other.quit();
  });
});

describe('a server', () => {
  test('that pauses for less than a lease: nothing happens', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 1500 });
    const [job] = await take(consumer, 1);
    await side.redis.call('CLIENT', 'PAUSE', '600', 'ALL');
    await side.redis.ping();
    await job?.ack();
    expect(consumer.stats()).toMatchObject({ acked: 1, expired: 0, lost: 0 });
  });

  test('that pauses for longer: leases end, the consumer is unhealthy, and comes back', async () => {
    await side.add(2);
    const consumer = side.consumer({ leaseMs: 1000, concurrency: 2, recoverEveryMs: 100 });
    const [job] = await take(consumer, 1);
    const health: boolean[] = [];
    // It is told anew where the reason becomes another.
    consumer.on('health', ({ healthy }) => {
      if (health.at(-1) !== healthy) health.push(healthy);
    });
    const ended = endOf(job as never);
    await side.redis.call('CLIENT', 'PAUSE', '4000', 'ALL');
    expect(await ended).toMatchObject({ reason: 'expired' });
    await expect.poll(() => health).toEqual([false, true]);
    expect(consumer.health).toEqual({ healthy: true });
    await expect(job?.ack()).rejects.toMatchObject({ reason: 'expired' });
    const jobs = await take(consumer, 2);
    expect(jobs.map(({ fields }) => fields.n).toSorted()).toEqual(['0', '1']);
    await Promise.all(jobs.map((again) => again.ack()));
  });

  test('that forgets all: leases end, and the group is made anew', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 300 });
    const [job] = await take(consumer, 1);
    await side.redis.flushall();
    expect(await endOf(job as never)).toMatchObject({ reason: 'lost' });
    await side.add(1);
    const [next] = await take(consumer, 1);
    await next?.ack();
    expect(consumer.stats().acked).toBe(1);
  });

  test('that is told of by a listener that throws: nothing is lost by that', async () => {
    await side.redis.set('jobs', 'a string');
    const consumer = side.consumer({ leaseMs: 300 });
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    const others = process.listeners('uncaughtException').slice(0, -1);
    for (const other of others) process.off('uncaughtException', other);
    consumer.once('error', () => {
      throw new Error('on purpose');
    });
    const next = take(consumer, 1);
    expect(await thrown).toMatchObject({ message: 'on purpose' });
    for (const other of others) process.on('uncaughtException', other);
    await side.redis.del('jobs');
    await side.add(1);
    expect(await next).toHaveLength(1);
  });

  test('whose stream is something else: it is said, and mended when that is', async () => {
    await side.redis.set('jobs', 'a string');
    const consumer = side.consumer({ leaseMs: 300 });
    const error = new Promise((resolve) => consumer.once('error', resolve));
    const next = take(consumer, 1);
    expect(await error).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
    await side.redis.del('jobs');
    await side.add(1);
    expect(await next).toHaveLength(1);
  });

  test('that refuses to write: fail() rejects, and the job is still ours', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 5000 });
    const [job] = await take(consumer, 1);
    await side.redis.set('{jobs}:dead', 'a string');
    const wrong = { code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' };
    await expect(job?.fail('no', { dead: true })).rejects.toMatchObject(wrong);
    expect(job?.signal.aborted).toBe(false);
    await job?.ack();
    expect(consumer.stats()).toMatchObject({ acked: 1 });
  });

  test('that has no memory: fail() waits until it has, and acks do not wait for that', async () => {
    await side.add(2);
    const consumer = side.consumer({ leaseMs: 20_000, concurrency: 2 });
    const [failed, done] = await take(consumer, 2);
    await side.redis.call('CONFIG', 'SET', 'maxmemory', '1');
    const tried = failed?.fail('no', { retryAfterMs: 0 });
    await done?.ack();
    await side.redis.call('CONFIG', 'SET', 'maxmemory', '0');
    await tried;
    expect(consumer.stats()).toMatchObject({ acked: 1, retried: 1 });
  });
});
