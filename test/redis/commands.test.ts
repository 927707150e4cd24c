// What each typed method sends, compared with the text that Redis is to see. A failure means that a
// call would reach the server as another command, or that a method has come without a row here.

import { describe, expect, test } from 'vitest';
import { Commands, mayWait } from '../../lib/redis/commands/index.js';
import { VariadicSender } from '../../lib/redis/commands/variadic-sender.js';
import { opcodeOf } from '../../lib/redis/sender.js';
import { connectionRows } from './command-rows/connection.js';
import { hashesRows } from './command-rows/hashes.js';
import { keysRows } from './command-rows/keys.js';
import { listsRows } from './command-rows/lists.js';
import { serverRows } from './command-rows/server.js';
import { setsRows } from './command-rows/sets.js';
import { sortedSetRangesRows } from './command-rows/sorted-set-ranges.js';
import { sortedSetsRows } from './command-rows/sorted-sets.js';
import { stringsRows } from './command-rows/strings.js';
import { Recorder, type Rows, type Sent } from './recorder.js';

const rows: Rows = {
  ...keysRows,
  ...stringsRows,
  ...hashesRows,
  ...listsRows,
  ...setsRows,
  ...sortedSetsRows,
  ...sortedSetRangesRows,
  ...serverRows,
  ...connectionRows,
};

/** The names of all typed methods: what the classes from Commands down to VariadicSender have. */
function typedMethods(): string[] {
  const names: string[] = [];
  let prototype: object = Commands.prototype;
  while (prototype !== VariadicSender.prototype) {
    names.push(...Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor'));
    prototype = Object.getPrototypeOf(prototype);
  }
  return names.sort();
}

/**
 * Makes one call, with `surplus` behind its arguments; answers what it sent and the name of the method that it began with.
 */
function record(
  call: (redis: Recorder) => unknown,
  ...surplus: unknown[]
): Sent & { method: string } {
  const recorder = new Recorder();
  let method: string | undefined;
  const watched = new Proxy(recorder, {
    get(target, name) {
      method ??= String(name);
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => Reflect.apply(member, target, [...args, ...surplus]);
    },
  });
  call(watched);
  const [sent, ...more] = recorder.sent;
  if (!sent || !method || more.length > 0) throw new Error('a call must send one command');
  return { ...sent, method };
}

test('every typed method has its rows, and every row its method', () => {
  expect(Object.keys(rows).sort()).toEqual(typedMethods());
});

describe.each(Object.entries(rows))('%s', (name, calls) => {
  test.each(calls)('%s', (call, text) => {
    const sent = record(call);
    expect(sent.method).toBe(name);
    expect(sent.text).toBe(text);
    expect(sent.asBuffers).toBe(name.endsWith('Buffer'));
  });
});

// A surplus argument that is dropped makes another command than the caller's: a lock without an expiry.
test.each(Object.entries(rows))('%s drops no argument that its types do not know', (_, calls) => {
  for (const [call, text] of calls) {
    for (const surplus of [['one'], ['one', 2], [undefined]]) {
      try {
        expect(record(call, ...surplus).text).toBe([text, ...surplus].join(' '));
      } catch (error) {
        // Refused: a list and more, a record and more.
        expect((error as Error).message).toMatch(/^refused: /);
      }
    }
  }
});

describe('the hot path builds no list', () => {
  const hot: [(r: Recorder) => unknown, Sent['via']][] = [
    [(r) => r.ping(), 'send0'],
    [(r) => r.dbsize(), 'send0'],
    [(r) => r.get('k'), 'send1'],
    [(r) => r.getBuffer('k'), 'send1'],
    [(r) => r.getex('k'), 'send1'],
    [(r) => r.mget('k'), 'send1'],
    [(r) => r.del('k'), 'send1'],
    [(r) => r.unlink('k'), 'send1'],
    [(r) => r.exists('k'), 'send1'],
    [(r) => r.incr('k'), 'send1'],
    [(r) => r.hgetall('h'), 'send1'],
    [(r) => r.lpop('l'), 'send1'],
    [(r) => r.rpop('l'), 'send1'],
    [(r) => r.spop('s'), 'send1'],
    [(r) => r.set('k', 'v'), 'send2'],
    [(r) => r.expire('k', 10), 'send2'],
    [(r) => r.incrby('k', 1), 'send2'],
    [(r) => r.hget('h', 'f'), 'send2'],
    [(r) => r.hmget('h', 'f'), 'send2'],
    [(r) => r.hdel('h', 'f'), 'send2'],
    [(r) => r.lpush('l', 'v'), 'send2'],
    [(r) => r.rpush('l', 'v'), 'send2'],
    [(r) => r.sadd('s', 'm'), 'send2'],
    [(r) => r.srem('s', 'm'), 'send2'],
    [(r) => r.sismember('s', 'm'), 'send2'],
    [(r) => r.zscore('z', 'm'), 'send2'],
    [(r) => r.publish('c', 'm'), 'send2'],
  ];
  test.each(hot)('%s', (call, via) => expect(record(call).via).toBe(via));
});

describe('arguments', () => {
  test('buffers are passed on as they are', () => {
    const key = Buffer.from([0, 255]);
    const value = new Uint8Array([1, 2]);
    const recorder = new Recorder();
    recorder.set(key, value);
    recorder.lpush(key, [value, value]);
    recorder.hset(key, new Map([[key, value]]));
    recorder.mset(key, value);
    expect(recorder.sent.map(({ args }) => args)).toEqual([
      [key, value],
      [key, value, value],
      [key, key, value],
      [key, value],
    ]);
    expect(recorder.sent.every(({ args }) => args[0] === key)).toBe(true);
  });

  test('a list may be longer than the stack is deep', () => {
    const keys = Array.from({ length: 300_000 }, (_, i) => `k${i}`);
    const recorder = new Recorder();
    recorder.del(keys);
    recorder.sadd('s', keys);
    recorder.zunion(keys.length, keys, 'WITHSCORES');
    expect(recorder.sent.map(({ args }) => args.length)).toEqual([300_000, 300_001, 300_002]);
  });

  test('an instance with data of its own is a record, as is one without a prototype', () => {
    class User {
      name = 'ann';
    }
    expect(record((r) => r.hset('h', new User())).text).toBe('HSET h name ann');
    const bare: Record<string, string> = Object.assign(Object.create(null), { name: 'bob' });
    expect(record((r) => r.hset('h', bare)).text).toBe('HSET h name bob');
  });

  // Types forbid these; from JavaScript they come all the same, and none may become a command.
  // biome-ignore lint/suspicious/noExplicitAny: the point is to pass what the types refuse.
  const refused: [string, (r: any) => unknown][] = [
    ['a missing key', (r) => r.get()],
    ['no keys', (r) => r.del()],
    ['a nested list', (r) => r.del([['a']])],
    ['a list among keys', (r) => r.del('a', ['b'])],
    ['a list and a key', (r) => r.del(['a'], 'b')],
    ['a list for a key', (r) => r.get(['a'])],
    ['a list for a number', (r) => r.expire('k', [10])],
    ['a list for a value', (r) => r.set('k', ['v'])],
    ['a list where none may stand', (r) => r.zunion(1, 'a', ['b'])],
    ['an undefined option', (r) => r.set('k', 'v', undefined)],
    ['an undefined count', (r) => r.lpop('k', undefined)],
    ['an undefined key of a script', (r) => r.eval('s', 0, undefined)],
    ['an undefined section', (r) => r.info(undefined)],
    ['an undefined member', (r) => r.sadd('s', undefined)],
    ['a null record', (r) => r.mset(null)],
    ['an undefined field', (r) => r.hset('h', { f: undefined })],
    ['a nested record', (r) => r.hset('h', { f: { g: 1 } })],
    ['a list in a record', (r) => r.hset('h', { f: ['g'] })],
    ['a Set for a record', (r) => r.mset(new Set(['a', 'b']))],
    ['a Date for a record', (r) => r.hset('h', new Date(0))],
    ['a function for a record', (r) => r.hset('h', () => {})],
    ['entries for a record', (r) => r.hset('h', [['f', 'v']])],
    ['a record among fields', (r) => r.hset('h', 'f', { g: 1 })],
  ];
  test.each(refused)('%s is left for the sender to refuse', (_, call) => {
    expect(() => call(new Recorder())).toThrow(TypeError);
  });

  test('a Buffer is no record of its bytes', () => {
    expect(record((r) => r.hset('h', Buffer.from('f'))).args).toEqual(['h', Buffer.from('f')]);
  });
});

test('every command that has a method and blocks is known as one that may wait', () => {
  const blocks = Object.keys(rows).filter((name) => /^b[lrz]|^wait$/.test(name));
  const names = blocks.map((name) => name.replace(/Buffer$/, '').toUpperCase());
  expect(names.filter((name) => !mayWait(name))).toEqual([]);
  expect(names.filter((name) => opcodeOf(name) === undefined)).toEqual([]);
});
