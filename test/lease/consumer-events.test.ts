// What a consumer tells of its jobs. A failure here is an attempt that failed and nobody hears of it, a dead letter that is
// told twice or not at all, or an event that is lost because this thread was busy.

import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Consumer,
  type ConsumerEvents,
  defaultRetryDelayMs,
  type JobEvent,
} from '../../lib/lease/index.js';
import { blockThread } from '../block-thread.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

const NAMES = ['completed', 'failed', 'retrying', 'dead', 'stalled', 'lost', 'error'] as const;

type Told = [event: string, n: string | undefined, attempt: number, error: unknown];

/** All that a consumer tells, in order, but its health. */
function listen(consumer: Consumer, names: readonly (keyof ConsumerEvents)[] = NAMES): Told[] {
  const told: Told[] = [];
  for (const name of names) {
    consumer.on(name, (about) => {
      if (about instanceof Error) return told.push([name, undefined, 0, about]);
      const { job, attempt, error } = about as JobEvent & { error?: unknown };
      return told.push([name, job.fields.n, attempt, error]);
    });
  }
  return told;
}

/** The server has it that another holds the entry, for longer than a lease. */
async function holdByDead(id: string, deliveries = 1): Promise<void> {
  const idle = ['IDLE', '100000', 'RETRYCOUNT', deliveries, 'JUSTID'];
  await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0').catch(() => {});
  await side.redis.call('XREADGROUP', 'GROUP', 'g', 'gone', 'STREAMS', 'jobs', '>');
  await side.redis.call('XCLAIM', 'jobs', 'g', 'gone', 0, id, ...idle);
}

const thrown = {
  'an error': new Error('on purpose'),
  'a string': 'on purpose',
  undefined: undefined,
  null: null,
  'an object without a text': Object.create(null),
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an attempt', () => {
  test('that is done is told as completed: by its handler, and by ack()', async () => {
    await side.add(3);
    const consumer = side.consumer();
    const told = listen(consumer);
    consumer.run((job) => (job.fields.n === '1' ? job.ack() : undefined));
    await expect.poll(() => told.length).toBe(3);
    expect(told).toEqual(['0', '1', '2'].map((n) => ['completed', n, 1, undefined]));
  });

  test.each(Object.entries(thrown))(
    'whose handler throws %s has failed, each time; the job is dead once',
    async (_, error) => {
      await side.add(1);
      const consumer = side.consumer({ maxAttempts: 3 });
      const told = listen(consumer);
      consumer.run((job) => {
        if (job.attempt === 2) return Promise.reject(error);
        throw error;
      });
      await expect.poll(() => told.length).toBe(6);
      expect(told).toEqual([
        ['failed', '0', 1, error],
        ['retrying', '0', 1, error],
        ['failed', '0', 2, error],
        ['retrying', '0', 2, error],
        ['failed', '0', 3, error],
        ['dead', '0', 3, error],
      ]);
      await consumer.close();
      expect(told).toHaveLength(6);
      expect(consumer.stats()).toMatchObject({ retried: 2, dead: 1 });
    },
  );

  test('that fail() ends is told with its delay, and as dead where there are no more', async () => {
    await side.add(2);
    const consumer = side.consumer({ concurrency: 2 });
    const told = listen(consumer);
    const delays: number[] = [];
    consumer.on('retrying', ({ delayMs }) => delays.push(delayMs));
    const [late, never] = await take(consumer, 2);
    await late?.fail('later', { retryAfterMs: 60_000 });
    await never?.fail('never', { dead: true });
    await expect.poll(() => told.length).toBe(4);
    expect(told).toEqual([
      ['failed', '0', 1, 'later'],
      ['retrying', '0', 1, 'later'],
      ['failed', '1', 1, 'never'],
      ['dead', '1', 1, 'never'],
    ]);
    expect(delays).toEqual([60_000]);
  });

  test('whose failure the server refuses, and that is acked then, has failed once and is done', async () => {
    await side.add(1);
    const consumer = side.consumer({ maxAttempts: 1 });
    const told = listen(consumer);
    const [job] = await take(consumer, 1);
    await side.redis.set('{jobs}:dead', 'a string');
    await expect(job?.fail('one')).rejects.toThrow('WRONGTYPE');
    await expect(job?.fail('two')).rejects.toThrow('WRONGTYPE');
    await job?.ack();
    await expect.poll(() => told.length).toBe(2);
    expect(told).toEqual([
      ['failed', '0', 1, 'one'],
      ['completed', '0', 1, undefined],
    ]);
  });

  test('is told when this thread was busy, all of it, in order', async () => {
    await side.add(40);
    const consumer = side.consumer({ concurrency: 20, maxAttempts: 2 });
    const told = listen(consumer);
    const jobs = await take(consumer, 20);
    for (const job of jobs) {
      if (Number(job.fields.n) % 2 === 0) job.ack();
      else job.fail('no', { dead: true });
    }
    // What was staged goes out, and the answers come while nobody reads them.
    await Promise.resolve();
    process.nextTick(() => blockThread(500));
    await expect.poll(() => told.filter(([event]) => event !== 'failed').length).toBe(20);
    for (const job of jobs) {
      const { n } = job.fields;
      const events = told.filter((line) => line[1] === n).map(([event]) => event);
      expect(events).toEqual(Number(n) % 2 === 0 ? ['completed'] : ['failed', 'dead']);
    }
  });
});

describe('a lease that ends', () => {
  test('because another has the job is told as lost, with the reason', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 3000, renewEveryMs: 20 });
    const told = listen(consumer);
    const [job] = await take(consumer, 1);
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    await expect.poll(() => told.length).toBe(1);
    expect(told).toEqual([['lost', '0', 1, job?.signal.reason]]);
    expect(told[0]?.[3]).toMatchObject({ code: 'ERR_SIDELOOP_LEASE_ENDED', reason: 'lost' });
  });

  test('while its ack is under way is told as lost, and not as completed', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const told = listen(consumer);
    const [job] = await take(consumer, 1);
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    await expect(job?.ack()).rejects.toMatchObject({ reason: 'lost' });
    await consumer.close();
    expect(told.map(([event]) => event)).toEqual(['lost']);
  });

  test('while its failure is under way has failed, and is lost', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const told = listen(consumer);
    const [job] = await take(consumer, 1);
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    await expect(job?.fail('no')).rejects.toMatchObject({ reason: 'lost' });
    await consumer.close();
    expect(told.map(([event]) => event)).toEqual(['failed', 'lost']);
  });

  test('by the deadline of close() is told, but not of what was never begun', async () => {
    await side.add(3);
    const consumer = side.consumer({ concurrency: 1, prefetch: 2 });
    const told = listen(consumer);
    await take(consumer, 1);
    await expect.poll(() => consumer.stats().held).toBe(3);
    await consumer.close({ deadlineMs: 0 });
    expect(told).toMatchObject([['lost', '0', 1, { reason: 'released' }]]);
  });

  test('by the end of the loop is told', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const told = listen(consumer, ['completed', 'failed', 'lost']);
    await take(consumer, 1);
    side.loop.destroy();
    await expect.poll(() => told.length).toBe(1);
    expect(told).toMatchObject([['lost', '0', 1, { reason: 'loop-stopped' }]]);
  });

  test.each([
    ['its reason', 1, (reason: unknown) => reason],
    ['something else', 2, () => new Error('on purpose')],
  ])('a handler that throws %s then is heard', async (_, count, errorOf) => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 200, maxLeaseMs: 200 });
    const told = listen(consumer, ['failed', 'lost', 'error']);
    let error: unknown;
    const run = consumer.run(async (job) => {
      if (error !== undefined) return;
      error = errorOf(await endOf(job));
      throw error;
    });
    await expect.poll(() => told.length).toBe(count);
    await consumer.close();
    await run;
    expect(told.slice(0, count)).toEqual(
      [
        ['lost', '0', 1, expect.objectContaining({ reason: 'max-lease' })],
        ['failed', '0', 1, error],
      ].slice(0, count),
    );
  });
});

test('a handler that throws behind its own ack() is heard', async () => {
  await side.add(2);
  const consumer = side.consumer();
  const told = listen(consumer);
  const error = new Error('on purpose');
  consumer.run(async (job) => {
    if (job.fields.n === '0') await job.ack();
    else job.ack();
    throw error;
  });
  await expect.poll(() => told.length).toBe(4);
  const behind = ['error', undefined, 0, error];
  expect(told.filter(([event]) => event === 'error')).toEqual([behind, behind]);
  expect(told.filter(([event]) => event === 'completed')).toHaveLength(2);
});

describe('what another was given, and did not settle', () => {
  test('is told as stalled by whoever gets it', async () => {
    const [id] = await side.add(1);
    await holdByDead(id as string, 2);
    const consumer = side.consumer({ recoverEveryMs: 20, maxAttempts: 5 });
    const told = listen(consumer);
    const [job] = await take(consumer, 1);
    expect(job?.attempt).toBe(3);
    await job?.ack();
    await expect.poll(() => told.length).toBe(2);
    expect(told).toEqual([
      ['stalled', '0', 2, expect.objectContaining({ code: 'ERR_SIDELOOP_JOB_STALLED' })],
      ['completed', '0', 3, undefined],
    ]);
  });

  test('is told before its handler begins', async () => {
    const ids = await side.add(3);
    for (const id of ids) await holdByDead(id, 2);
    const consumer = side.consumer({ recoverEveryMs: 20, maxAttempts: 5, concurrency: 2 });
    const order: string[] = [];
    consumer.on('stalled', ({ job, error }) => {
      expect(error.message).toMatch(/^Attempt 2 was delivered and not settled/);
      order.push(`stalled ${job.id}`);
    });
    consumer.run((job) => {
      order.push(`begun ${job.id}`);
    });
    await expect.poll(() => order.length).toBe(6);
    for (const id of ids) {
      expect(order.indexOf(`stalled ${id}`)).toBeLessThan(order.indexOf(`begun ${id}`));
    }
  });

  test('comes here without a listener as well', async () => {
    const [id] = await side.add(1);
    await holdByDead(id as string, 2);
    const consumer = side.consumer({ recoverEveryMs: 20, maxAttempts: 5 });
    const attempts: number[] = [];
    consumer.run((job) => {
      attempts.push(job.attempt);
    });
    await expect.poll(() => attempts).toEqual([3]);
  });

  test('is told as dead, once, where that was its last attempt', async () => {
    const [id] = await side.add(1);
    await holdByDead(id as string, 3);
    const options = { recoverEveryMs: 20, maxAttempts: 3 };
    const both = [side.consumer(options), side.consumer(options)];
    const told = both.map((consumer) => listen(consumer));
    const jobs: JobEvent[] = [];
    for (const consumer of both) {
      consumer.on('dead', (event) => jobs.push(event));
      consumer.run(() => {});
    }
    await expect.poll(() => side.pendingCount()).toBe(0);
    await Promise.all(both.map((consumer) => consumer.close()));
    expect(told.flat()).toEqual([
      ['dead', '0', 3, expect.objectContaining({ code: 'ERR_SIDELOOP_JOB_STALLED' })],
    ]);
    const job = jobs[0]?.job;
    expect(job).toMatchObject({ id, attempt: 3, stream: 'jobs', fields: { n: '0' } });
    expect(job?.signal.aborted).toBe(true);
    expect(job?.validForMs()).toBe(0);
    await expect(job?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_LEASE_ENDED' });
  });
});

describe('a dead letter that nobody listens to', () => {
  test('is one line on stderr, without its fields and its error', async () => {
    const stderr = vi.spyOn(console, 'error').mockImplementation(() => {});
    await side.redis.call('XADD', 'jobs', '*', 'password', 'hunter2');
    await side.redis.call('XADD', 'jobs', '*', 'password', 'hunter3');
    const consumer = side.consumer({ maxAttempts: 2 });
    consumer.run((job) => {
      throw new Error(`no luck with ${job.fields.password}`);
    });
    await expect.poll(() => consumer.stats().dead).toBe(2);
    await consumer.close();
    expect(stderr).toHaveBeenCalledTimes(2);
    const lines = stderr.mock.calls.map(([line]) => line as string);
    for (const line of lines) {
      expect(line).toMatch(
        /^sideloop: the job "[\d-]+" of "jobs" is a dead letter after attempt 2\./,
      );
      expect(line).toContain('"{jobs}:dead"');
      expect(line).not.toMatch(/hunter|luck|\n/);
    }
  });

  test('of another consumer that died is one too; one that is listened to is none', async () => {
    const stderr = vi.spyOn(console, 'error').mockImplementation(() => {});
    const [first] = await side.add(1);
    await holdByDead(first as string, 2);
    const options = { recoverEveryMs: 20, maxAttempts: 2, deadLetter: 'graves' };
    const consumer = side.consumer(options);
    consumer.run(() => {
      throw new Error('on purpose');
    });
    await expect.poll(() => stderr.mock.calls.length).toBe(1);
    expect(stderr.mock.calls[0]?.[0]).toContain('"graves"');
    const told = listen(consumer, ['dead']);
    await side.add(1);
    await expect.poll(() => told.length).toBe(1);
    await consumer.close();
    expect(stderr).toHaveBeenCalledTimes(1);
  });
});

describe('the delay before the next attempt, where none is given', () => {
  test('is a random time below 1 s x 2^(n-1), and below a minute', () => {
    for (const attempt of [1, 2, 3, 6, 7, 30, 2000]) {
      const most = Math.min(60_000, 1000 * 2 ** (attempt - 1));
      const delays = Array.from({ length: 1000 }, () => defaultRetryDelayMs(attempt));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...delays)).toBeLessThan(most);
      // Each tenth of the time has some of them: the chance of a miss is below 1e-44.
      const tenths = new Set(delays.map((delay) => Math.floor((10 * delay) / most)));
      expect(tenths.size).toBe(10);
    }
  });

  test('is what a consumer takes: five attempts are not made in a row', async () => {
    await side.add(1);
    const consumer = side.consumer({ retryDelayMs: undefined });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const delays: number[] = [];
    consumer.on('retrying', ({ delayMs }) => delays.push(delayMs));
    consumer.run(() => {
      throw new Error('on purpose');
    });
    await expect.poll(() => delays.length).toBe(2);
    expect(delays).toEqual([500, 1000]);
    expect(await side.redis.call('ZCARD', '{jobs}:delayed')).toBe(1);
  });
});
