// Each figure of stats() against somebody else who knows: what the test has counted, or the server. A failure here is a figure
// that says what did not happen.

import { beforeEach, describe, expect, test } from 'vitest';
import { acquire, type Consumer, type ConsumerEvents, Producer } from '../../lib/lease/index.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

beforeEach(() => side.redis.call('CONFIG', 'RESETSTAT'));

/** How often each event of a job was told. */
function count(consumer: Consumer) {
  const told = { completed: 0, failed: 0, retrying: 0, dead: 0, stalled: 0, lost: 0 };
  for (const name of Object.keys(told) as (keyof typeof told)[]) {
    consumer.on(name as keyof ConsumerEvents, () => {
      told[name]++;
    });
  }
  return told;
}

describe('of a consumer', () => {
  test('what was delivered, acked, retried, buried and moved', async () => {
    await side.add(60);
    const consumer = side.consumer({ concurrency: 7, prefetch: 3, maxAttempts: 2 });
    const told = count(consumer);
    const done = { calls: 0, acked: 0, failed: 0, dead: 0, late: 0 };
    consumer.run(async (job) => {
      done.calls++;
      const kind = Number(job.fields.n) % 4;
      if (kind === 0 || (job.attempt === 2 && kind !== 3)) {
        await job.ack();
        done.acked++;
      } else if (job.attempt === 2) {
        await job.fail('no');
        done.dead++;
      } else {
        await job.fail('no', { retryAfterMs: kind === 1 ? 1 : 0 });
        done.failed++;
        if (kind === 1) done.late++;
      }
    });
    await expect.poll(() => done.acked + done.dead).toBe(60);
    expect(await side.pendingCount()).toBe(0);
    await consumer.close();
    expect(done).toEqual({ calls: 105, acked: 45, failed: 45, dead: 15, late: 15 });
    const stats = consumer.stats();
    expect(stats).toMatchObject({
      held: 0,
      active: 0,
      delivered: done.calls,
      acked: done.acked,
      retried: done.failed,
      dead: await side.redis.call('XLEN', '{jobs}:dead'),
      moved: done.late,
      recovered: 0,
      lost: 0,
      expired: 0,
      handedBack: 0,
      unconfirmed: 0,
    });
    expect(told).toEqual({
      completed: done.acked,
      failed: done.failed + done.dead,
      retrying: done.failed,
      dead: done.dead,
      stalled: 0,
      lost: 0,
    });
    expect(stats.reads).toBe(await side.calls('xreadgroup'));
  });

  test('what it holds, has begun, and hands back', async () => {
    await side.add(20);
    const consumer = side.consumer({ concurrency: 4, prefetch: 5 });
    const told = count(consumer);
    await take(consumer, 4);
    await expect.poll(() => side.pendingCount()).toBe(9);
    expect(consumer.stats()).toMatchObject({ held: 9, active: 4, delivered: 9 });
    await consumer.close({ deadlineMs: 0 });
    const left = (await side.pending()).filter(([, owner]) => owner === consumer.name);
    expect(consumer.stats()).toMatchObject({ held: 0, active: 0, handedBack: left.length });
    expect(told.lost).toBe(4);
  });

  test('renewals, and the commands that took them', async () => {
    await side.redis.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    await side.redis.call('CONFIG', 'SET', 'slowlog-max-len', '100000');
    await side.redis.call('SLOWLOG', 'RESET');
    await side.add(5);
    const consumer = side.consumer({ leaseMs: 20_000, renewEveryMs: 100, concurrency: 5 });
    const jobs = await take(consumer, 5);
    await expect.poll(() => consumer.stats().renewals.accepted).toBeGreaterThan(20);
    // No renewal is under way when the acks are answered, which were sent behind it.
    await Promise.all(jobs.map((job) => job.ack()));
    const { renewals, jitter } = consumer.stats();
    const log = (await side.redis.call('SLOWLOG', 'GET', '-1')) as [
      number,
      number,
      number,
      string[],
    ][];
    const scripts = log.map(([, , , words]) => words).filter(([name]) => name === 'EVAL');
    const isRenewal = (script: string | undefined) => script?.includes('for i = 3, #ARGV, 3 do');
    expect(renewals).toMatchObject({
      accepted: await side.calls('xclaim'),
      refused: 0,
      commands: scripts.filter(([, script]) => isRenewal(script)).length,
    });
    expect(jitter.count).toBe(renewals.accepted);
  });

  test('leases that others took, or that time ended, and entries that were taken over', async () => {
    await side.add(6);
    const options = { leaseMs: 2000, renewEveryMs: 30, concurrency: 6 };
    const consumer = side.consumer({ ...options, maxLeaseMs: 3000, recoverEveryMs: 60_000 });
    const reasons: string[] = [];
    consumer.on('lost', ({ error }) => reasons.push(error.reason));
    const jobs = await take(consumer, 6);
    const ends = Promise.all(jobs.map(endOf));
    for (const { id } of jobs.slice(0, 2)) {
      await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, id, 'IDLE', 100_000);
    }
    await ends;
    const ended = (reason: string) => reasons.filter((one) => one === reason).length;
    expect(reasons).toHaveLength(6);
    expect(consumer.stats()).toMatchObject({
      lost: ended('lost'),
      expired: ended('max-lease'),
      held: 0,
      active: 0,
    });
    expect(ended('lost')).toBe(2);
    expect(consumer.stats().renewals.refused).toBe(2);
    const other = side.consumer({ ...options, recoverEveryMs: 20 });
    const told = count(other);
    await take(other, 2);
    await other.close({ deadlineMs: 0 });
    // Those of which time has ended the leases may be among them.
    expect(told.stalled).toBeGreaterThanOrEqual(2);
    expect(other.stats()).toMatchObject({ recovered: told.stalled, delivered: told.stalled });
  });
});

describe('of a lease', () => {
  test('renewals, which the server has carried out', async () => {
    const options = { ttlMs: 20_000, renewEveryMs: 100, renewTimeoutMs: 20_000 };
    const keys = ['a', 'b', 'c'];
    const leases = await Promise.all(keys.map((key) => acquire(side.redis, key, options)));
    await expect.poll(() => leases[2]?.stats().renewals).toBeGreaterThan(5);
    // What was sent before it is answered before it.
    await Promise.all(leases.map((lease) => lease.release()));
    const stats = leases.map((lease) => lease.stats());
    const renewals = stats.reduce((sum, one) => sum + one.renewals, 0);
    expect(renewals).toBe(await side.calls('pexpire'));
    for (const one of stats) expect(one).toMatchObject({ late: 0, failed: 0 });
    expect(stats[0]?.jitter.count).toBe(renewals);
  });

  test('renewals that the server refused', async () => {
    const lease = await acquire(side.redis, 'a', { ttlMs: 20_000, renewEveryMs: 200 });
    await side.redis.call('ACL', 'SETUSER', 'default', '-eval');
    await expect.poll(() => lease.stats().failed).toBeGreaterThan(2);
    await side.redis.call('ACL', 'SETUSER', 'default', '+eval');
    const { renewals } = lease.stats();
    await expect.poll(() => lease.stats().renewals).toBeGreaterThan(renewals);
    const errors = await side.redis.call('INFO', 'errorstats');
    expect(lease.stats().failed).toBe(Number(/errorstat_NOPERM:count=(\d+)/.exec(errors)?.[1]));
    await lease.release();
  });
});

describe('of a producer', () => {
  test('what it has added, now and for later, and what was known', async () => {
    const producer = new Producer(side.redis, { stream: 'jobs', maxPending: 10 });
    const adds = Array.from({ length: 100 }, (_, n) =>
      producer.add(
        { n },
        {
          ...(n % 3 === 0 ? { delayMs: 60_000 } : {}),
          ...(n % 5 === 0 ? { idempotencyKey: `${n % 10}` } : {}),
        },
      ),
    );
    let settled = 0;
    for (const add of adds) {
      add.then(() => {
        settled++;
        const { pending, waiting } = producer.stats();
        expect(pending).toBeLessThanOrEqual(10);
        expect(pending + waiting).toBeLessThanOrEqual(100 - settled + 1);
      });
    }
    expect(producer.stats()).toMatchObject({ pending: 10, waiting: 90 });
    const added = await Promise.all(adds);
    const duplicates = added.filter(({ duplicate }) => duplicate).length;
    expect(duplicates).toBe(18);
    const markers = (await side.redis.call('XRANGE', 'jobs', '-', '+')).filter(
      ([, words]: [string, string[]]) => words[0] === 'sideloop',
    ).length;
    const there =
      (await side.redis.call('XLEN', 'jobs')) + (await side.redis.call('ZCARD', '{jobs}:delayed'));
    expect(producer.stats()).toEqual({
      pending: 0,
      waiting: 0,
      added: there - markers,
      duplicates,
      repeats: 0,
    });
    expect(there - markers + duplicates).toBe(100);
  });
});
