// Failures and aborts. If one of these fails, an error is lost, spreads too far, or a run that was
// called off goes on.
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Dag, DagAbortedError, type NodeReport } from '../../lib/scheduler/index.js';
import { deferred } from './deferred.js';

const never = () => new Promise<never>(() => {});

function abortedError(run: Promise<unknown>): Promise<DagAbortedError> {
  return run.then(
    () => expect.unreachable('The run resolved although it was aborted.'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DagAbortedError);
      return error as DagAbortedError;
    },
  );
}

describe('a node that fails', () => {
  it('skips everything that depends on it, near and far, and nothing else', async () => {
    const error = new Error('disk on fire');
    const called: string[] = [];
    const dag = new Dag();
    const add = (name: string, needs: string[] = []) =>
      dag.io(name, { needs, run: () => called.push(name) });
    dag.io('bad', { run: () => Promise.reject(error) });
    add('good');
    add('near', ['bad']);
    add('far', ['near', 'good']);
    add('apart', ['good']);
    const settled: NodeReport[] = [];
    const report = await dag.run({ onSettle: (node) => settled.push(node) });
    expect(called).toEqual(['good', 'apart']);
    expect(report.failed).toMatchObject([{ name: 'bad', status: 'failed', error }]);
    expect(report.skipped).toMatchObject([
      { name: 'near', failedDependency: 'bad', startedAt: undefined },
      { name: 'far', failedDependency: 'bad' },
    ]);
    expect(report.totals).toMatchObject({ nodes: 5, done: 2, failed: 1, skipped: 2 });
    expect(settled.map(({ name }) => name).sort()).toEqual(['apart', 'bad', 'far', 'good', 'near']);
  });

  it('is named by a node that needs two failed ones: the first to fail', async () => {
    const second = deferred();
    const dag = new Dag();
    dag.io('late', { run: () => second.promise });
    dag.io('early', { run: () => Promise.reject(new Error('early')) });
    dag.io('after', { needs: ['late', 'early'], run: never });
    const report = await dag.run({
      onSettle: ({ name }) => name === 'after' && second.reject(new Error('late')),
    });
    expect(report.skipped).toMatchObject([{ name: 'after', failedDependency: 'early' }]);
    expect(report.totals).toMatchObject({ failed: 2, skipped: 1 });
  });

  it('may throw before it waits, a thousand times in a row', async () => {
    const dag = new Dag({ concurrency: 1 });
    for (let i = 0; i < 1000; i++) {
      dag.io(`n${i}`, {
        run: () => {
          throw i;
        },
      });
    }
    const report = await dag.run();
    expect(report.failed.map(({ error }) => error)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
  });
});

describe('an abort', () => {
  it('before the run starts nothing', async () => {
    let calls = 0;
    const reason = new Error('too late');
    const dag = new Dag().io('a', { run: () => ++calls });
    const error = await abortedError(dag.run({ signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'ERR_SIDELOOP_DAG_ABORTED', cause: reason });
    expect(error.report.skipped).toMatchObject([{ name: 'a', failedDependency: undefined }]);
    expect(calls).toBe(0);
  });

  it('before the run of an empty graph rejects too', async () => {
    await abortedError(new Dag().run({ signal: AbortSignal.abort() }));
  });

  it('in the middle reaches the running nodes and starts nothing new', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const heard = deferred<unknown>();
    const started: string[] = [];
    const dag = new Dag({ concurrency: 2 });
    dag.io('first', { run: () => 1 });
    dag.io('deaf', { needs: ['first'], run: never });
    dag.io('listens', {
      needs: ['first'],
      run: ({ signal }) => {
        signal.addEventListener('abort', () => heard.resolve(signal.reason));
        controller.abort(reason);
        return never();
      },
    });
    dag.io('queued', { needs: ['first'], run: () => started.push('queued') });
    dag.io('waiting', { needs: ['listens'], run: () => started.push('waiting') });
    const error = await abortedError(dag.run({ signal: controller.signal }));
    expect(await heard.promise).toBe(reason);
    expect(error.cause).toBe(reason);
    expect(started).toEqual([]);
    expect(error.report.totals).toEqual({
      nodes: 5,
      io: 5,
      cpu: 0,
      done: 1,
      failed: 2,
      skipped: 2,
    });
    expect(error.report.failed.map(({ error }) => error)).toMatchObject([
      { code: 'ERR_SIDELOOP_DAG_ABORTED', cause: reason },
      { code: 'ERR_SIDELOOP_DAG_ABORTED', cause: reason },
    ]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('settles a node once, whatever the node does afterwards', async () => {
    const controller = new AbortController();
    const late = deferred<string>();
    const settled: string[] = [];
    const dag = new Dag();
    dag.io('late', { run: () => late.promise });
    dag.io('after', { needs: ['late'], run: () => settled.push('ran') });
    const run = dag.run({
      signal: controller.signal,
      onSettle: ({ name, status }) => settled.push(`${name} ${status}`),
    });
    controller.abort();
    late.resolve('a value that nobody takes any more');
    const { report } = await abortedError(run);
    await late.promise;
    await new Promise(setImmediate);
    expect(settled).toEqual(['late failed', 'after skipped']);
    expect(report.nodes.get('late')?.value).toBeUndefined();
  });

  it('comes from the deadline too', async () => {
    const error = await abortedError(new Dag().io('a', { run: never }).run({ deadlineMs: 5 }));
    expect(error.cause).toMatchObject({ code: 'ERR_SIDELOOP_DAG_DEADLINE' });
  });

  it('comes from an onSettle that throws, even for the last node', async () => {
    const cause = new Error('from onSettle');
    const onSettle = () => {
      throw cause;
    };
    const error = await abortedError(new Dag().io('a', { run: () => 1 }).run({ onSettle }));
    expect(error.cause).toBe(cause);
    expect(error.report.totals.done).toBe(1);
  });

  it('from onSettle starts nothing of what was queued or got ready, and keeps its cause', async () => {
    const started: string[] = [];
    const dag = new Dag({ concurrency: 1 });
    dag.io('a', { run: () => started.push('a') }).io('b', { run: () => started.push('b') });
    dag.io('after', { needs: ['a'], run: () => started.push('after') });
    const onSettle = ({ name }: NodeReport) => {
      throw new Error(name);
    };
    const { report, cause } = await abortedError(dag.run({ onSettle }));
    expect(started).toEqual(['a']);
    expect(report.totals).toMatchObject({ done: 1, skipped: 2 });
    expect(cause).toMatchObject({ message: 'a' });
  });

  it('after the end changes nothing', async () => {
    const controller = new AbortController();
    const report = await new Dag().io('a', { run: () => 1 }).run({ signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort();
    expect(report.totals.done).toBe(1);
  });
});
