// What goes from Workers to the thread that made the loop. A failure here is a report, a line or an
// answer that is lost, doubled or out of order, or somebody who waits for ever.

import { EventEmitter, once } from 'node:events';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { native } from '../../lib/binding.js';
import { Caller, expose, Reporter, receiveReports } from '../../lib/bridge/index.js';
import { EventLoop, type LoopHandle } from '../../lib/index.js';
import { thrownBy } from '../thrown-by.js';
import { gather } from './gather.js';
import { startWorker } from './start-worker.js';

const start = (name: string, data: Record<string, unknown> = {}) =>
  startWorker(name, { handle: loop.handle, ...data }, 'bridge-worker.mjs');

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.stop());

const argumentError = expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' });

describe('reports', () => {
  test('of several Workers all arrive, in the order of each', async () => {
    const counts = new Map<string, number>();
    const { add, done } = gather(4 * 5000);
    receiveReports(loop, (type, data, from) => {
      const next = counts.get(from.name) ?? 0;
      expect([type, data]).toEqual(['count', next]);
      counts.set(from.name, next + 1);
      add(data);
    });
    // They end right after their last report.
    const workers = ['a', 'b', 'c', 'd'].map((source) => start('reports', { source, count: 5000 }));
    await done;
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    expect([...counts.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('of many turns arrive in order, up to a process.exit()', async () => {
    const seen: unknown[] = [];
    const emitter = new EventEmitter();
    emitter.on('count', (data) => seen.push(data));
    const last = once(emitter, 'last');
    receiveReports(loop, emitter);
    start('reportsOverManyTurns', { count: 500 });
    await last;
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => ({ i, nested: { i } })));
  });

  test.each(['reports', 'reportsAndExits'])(
    "arrive where this thread was busy for the Worker's whole life: %s",
    async (name) => {
      const { all, add, done } = gather<unknown>(100);
      receiveReports(loop, (_type, data) => add(data));
      const over = new Int32Array(new SharedArrayBuffer(4));
      const { worker } = start(name, { count: 100, over });
      const online = once(worker, 'online');
      await online;
      // It says so in its last turn; then it has the time to end.
      Atomics.wait(over, 0, 0, 10_000);
      Atomics.wait(over, 0, 1, 200);
      await done;
      expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i));
    },
  );

  test('wait for a receiver, as many as there is room for', async () => {
    const { said, ended } = start('fills');
    expect(await said()).toEqual([10, 5, 10]);
    const seen: unknown[] = [];
    const end = receiveReports(loop, (_type, data) => seen.push(data));
    expect(await said()).toBe(true);
    expect(await said()).toBe(0);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'after']);
    expect(await ended).toBe(0);
    expect(thrownBy(() => receiveReports(loop, () => {}))).toEqual(argumentError);
    end();
    receiveReports(loop, () => {})();
  });

  test('from an exit listener older than the bridge arrive', async () => {
    const { all, add, done } = gather<string>(1);
    receiveReports(loop, add);
    await startWorker('reportsFromAnEarlyExitListener', { handle: loop.handle }).ended;
    await done;
    expect(all).toEqual(['at the end']);
  });

  test('to a thread that ends before it looks keep nobody alive', async () => {
    const owner = start('ownsAndIsBusy');
    const sender = start('sends', { handle: await owner.said() });
    expect(await sender.said()).toBe('sent');
    // Node's relay has it by now, or the thread's own queue.
    await new Promise(setImmediate);
    await owner.worker.terminate();
    expect(await sender.ended).toBe(0);
  });

  test('of bridges that are gone leave their places to others', async () => {
    for (let i = 0; i < 4096; i++) new Reporter(loop).close();
    // A port closes in a later turn.
    await expect.poll(() => native.shared.exchanges?.get(loop.handle)?.ports.size).toBe(0);
    const seen: unknown[] = [];
    using reporter = new Reporter(loop);
    reporter.report('after', 1);
    receiveReports(loop, (_type, data) => seen.push(data));
    await reporter.drained();
    expect(seen).toEqual([1]);
  });

  test('have a type that is text, whatever is given', async () => {
    const types: string[] = [];
    receiveReports(loop, (type) => types.push(type));
    using reporter = new Reporter(loop);
    reporter.report('first');
    reporter.report(Symbol('second') as never);
    await reporter.drained();
    expect(types).toEqual(['first', 'Symbol(second)']);
  });

  test('are refused once the loop has ended', async () => {
    const { said, tell } = start('outlives');
    receiveReports(loop, () => {});
    expect(await said()).toBe('drained');
    await loop.stop();
    tell();
    expect(await said()).toEqual([true, false, 1, 'ERR_SIDELOOP_BRIDGE_CLOSED']);
  });

  test('are copied when they are made', async () => {
    const { all, add, done } = gather<unknown>(4);
    receiveReports(loop, (_type, data) => add(data));
    using reporter = new Reporter(loop, { source: 'here' });
    const flat = { n: 1 };
    const deep = { in: { n: 1 } };
    const bytes = Buffer.from('ab');
    for (const data of [flat, deep, bytes]) reporter.report('data', data);
    flat.n = deep.in.n = 2;
    bytes.fill('x');
    reporter.report('data', flat);
    expect(thrownBy(() => reporter.report('data', () => {}))).toMatchObject({
      name: 'DataCloneError',
    });
    await done;
    expect(all).toEqual([{ n: 1 }, { in: { n: 1 } }, new Uint8Array([97, 98]), { n: 2 }]);
    await reporter.drained();
  });

  test('are not for a thread that did not make the loop, nor for what is no receiver', async () => {
    await using attached = EventLoop.attach(loop.handle);
    // In this very thread it is the same loop.
    receiveReports(attached, () => {})();
    expect(thrownBy(() => receiveReports(loop, {} as never))).toEqual(argumentError);
    expect(thrownBy(() => new Reporter(loop, { capacity: 0 }))).toEqual(argumentError);
    expect(thrownBy(() => new Reporter(loop, { source: '' }))).toEqual(argumentError);
    expect(thrownBy(() => new Reporter('nothing' as LoopHandle))).toMatchObject({
      code: 'ERR_SIDELOOP_HANDLE',
    });
    const ended = new EventLoop();
    const { handle } = ended;
    await ended.stop();
    expect(thrownBy(() => receiveReports(ended, () => {}))).toEqual(argumentError);
    const late = new Reporter(handle);
    late.report('lost');
    await expect(late.drained()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_BRIDGE_CLOSED',
    });
  });
});

describe('calls', () => {
  test('come back with what the function returned or threw', async () => {
    const end = expose(loop, {
      add: (a: number, b: number) => a + b,
      later: async (value: unknown) => value,
      fails: () => {
        throw Object.assign(new RangeError('too far'), { code: 'E_FAR' });
      },
      failsWithText: () => Promise.reject('just text'),
      whoCalls() {
        return this.from.name;
      },
      givesAFunction: () => () => {},
    });
    const { said, ended } = start('calls');
    expect(await said()).toEqual([
      { value: 3 },
      { value: { deep: { value: 7n } } },
      { name: 'RangeError', message: 'too far', code: 'E_FAR', cause: undefined },
      expect.objectContaining({ code: 'ERR_SIDELOOP_REMOTE', cause: 'just text' }),
      { value: 'the caller' },
      expect.objectContaining({ name: 'SideloopError', code: 'ERR_SIDELOOP_CALL_UNKNOWN' }),
      expect.objectContaining({ name: 'DataCloneError' }),
      expect.objectContaining({ name: 'DataCloneError' }),
      0,
    ]);
    expect(await ended).toBe(0);
    expect(thrownBy(() => expose(loop, {}))).toEqual(argumentError);
    end();
    expect(thrownBy(() => expose(loop, { not: 7 } as never))).toEqual(argumentError);
  });

  test('reject where what was thrown can not be sent as it is', async () => {
    expose(loop, {
      badStack: () => Promise.reject(Object.assign(new Error('one'), { stack: () => {} })),
      badMessage: () =>
        Promise.reject(Object.assign(new Error(), { message: Object.create(null) })),
      otherRealm: () => runInNewContext('throw new RangeError("three")'),
    });
    using caller = new Caller(loop);
    const nameAndMessage = (name: string) =>
      caller.call(name).catch(({ name, message }) => [name, message]);
    expect(await nameAndMessage('badStack')).toEqual(['Error', 'one']);
    expect(await nameAndMessage('badMessage')).toEqual(['Error', '']);
    expect(await nameAndMessage('otherRealm')).toEqual(['RangeError', 'three']);
    expect(thrownBy(() => new Caller(loop, { source: 7 as never }))).toEqual(argumentError);
  });

  test('are given up by a signal or a deadline, and the function hears of it', async () => {
    const given: string[] = [];
    const { add, done } = gather(2);
    expose(loop, {
      never(what: string) {
        this.signal.addEventListener('abort', () => {
          given.push(what);
          add(what);
        });
        return new Promise(() => {});
      },
    });
    const { said } = start('givesUp');
    expect(await said()).toEqual([
      'ABORT_ERR',
      'enough',
      'ERR_SIDELOOP_CALL_DEADLINE',
      'ERR_SIDELOOP_BRIDGE_FULL',
      'ABORT_ERR',
    ]);
    await done;
    expect(given.sort()).toEqual(['aborted', 'late']);
  });

  test('and reports go to a Worker too, where that made the loop', async () => {
    const { said, tell, ended } = start('owns');
    const handle = (await said()) as LoopHandle;
    using caller = new Caller(handle);
    using reporter = new Reporter(handle, { source: 'the test' });
    expect(await caller.call('double', 21)).toBe(42);
    reporter.report('type', { n: 1 });
    expect(await said()).toEqual(['type', { n: 1 }, 'the test']);
    tell();
    expect(await ended).toBe(0);
    await expect(caller.call('double', 1)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_BRIDGE_CLOSED',
    });
    // By now there is no such thread: a bridge to it closes as the last one did.
    const late = new Caller(handle);
    await expect(late.call('double', 1)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_BRIDGE_CLOSED',
    });
  });

  test('that came before the functions wait for them', async () => {
    using caller = new Caller(loop);
    const answer = caller.call('double', 21);
    await new Promise(setImmediate);
    expose(loop, { double: (n: number) => n * 2 });
    expect(await answer).toBe(42);
  });

  test('reject when the loop ends', async () => {
    const { said } = start('waitsForAnAnswer');
    expect(await said()).toBe('called');
    const called = new Promise((resolve) => {
      expose(loop, {
        never: (what: string) => {
          resolve(what);
          return new Promise(() => {});
        },
      });
    });
    expect(await called).toBe('waits');
    await loop.stop();
    const closed = expect.objectContaining({ code: 'ERR_SIDELOOP_BRIDGE_CLOSED' });
    expect([await said(), await said()]).toEqual([closed, closed]);
  });

  test('of a Worker that is terminated are given up', async () => {
    const { worker, said } = start('waitsForAnAnswer');
    const signals: AbortSignal[] = [];
    const { add, done } = gather(1);
    expose(loop, {
      never() {
        signals.push(this.signal);
        add(0);
        return new Promise(() => {});
      },
    });
    await said();
    await done;
    await worker.terminate();
    const [signal] = signals as [AbortSignal];
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ code: 'ERR_SIDELOOP_CALL_GIVEN_UP' });
  });
});
