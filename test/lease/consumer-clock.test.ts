// A server whose clock is put forward or back while jobs run: entries are idle by that clock. A failure here means jobs that
// run twice although their leases hold, or jobs of a dead process that wait for as long as the clock was put back.

import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Consumer, Job } from '../../lib/lease/index.js';
import { ClockOffset, canMoveClocks } from '../clock-offset.js';
import { ConsumerSide, take } from './consumer-side.js';

const HOUR = 3_600_000;
const OPTIONS = { leaseMs: 600, recoverEveryMs: 100, prefetch: 0 };

describe.runIf(canMoveClocks)("the server's clock", () => {
  let clock: ClockOffset;
  const side = new ConsumerSide(async () => {
    clock = await ClockOffset.make();
    return { env: clock.env };
  });
  beforeEach(() => clock.reset());
  afterAll(() => clock[Symbol.dispose]());

  /** Entries of somebody who will not come back. */
  async function abandoned(count: number, stream = 'jobs'): Promise<void> {
    await side.redis.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM').catch(() => {});
    // In one step, so that nobody else reads them.
    const script = `
      for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'n', n) end
      redis.call('XREADGROUP', 'GROUP', 'g', 'the dead', 'COUNT', ARGV[1], 'STREAMS', KEYS[1], '>')`;
    await side.redis.call('EVAL', script, 1, stream, count);
  }

  /** Resolves when each consumer has looked for idle entries often enough to have renewed its jobs and seen them again. */
  async function looked(...consumers: Consumer[]): Promise<void> {
    const scripts = () => side.calls('eval');
    const before = await scripts();
    const renewals = consumers.map((consumer) => consumer.stats().renewals.accepted);
    await expect.poll(scripts, { timeout: 20_000 }).toBeGreaterThan(before + 12 * consumers.length);
    for (const [i, consumer] of consumers.entries()) {
      const least = (renewals[i] as number) + 3 * consumer.stats().active;
      await expect
        .poll(() => consumer.stats().renewals.accepted, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(least);
    }
  }

  /** Holds jobs until it is told to go on. */
  function running(consumer: Consumer) {
    const begun: string[] = [];
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const run = consumer.run(async (job: Job) => {
      begun.push(job.id);
      await finished;
    });
    return { begun, finish, run };
  }

  test.each([
    ['more than a lease', [700]],
    ['a lease', [600]],
    ['two minutes', [120_000]],
    ['an hour', [HOUR]],
    ['a year', [365 * 24 * HOUR]],
    ['less than a lease, four times', [400, 400, 400, 400]],
    ['back and forward again', [-HOUR, HOUR]],
    ['forward and back again', [HOUR, -HOUR]],
  ])('put forward, leaves a lone consumer its jobs: %s', async (_, steps) => {
    const consumer = side.consumer({ ...OPTIONS, concurrency: 10 });
    const { begun, finish } = running(consumer);
    const ids = await side.add(5);
    await expect.poll(() => begun.length).toBe(5);
    for (const step of steps) {
      await looked(consumer);
      clock.step(step);
    }
    await looked(consumer);
    finish();
    await expect.poll(() => consumer.stats().acked).toBe(5);
    expect(begun).toEqual(ids);
    expect(consumer.stats()).toMatchObject({ delivered: 5, recovered: 0, lost: 0, expired: 0 });
  });

  test('put forward, leaves each of two consumers its jobs', async () => {
    const [one, two] = [0, 1].map(() => side.consumer({ ...OPTIONS, concurrency: 4 }));
    const [a, b] = [running(one as Consumer), running(two as Consumer)];
    await side.add(8);
    await expect.poll(() => a.begun.length + b.begun.length).toBe(8);
    // Room for what the other has.
    const third = side.consumer({ ...OPTIONS, concurrency: 10 });
    const c = running(third);
    const all = [one, two, third] as Consumer[];
    await looked(...all);
    clock.step(HOUR);
    await looked(...all);
    for (const { finish } of [a, b, c]) finish();
    await expect.poll(() => all.reduce((sum, consumer) => sum + consumer.stats().acked, 0)).toBe(8);
    expect(a.begun.length + b.begun.length + c.begun.length).toBe(8);
    for (const consumer of all) expect(consumer.stats()).toMatchObject({ lost: 0, recovered: 0 });
  });

  test('put forward, leaves the jobs of each level', async () => {
    const options = { ...OPTIONS, priorities: ['high', 'low'], concurrency: 10 };
    const consumer = side.consumer(options);
    const { begun, finish } = running(consumer);
    await side.add(2, '{jobs}:high');
    await side.add(2, '{jobs}:low');
    await expect.poll(() => begun.length).toBe(4);
    await looked(consumer);
    clock.step(HOUR);
    await looked(consumer);
    finish();
    await expect.poll(() => consumer.stats().acked).toBe(4);
    expect(consumer.stats()).toMatchObject({ delivered: 4, recovered: 0, lost: 0 });
  });

  test('put forward, has what a dead process had taken over all the same, behind 600 that are held', async () => {
    const consumer = side.consumer({ ...OPTIONS, leaseMs: 3000, concurrency: 610 });
    const { begun, finish } = running(consumer);
    await side.add(600);
    await expect.poll(() => begun.length).toBe(600);
    await abandoned(3);
    await looked(consumer);
    clock.step(HOUR);
    await expect.poll(() => begun.length, { timeout: 15_000 }).toBe(603);
    finish();
    await expect.poll(() => consumer.stats().acked).toBe(603);
    expect(consumer.stats()).toMatchObject({ delivered: 603, recovered: 3, lost: 0 });
  });

  test('what is pending for a name from an earlier life is taken over', async () => {
    await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
    await side.add(3);
    await side.redis.call('XREADGROUP', 'GROUP', 'g', 'me', 'STREAMS', 'jobs', '>');
    const jobs = await take(side.consumer({ ...OPTIONS, name: 'me', concurrency: 3 }), 3);
    expect(jobs.map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
    for (const job of jobs) await job.ack();
  });

  test.each([
    ['while somebody watches', false, HOUR],
    ['by a day', false, 24 * HOUR],
    ['by two leases', false, 1200],
    ['before anybody comes', true, HOUR],
  ])('put back, lets nobody wait for what a dead process had: %s', async (_, before, ms) => {
    const consumer = side.consumer({ ...OPTIONS, concurrency: 400 });
    if (!before) {
      running(consumer).finish();
      await looked(consumer);
    }
    await abandoned(300);
    clock.step(-ms);
    if (before) running(consumer).finish();
    const acked = () => consumer.stats().acked;
    await expect.poll(acked, { timeout: 15_000 }).toBe(300);
    expect(consumer.stats()).toMatchObject({ recovered: 300, lost: 0 });
  });

  test('put back, leaves a job to the consumer that has it', async () => {
    const [one, two] = [0, 1].map(() => side.consumer({ ...OPTIONS, concurrency: 4 }));
    const [a, b] = [running(one as Consumer), running(two as Consumer)];
    await side.add(8);
    await expect.poll(() => a.begun.length + b.begun.length).toBe(8);
    await looked(one as Consumer, two as Consumer);
    clock.step(-HOUR);
    await looked(one as Consumer, two as Consumer);
    expect((await side.pending()).map(([, , , deliveries]) => deliveries)).toEqual(
      Array(8).fill(1),
    );
    a.finish();
    b.finish();
    await expect.poll(() => side.pendingCount()).toBe(0);
    expect(a.begun.length + b.begun.length).toBe(8);
  });

  test('put back, with levels', async () => {
    await abandoned(2, '{jobs}:low');
    clock.step(-HOUR);
    const options = { ...OPTIONS, priorities: ['high', 'low'], concurrency: 10 };
    const jobs = await take(side.consumer(options), 2);
    expect(jobs.map(({ attempt, priority }) => [attempt, priority])).toEqual([
      [2, 'low'],
      [2, 'low'],
    ]);
  });
});
