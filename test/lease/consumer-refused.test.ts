// What becomes of a job that the server refuses to settle, or of which it knows less than we do. A failure here is a job
// that nobody settles and nobody else gets, an attempt that nobody has made, or one that is reported and was not.

import { describe, expect, test } from 'vitest';
import type { Job } from '../../lib/lease/index.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

/** The server has no memory for more while `work` runs. */
async function withoutMemory(work: () => Promise<unknown>): Promise<void> {
  await side.redis.call('CONFIG', 'SET', 'maxmemory', '1');
  try {
    await work();
  } finally {
    await side.redis.call('CONFIG', 'SET', 'maxmemory', '0');
  }
}

/** The server takes no dead letters while `work` runs, and says so for good. */
async function withoutDeadLetters(work: () => Promise<unknown>): Promise<void> {
  await side.redis.set('{jobs}:dead', 'a string');
  try {
    await work();
  } finally {
    await side.redis.del('{jobs}:dead');
  }
}

describe('a settlement that is refused', () => {
  test('of a handler that did not wait for it: others get the job, and run() ends', async () => {
    await side.add(1);
    const consumer = side.consumer({ prefetch: 0 });
    let refused: unknown;
    let go = () => {};
    const aborted = new AbortController();
    const run = consumer.run(
      async (job) => {
        await new Promise<void>((resolve) => {
          go = resolve;
          aborted.abort();
        });
        job.fail('no', { dead: true }).catch((error) => {
          refused = error;
        });
      },
      { signal: aborted.signal },
    );
    await expect.poll(() => aborted.signal.aborted).toBe(true);
    await withoutDeadLetters(async () => {
      go();
      await run;
    });
    expect(refused).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
    expect(consumer.stats().active).toBe(0);
    await consumer.close();
    const [again] = await take(side.consumer({ recoverEveryMs: 20 }), 1);
    expect(again?.attempt).toBe(2);
  });

  test('behind the deadline of close(): it is handed back, and close() ends', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const [job] = await take(consumer, 1);
    await side.redis.set('{jobs}:dead', 'a string');
    await side.redis.call('CLIENT', 'PAUSE', '400', 'WRITE');
    const refused = job?.fail('no', { dead: true }).catch((error) => error.code);
    const closed = consumer.close({ deadlineMs: 100 });
    expect(await refused).toBe('ERR_SIDELOOP_REDIS_WRONGTYPE');
    await closed;
    expect(job?.signal.reason).toMatchObject({ reason: 'released' });
    const [again] = await take(side.consumer({ recoverEveryMs: 20 }), 1);
    expect(again?.attempt).toBe(2);
  });

  test('of a job that another takes then: it is lost, and said so', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 3000, renewEveryMs: 50 });
    const [job] = await take(consumer, 1);
    await withoutDeadLetters(() =>
      expect(job?.fail('no', { dead: true })).rejects.toThrow('WRONGTYPE'),
    );
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    expect(await endOf(job as Job)).toMatchObject({ reason: 'lost' });
  });
});

describe('a job', () => {
  test('whose entry was deleted meanwhile can not be tried again, and that is said', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const [job] = await take(consumer, 1);
    await side.redis.call('XDEL', 'jobs', job?.id ?? '');
    await expect(job?.fail('no')).rejects.toMatchObject({ reason: 'lost' });
    expect(consumer.stats()).toMatchObject({ retried: 0, lost: 1, held: 0 });
    expect(await side.pendingCount()).toBe(0);
  });

  test('is read, and taken over, though the server has no memory for a new group', async () => {
    await side.add(2);
    await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0');
    await side.redis.call('XREADGROUP', 'GROUP', 'g', 'dead', 'COUNT', 1, 'STREAMS', 'jobs', '>');
    const id = (await side.pending())[0]?.[0] ?? '';
    await side.redis.call('XCLAIM', 'jobs', 'g', 'dead', 0, id, 'IDLE', 5000, 'JUSTID');
    const consumer = side.consumer({ leaseMs: 1000, concurrency: 2, deleteAcked: true });
    await withoutMemory(async () => {
      const jobs = await take(consumer, 2);
      expect(jobs.map(({ attempt }) => attempt)).toEqual([2, 1]);
      await Promise.all(jobs.map((job) => job.ack()));
      expect(await side.redis.call('XLEN', 'jobs')).toBe(0);
    });
  });

  test('that was taken over, and handed back unbegun, has one line of history for each attempt', async () => {
    const [id] = await side.add(1);
    const options = { leaseMs: 100, recoverEveryMs: 20, maxAttempts: 2 };
    await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0');
    await side.redis.call('XREADGROUP', 'GROUP', 'g', 'dead', 'STREAMS', 'jobs', '>');
    const busy = side.consumer({ ...options, concurrency: 1, prefetch: 5 });
    await side.add(1);
    // It has begun the new one, and holds the old one ready.
    const [first] = await take(busy, 1);
    await expect.poll(() => busy.stats().held).toBe(2);
    const unbegun = first?.id === id ? undefined : id;
    await busy.close({ deadlineMs: 0 });
    expect(unbegun).toBe(id);
    const last = side.consumer(options);
    for (;;) {
      const [job] = await take(last, 1);
      await job?.fail('on purpose');
      if (job?.id === id) break;
    }
    const letters = (await side.redis.call('XRANGE', '{jobs}:dead', '-', '+')) as [
      string,
      string[],
    ][];
    const metas = letters.map(([, fields]) => JSON.parse(fields[3] as string));
    const { history } = metas.find((meta) => meta.id === id);
    expect(history).toMatchObject([
      { attempt: 1, consumer: 'dead' },
      { attempt: 2, consumer: last.name, error: 'on purpose' },
    ]);
  });
});

describe('with priorities', () => {
  test('a level that is gone costs the others nothing', async () => {
    const consumer = side.consumer({
      priorities: ['high', 'middle', 'low'],
      concurrency: 60,
      prefetch: 0,
    });
    const taken = take(consumer, 60);
    await side.add(60, '{jobs}:high');
    const jobs = await taken;
    const next = take(consumer, 3);
    // All that it may hold it holds, so that no read is under way.
    await side.redis.del('{jobs}:low');
    await side.add(3, '{jobs}:middle');
    await Promise.all(jobs.map((job) => job.ack()));
    const got = await next;
    expect(got.map((job) => [job.priority, job.attempt])).toEqual(Array(3).fill(['middle', 1]));
  });
});

describe('what a handler returns', () => {
  test.each([
    ['has a then that can not be read', () => Object.defineProperty({}, 'then', { get: fail })],
    [
      'has a then that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        then: fail,
      }),
    ],
  ])('%s: the job fails', async (_, result) => {
    await side.add(1);
    const consumer = side.consumer({ maxAttempts: 1 });
    const run = consumer.run(result);
    await expect.poll(() => consumer.stats().dead).toBe(1);
    await consumer.close();
    await run;
  });

  test('resolves twice: run() waits for the others all the same', async () => {
    await side.add(2);
    const consumer = side.consumer({ concurrency: 2, prefetch: 0 });
    const aborted = new AbortController();
    const run = consumer.run(
      (job) => {
        if (job.fields.n === '1') return new Promise(() => {});
        return {
          // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
          then: (done: () => void) => {
            done();
            done();
          },
        };
      },
      { signal: aborted.signal },
    );
    let over = false;
    run.then(() => {
      over = true;
    });
    await expect.poll(() => consumer.stats()).toMatchObject({ acked: 1, active: 1 });
    aborted.abort();
    await side.redis.ping();
    expect(over).toBe(false);
  });
});

function fail(): never {
  throw new Error('on purpose');
}
