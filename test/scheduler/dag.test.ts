// The order in which a Dag runs its nodes, and what its report says of them. If one of these fails,
// nodes start too early, too late, twice or never.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Dag } from '../../lib/scheduler/index.js';
import { deferred } from './deferred.js';

const yes = async () => true;

describe('Dag', () => {
  it('runs an empty graph', async () => {
    const report = await new Dag().run();
    expect(report.totals).toEqual({ nodes: 0, io: 0, cpu: 0, done: 0, failed: 0, skipped: 0 });
  });

  it('hands the values of the needed nodes, and only those, to the node', async () => {
    const dag = new Dag<{ a: number; b: string; c: string; __proto__: number }>();
    dag.io('c', { needs: ['a', 'b'], run: ({ inputs, name }) => `${name}${inputs.a}${inputs.b}` });
    dag.io('a', { run: () => 1 });
    dag.io('b', { run: async () => 'x' });
    const report = await dag.run();
    expect(report.value('c')).toBe('c1x');
    expectTypeOf(report.value('c')).toEqualTypeOf<string>();
    expect([...report.nodes.keys()]).toEqual(['c', 'a', 'b']);
  });

  it('rejects names that are not in its type parameter at compile time', () => {
    const dag = new Dag<{ a: number; b: string }>();
    // @ts-expect-error There is no result 'z'.
    dag.io('z', { run: () => 1 });
    // @ts-expect-error The result 'a' is a number.
    dag.io('a', { run: () => 'text' });
    // @ts-expect-error The input 'a' was not named under needs.
    dag.io('b', { needs: [], run: ({ inputs }) => inputs.a });
  });

  it('takes names that are special to objects', async () => {
    const dag = new Dag();
    dag.io('__proto__', { run: () => 1 });
    dag.io('constructor', { needs: ['__proto__'], run: ({ inputs }) => Object.keys(inputs) });
    const report = await dag.run();
    expect(report.value('constructor')).toEqual(['__proto__']);
  });

  it('starts the ready nodes at once, in the order in which they were added', async () => {
    const started: string[] = [];
    const dag = new Dag();
    for (const name of ['c', 'a', 'b']) dag.io(name, { run: () => started.push(name) });
    const run = dag.run();
    expect(started).toEqual(['c', 'a', 'b']);
    await run;
  });

  it('starts a node when the last of its needs is done, and not before', async () => {
    const gates = { left: deferred(), right: deferred() };
    const started: string[] = [];
    const leftDone = deferred();
    const dag = new Dag();
    dag.io('top', { run: yes });
    dag.io('left', { needs: ['top'], run: () => gates.left.promise });
    dag.io('right', { needs: ['top'], run: () => gates.right.promise });
    dag.io('bottom', { needs: ['left', 'right'], run: () => started.push('bottom') });
    const run = dag.run({ onSettle: ({ name }) => name === 'left' && leftDone.resolve() });
    gates.left.resolve();
    await leftDone.promise;
    expect(started).toEqual([]);
    gates.right.resolve();
    const { nodes } = await run;
    expect(started).toEqual(['bottom']);
    const [right, bottom] = [nodes.get('right'), nodes.get('bottom')];
    expect(bottom?.readyAt).toBeGreaterThanOrEqual(right?.endedAt as number);
    expect(bottom?.startedAt).toBeGreaterThanOrEqual(bottom?.readyAt as number);
    expect(bottom?.endedAt).toBeGreaterThanOrEqual(bottom?.startedAt as number);
  });

  it('does not wait for a level to end before it starts what is ready', async () => {
    const slow = deferred();
    const dag = new Dag();
    dag.io('slow', { run: () => slow.promise });
    dag.io('fast', { run: yes });
    dag.io('next', { needs: ['fast'], run: () => slow.resolve() });
    const report = await dag.run();
    expect(report.totals.done).toBe(3);
  });

  it('runs each of a thousand nodes between two others exactly once', async () => {
    const calls = new Map<string, number>();
    const settled: string[] = [];
    const middle = Array.from({ length: 1000 }, (_, index) => `n${index}`);
    const dag = new Dag();
    dag.io('first', { run: yes });
    for (const name of middle) {
      const run = () => void calls.set(name, (calls.get(name) ?? 0) + 1);
      dag.io(name, { needs: ['first'], run });
    }
    dag.io('last', { needs: middle, run: ({ inputs }) => Object.keys(inputs).length });
    const report = await dag.run({ onSettle: ({ name }) => settled.push(name) });
    expect(report.value('last')).toBe(1000);
    expect([...calls.values()].every((count) => count === 1)).toBe(true);
    expect([...calls.keys()]).toEqual(middle);
    expect(settled).toEqual(['first', ...middle, 'last']);
  });

  it('runs a chain of ten thousand nodes without running out of stack', async () => {
    const dag = new Dag();
    dag.io('0', { run: () => 0 });
    for (let i = 1; i <= 10_000; i++) {
      const before = String(i - 1);
      dag.io(String(i), { needs: [before], run: ({ inputs }) => Number(inputs[before]) + 1 });
    }
    const report = await dag.run();
    expect(report.value('10000')).toBe(10_000);
  });

  it('counts a need that is named twice once', async () => {
    const dag = new Dag().io('a', { run: () => 1 }).io('b', { needs: ['a', 'a'], run: () => 2 });
    const report = await dag.run();
    expect(report.totals.done).toBe(2);
  });

  it('runs as often as it is asked to, also at the same time', async () => {
    let calls = 0;
    const dag = new Dag().io('a', { run: () => ++calls });
    const [one, two] = await Promise.all([dag.run(), dag.run()]);
    expect([one.value('a'), two.value('a')]).toEqual([1, 2]);
  });

  it('keeps the number of running nodes at its bound', async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const dag = new Dag({ concurrency: { io: 3 } });
    for (let i = 0; i < 20; i++) {
      dag.io(`n${i}`, {
        run: async () => {
          order.push(i);
          running += 1;
          most = Math.max(most, running);
          await new Promise(setImmediate);
          running -= 1;
          if (i % 4 === 0) throw new Error('A failed node gives its place back too.');
        },
      });
    }
    const report = await dag.run();
    expect(most).toBe(3);
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(report.totals).toMatchObject({ done: 15, failed: 5 });
  });

  it('says why a node has no value', async () => {
    const cause = new Error('no');
    const dag = new Dag<{ bad: number; after: number; absent: number }>();
    dag
      .io('bad', { run: () => Promise.reject(cause) })
      .io('after', { needs: ['bad'], run: () => 1 });
    const report = await dag.run();
    const code = 'ERR_SIDELOOP_DAG_NO_VALUE';
    expect(() => report.value('bad')).toThrow(expect.objectContaining({ code, cause }));
    expect(() => report.value('after')).toThrow(expect.objectContaining({ code, cause }));
    expect(() => report.value('absent')).toThrow(expect.objectContaining({ code }));
  });
});
