// What a Dag refuses before anything runs. If one of these fails, a graph that can't work is
// accepted, or the error does not say where the fault is.
import { describe, expect, it } from 'vitest';
import { Dag, DagCycleError } from '../../lib/scheduler/index.js';

const run = () => 1;

function dagOf(needs: Record<string, string[]>): Dag {
  const dag = new Dag();
  for (const [name, names] of Object.entries(needs)) dag.io(name, { needs: names, run });
  return dag;
}

describe('a definition', () => {
  it.each([
    ['two nodes', { a: ['b'], b: ['a'] }, ['a', 'b', 'a']],
    ['a node that needs itself', { a: ['a'] }, ['a', 'a']],
    [
      'a circle in the middle of a graph',
      { z: [], in: ['z', 'c'], b: ['in'], c: ['b'], out: ['c'] },
      ['in', 'c', 'b', 'in'],
    ],
    ['a circle behind the first stuck node', { first: ['p'], q: ['p'], p: ['q'] }, ['q', 'p', 'q']],
  ])('names the path of a cycle: %s', async (_, needs, path) => {
    const error = await dagOf(needs)
      .run()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DagCycleError);
    expect(error).toMatchObject({ code: 'ERR_SIDELOOP_DAG_CYCLE', path });
    expect((error as Error).message).toContain(path.join(' -> '));
  });

  it('finds a cycle of a hundred thousand nodes', () => {
    const size = 100_000;
    const dag = new Dag();
    for (let i = 0; i < size; i++) dag.io(`n${i}`, { needs: [`n${(i + 1) % size}`], run });
    expect(() => dag.validate()).toThrow(DagCycleError);
  });

  it('has no cycle where two paths meet again', () => {
    dagOf({ a: [], b: ['a'], c: ['a'], d: ['b', 'c', 'a'] }).validate();
  });

  it('names a dependency that does not exist and who needs it', async () => {
    await expect(dagOf({ a: [], b: ['a', 'nobody'] }).run()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_DAG_UNKNOWN_NODE',
      message: expect.stringMatching(/'b' needs 'nobody'/),
    });
  });

  it('runs nothing of a graph that it refuses', async () => {
    let calls = 0;
    const dag = new Dag().io('a', { run: () => ++calls }).io('b', { needs: ['b'], run });
    await expect(dag.run()).rejects.toThrow(DagCycleError);
    expect(calls).toBe(0);
  });

  it('refuses a second node of the same name, of either kind', () => {
    const dag = new Dag().io('a', { run });
    const duplicate = expect.objectContaining({ code: 'ERR_SIDELOOP_DAG_DUPLICATE_NODE' });
    expect(() => dag.io('a', { run })).toThrow(duplicate);
    expect(() => dag.cpu('a', { module: import.meta.url })).toThrow(duplicate);
    expect(dag.size).toBe(1);
  });

  it.each([
    ['an empty name', (dag: Dag) => dag.io('', { run })],
    ['a name that is no string', (dag: Dag) => dag.io(7 as never, { run })],
    ['no definition', (dag: Dag) => dag.io('a', undefined as never)],
    ['no function', (dag: Dag) => dag.io('a', {} as never)],
    ['needs that are no array', (dag: Dag) => dag.io('a', { needs: 'b' as never, run })],
    ['needs that are no names', (dag: Dag) => dag.io('a', { needs: [1] as never, run })],
    ['no module', (dag: Dag) => dag.cpu('a', {} as never)],
    ['a relative module', (dag: Dag) => dag.cpu('a', { module: './hash.js' })],
    ['an export that is no name', (dag: Dag) => dag.cpu('a', { module: '/a.js', export: '' })],
    [
      'an input that is no function',
      (dag: Dag) => dag.cpu('a', { module: '/a.js', input: 1 as never }),
    ],
  ])('is a TypeError with a code: %s', (_, define) => {
    const define_ = () => define(new Dag());
    expect(define_).toThrow(TypeError);
    expect(define_).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_DAG_BAD_NODE' }));
  });

  it.each([
    ['concurrency 0', { concurrency: 0 }],
    ['concurrency 1.5', { concurrency: { io: 1.5 } }],
    ['concurrency NaN', { concurrency: { cpu: Number.NaN } }],
    ['a pool that is none', { pool: 4 as never }],
    ['a pool without Workers', { pool: { maxThreads: 0 } }],
    ['a pool whose Workers take nothing', { pool: { concurrentTasksPerWorker: Number.NaN } }],
  ])('is a TypeError with a code: %s', (_, options) => {
    const define = () => new Dag(options);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_DAG_BAD_OPTION' }));
  });

  it.each([
    ['a signal that is none', { signal: {} as never }],
    ['a deadline of 0', { deadlineMs: 0 }],
    ['a deadline that Node would run at once', { deadlineMs: 2 ** 31 }],
    ['an onSettle that is no function', { onSettle: 1 as never }],
  ])('of a run is a TypeError with a code: %s', async (_, options) => {
    const error = await new Dag().run(options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_SIDELOOP_DAG_BAD_OPTION' });
  });
});
