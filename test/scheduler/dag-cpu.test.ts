// CPU nodes, in real Workers. If one of these fails, work that should leave the JS thread stays on
// it, a dead Worker hangs the run, or Workers outlive it.
import assert from 'node:assert/strict';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type CpuNode,
  Dag,
  DagAbortedError,
  type DagOptions,
  type DagTotals,
} from '../../lib/scheduler/index.js';

const module = new URL('./cpu-tasks.mjs', import.meta.url);

type Definition = Partial<CpuNode<Record<string, unknown>, string>>;

type Failure = [when: string, definition: Definition, error: object];

const failures: Failure[] = [
  [
    'its function throws',
    { export: 'fail', input: () => 'bad' },
    { name: 'RangeError', message: 'bad' },
  ],
  ['the export is missing', { export: 'nothing' }, { message: expect.any(String) }],
  [
    'the module is missing',
    { module: '/nowhere/at/all.mjs' },
    { message: expect.stringContaining('/nowhere/at/all.mjs') },
  ],
  ['its input throws', { input: () => assert.fail('in input') }, { message: 'in input' }],
  ['its input can not be cloned', { input: () => () => 1 }, { name: 'DataCloneError' }],
  ...['function', 'nested', 'symbol', 'promise', 'weak', 'thrown'].map(
    (how): Failure => [
      `its result can not be cloned: ${how}`,
      { export: 'uncloneable', input: () => how },
      {
        code: 'ERR_SIDELOOP_DAG_NOT_CLONEABLE',
        message: expect.stringMatching(/'uncloneable' of .*cpu-tasks.mjs/),
      },
    ],
  ),
];

// Aborts a run whose only Worker never ends its task, and returns the totals of the report.
async function abortSpinning(options: DagOptions): Promise<DagTotals> {
  const controller = new AbortController();
  const running = new BroadcastChannel('sideloop-dag-spin');
  running.onmessage = () => controller.abort(new Error('stop'));
  const dag = new Dag(options);
  dag.cpu('spins', { module, export: 'spin', input: () => running.name });
  dag.cpu('queued', { module, export: 'where' });
  const error = await dag.run({ signal: controller.signal }).catch((reason: unknown) => reason);
  running.close();
  expect(error).toBeInstanceOf(DagAbortedError);
  return (error as DagAbortedError).report.totals;
}

describe('a CPU node', () => {
  it('runs in a Worker', async () => {
    const report = await new Dag().cpu('a', { module, export: 'where' }).run();
    expect(report.value('a')).toMatchObject({ isMainThread: false });
    expect(report.totals).toMatchObject({ cpu: 1, io: 0, done: 1 });
  });

  it('takes its inputs as they are unless it has an input function', async () => {
    const dag = new Dag<{ a: number; b: number; all: number; one: number; plain: string }>();
    dag.io('a', { run: () => 1 }).io('b', { run: () => 2 });
    dag.cpu('all', { needs: ['a', 'b'], module, export: 'sum' });
    dag.cpu('one', { needs: ['b'], module, export: 'sum', input: ({ inputs }) => [inputs.b, 40] });
    dag.cpu('plain', { module });
    const report = await dag.run();
    expect([report.value('all'), report.value('one')]).toEqual([3, 42]);
    expect(report.value('plain')).toBe('default');
  });

  it.each(failures)('fails with the reason when %s', async (_, definition, error) => {
    const dag = new Dag().cpu('bad', { module, ...definition });
    dag.io('after', { needs: ['bad'], run: () => 1 }).cpu('good', { module });
    const report = await dag.run();
    expect(report.failed).toMatchObject([{ name: 'bad', error }]);
    expect(report.totals).toMatchObject({ done: 1, failed: 1, skipped: 1 });
  });

  it.each([
    ['exits', 'exit', 3, /exited with code: 3/],
    ['has an uncaught exception', 'crash', 'out of the blue', /out of the blue/],
  ])(
    'fails with a code when its Worker %s, and the others go on',
    async (_, name, input, cause) => {
      const dag = new Dag({ pool: { maxThreads: 1 } });
      dag.cpu('dies', { module, export: name, input: () => input });
      dag.cpu('next', { module, export: 'where' });
      const report = await dag.run();
      expect(report.failed).toMatchObject([
        {
          name: 'dies',
          error: {
            code: 'ERR_SIDELOOP_DAG_WORKER_DIED',
            cause: { message: expect.stringMatching(cause) },
          },
        },
      ]);
      expect(report.totals.done).toBe(1);
    },
  );

  it('that never ends is ended by an abort', async () => {
    const totals = await abortSpinning({ pool: { maxThreads: 1 } });
    expect(totals).toMatchObject({ failed: 1, skipped: 1 });
  });

  it('has its next tasks in the Worker while the JS thread is blocked', async () => {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const dag = new Dag({ pool: { maxThreads: 1, concurrentTasksPerWorker: 4 } });
    for (let i = 0; i < 4; i++) {
      dag.cpu(`n${i}`, { module, export: 'countUp', input: () => counter });
    }
    let counted = 0;
    await dag.run({
      onSettle: () => {
        // Atomics.wait blocks this thread, so that nothing can be handed to the Worker meanwhile.
        for (let seen = 0; seen < 4 && counted === 0; seen = Atomics.load(counter, 0)) {
          if (Atomics.wait(counter, 0, seen, 5000) === 'timed-out') break;
        }
        counted ||= Atomics.load(counter, 0);
      },
    });
    expect(counted).toBe(4);
  });

  it.each([
    ['of the concurrency option', { concurrency: { cpu: 2 }, pool: { maxThreads: 3 } }, 2],
    ['of the Workers', { pool: { maxThreads: 2 } }, 2],
    ['of the tasks of a Worker', { pool: { maxThreads: 1, concurrentTasksPerWorker: 3 } }, 3],
  ])('does not start above the bound %s', async (_, options, bound) => {
    const running = { now: 0, most: 0 };
    const input = () => {
      running.now += 1;
      running.most = Math.max(running.most, running.now);
    };
    const dag = new Dag(options);
    for (let i = 0; i < 8; i++) dag.cpu(`n${i}`, { module, export: 'where', input });
    const report = await dag.run({
      onSettle: () => {
        running.now -= 1;
      },
    });
    expect(report.totals.done).toBe(8);
    expect(running).toEqual({ now: 0, most: bound });
  });

  it('fails with a code if the pool can not be made', async () => {
    const dag = new Dag({ pool: { minThreads: -1 } }).cpu('a', { module });
    const report = await dag.run();
    expect(report.failed).toMatchObject([{ error: { code: 'ERR_SIDELOOP_DAG_NO_WORKERS' } }]);
  });
});

describe('a pool', () => {
  const pool = new Piscina({ minThreads: 1, maxThreads: 1 });
  afterAll(() => pool.destroy());

  it('that was given is used and left running, without a listener of ours', async () => {
    const dag = new Dag({ pool }).cpu('a', { module, export: 'where' });
    const before = pool.threads[0]?.listenerCount('error');
    const threads = [(await dag.run()).value('a'), (await dag.run()).value('a')];
    expect(threads[0]).toEqual(threads[1]);
    expect(pool.threads[0]?.threadId).toBe((threads[0] as { threadId: number }).threadId);
    expect(pool.listenerCount('workerCreate')).toBe(0);
    expect(pool.threads[0]?.listenerCount('error')).toBe(before);
  });

  it('that was given outlives an abort that ends its Worker', async () => {
    expect(await abortSpinning({ pool })).toMatchObject({ failed: 1, skipped: 1 });
    const report = await new Dag({ pool }).cpu('a', { module, export: 'where' }).run();
    expect(report.totals.done).toBe(1);
  });
});
