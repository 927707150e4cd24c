// What a timer does must be what Node's own does: the same program runs on both, and has to say the same. A failure
// means that code which moves over by changing the import behaves in another way.

import { AsyncLocalStorage } from 'node:async_hooks';
import * as nodeTimers from 'node:timers';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import * as sideTimers from '../../lib/timers/index.js';
import { blockThread } from '../block-thread.js';

// The functions of the other loop take the types of Node's for this test.
const side = sideTimers as unknown as typeof nodeTimers;
type Log = (what: string) => void;
type Program = (timers: typeof nodeTimers, log: Log, done: () => void) => void;

async function logOf(timers: typeof nodeTimers, program: Program): Promise<string[]> {
  const log: string[] = [];
  await new Promise<void>((done) => program(timers, (what) => log.push(what), done));
  return log;
}

async function expectTheSame(program: Program, expected: string[]): Promise<void> {
  expect(await logOf(nodeTimers, program), 'node:timers').toEqual(expected);
  expect(await logOf(side, program), 'sideloop/timers').toEqual(expected);
}

describe('order', () => {
  test('equal delays fire in the order of their setting', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        for (let i = 0; i < 5; i++) setTimeout(() => log(`${i}`), 5);
        setTimeout(done, 5);
      },
      ['0', '1', '2', '3', '4'],
    ));

  test('shorter delays fire first', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        for (const ms of [60, 1, 30]) setTimeout(() => log(`${ms}`), ms);
        setTimeout(done, 90);
      },
      ['1', '30', '60'],
    ));

  test('a refresh goes behind those set meanwhile', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        const first = setTimeout(() => log('first'), 20);
        setTimeout(() => log('second'), 20);
        first.refresh();
        setTimeout(done, 40);
      },
      ['second', 'first'],
    ));

  test('microtasks and ticks of one callback are through before the next begins', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        setTimeout(() => {
          log('first');
          process.nextTick(() => log('tick'));
          Promise.resolve()
            .then(() => log('microtask'))
            .then(() => log('microtask of a microtask'));
        }, 5);
        setTimeout(() => log('second'), 5);
        setTimeout(done, 5);
        blockThread(20);
      },
      ['first', 'tick', 'microtask', 'microtask of a microtask', 'second'],
    ));

  test('a timer never runs before the code that set it is through', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        setTimeout(() => {
          log('fired');
          done();
        }, 1);
        blockThread(10);
        process.nextTick(() => log('tick'));
        log('code');
      },
      ['code', 'tick', 'fired'],
    ));
});

describe('clearTimeout()', () => {
  test('takes back a timer that is due already', () =>
    expectTheSame(
      ({ setTimeout, clearTimeout }, log, done) => {
        const timers = [1, 2, 3].map((i) =>
          setTimeout(() => {
            log(`${i}`);
            clearTimeout(timers[2]);
          }, 5),
        );
        setTimeout(done, 5);
        blockThread(30);
      },
      ['1', '2'],
    ));

  test('takes one back from a microtask of the callback before', () =>
    expectTheSame(
      ({ setTimeout, clearTimeout }, log, done) => {
        setTimeout(() => {
          log('first');
          Promise.resolve()
            .then(() => {})
            .then(() => clearTimeout(second));
        }, 5);
        const second = setTimeout(() => log('second'), 5);
        setTimeout(done, 5);
        blockThread(30);
      },
      ['first'],
    ));

  test('takes the timer, its number, the number as text, and anything that is none', () =>
    expectTheSame(({ setTimeout, clearTimeout, clearInterval }, log, done) => {
      const set = () => setTimeout(() => log('fired'), 5);
      clearTimeout(set());
      clearTimeout(+set());
      clearTimeout(`${+set()}`);
      clearInterval(set());
      for (const none of [undefined, null, 0, -1, 'x', {}]) clearTimeout(none as never);
      setTimeout(done, 20);
    }, []));

  test('in its own callback does no harm, nor twice', () =>
    expectTheSame(
      ({ setTimeout, clearTimeout }, log, done) => {
        const timer = setTimeout(() => {
          clearTimeout(timer);
          clearTimeout(timer);
          log('fired');
          done();
        }, 1);
      },
      ['fired'],
    ));
});

describe('a timer object', () => {
  test('says what holds the process', () =>
    expectTheSame(
      ({ setTimeout, clearTimeout }, log, done) => {
        const timer = setTimeout(() => {}, 1000);
        log(
          `${timer.hasRef()} ${timer.unref() === timer} ${timer.hasRef()} ${timer.ref().hasRef()}`,
        );
        clearTimeout(timer);
        log(`${timer.hasRef()}`);
        done();
      },
      ['true true false true', 'true'],
    ));

  test('refresh() while it is pending begins anew', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        const start = performance.now();
        const timer = setTimeout(() => {
          log(`late enough: ${performance.now() - start >= 70}`);
          done();
        }, 50);
        setTimeout(() => timer.refresh(), 25);
      },
      ['late enough: true'],
    ));

  test('refresh() of one that is due but has not run has it wait again', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        setTimeout(() => {
          log('first');
          second.refresh();
        }, 5);
        const second = setTimeout(() => {
          log('second');
          done();
        }, 5);
        setTimeout(() => log('third'), 5);
        blockThread(30);
      },
      ['first', 'third', 'second'],
    ));

  test('refresh() of one that has fired sets it again', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        let times = 0;
        const timer = setTimeout(() => {
          log('fired');
          if (++times < 3) timer.refresh();
          else done();
        }, 2);
      },
      ['fired', 'fired', 'fired'],
    ));

  test('refresh() of one that was cleared does nothing', () =>
    expectTheSame(
      ({ setTimeout, clearTimeout }, log, done) => {
        const timer = setTimeout(() => log('fired'), 2);
        clearTimeout(timer);
        log(`${timer.refresh() === timer}`);
        setTimeout(done, 20);
      },
      ['true'],
    ));

  test('close() and [Symbol.dispose]() clear it', () =>
    expectTheSame(
      ({ setTimeout }, log, done) => {
        const closed = setTimeout(() => log('closed'), 2);
        log(`${closed.close() === closed}`);
        setTimeout(() => log('disposed'), 2)[Symbol.dispose]();
        setTimeout(done, 20);
      },
      ['true'],
    ));

  test('is `this` of its callback, which gets the arguments', () =>
    expectTheSame(
      ({ setTimeout, setInterval, clearInterval }, log, done) => {
        const timer = setTimeout(
          function (this: unknown, ...args: unknown[]) {
            log(`${this === timer} ${args}`);
          } as never,
          1,
          ...[1, 'two', null],
        );
        const interval = setInterval(
          function (this: unknown, ...args: unknown[]) {
            log(`${this === interval} ${args}`);
            clearInterval(interval);
            done();
          } as never,
          10,
          ...['x'],
        );
      },
      ['true 1,two,', 'true x'],
    ));
});

describe('intervals', () => {
  test('repeat until they are cleared in their callback', () =>
    expectTheSame(
      ({ setInterval, clearInterval, setTimeout }, log, done) => {
        let times = 0;
        const interval = setInterval(() => {
          log('tick');
          if (++times < 3) return;
          clearInterval(interval);
          setTimeout(done, 20);
        }, 5);
      },
      ['tick', 'tick', 'tick'],
    ));

  test('are not made up for while this thread is busy', () =>
    expectTheSame(
      ({ setInterval, clearTimeout, setTimeout }, log, done) => {
        const interval = setInterval(() => log('tick'), 40);
        blockThread(210);
        setTimeout(() => {
          log('others');
          clearTimeout(interval);
          done();
        }, 0);
      },
      ['tick', 'others'],
    ));
});

describe('context', () => {
  test('callbacks run in the async context of their setting', () =>
    expectTheSame(
      ({ setTimeout, setInterval, clearInterval }, log, done) => {
        const storage = new AsyncLocalStorage<string>();
        storage.run('a', () => setTimeout(() => log(`${storage.getStore()}`), 1));
        storage.run('b', () => setTimeout(() => log(`${storage.getStore()}`), 1));
        const interval = storage.run('c', () =>
          setInterval(() => {
            log(`${storage.getStore()}`);
            clearInterval(interval);
            setTimeout(() => {
              log(`${storage.getStore()}`);
              done();
            }, 1);
          }, 20),
        );
      },
      ['a', 'b', 'c', 'c'],
    ));

  test('promisify() gives the promise form', async () => {
    expect(await promisify(side.setTimeout)(1, 'value')).toBe('value');
  });
});
