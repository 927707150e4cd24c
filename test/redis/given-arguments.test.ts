// What the user gives, the server gets, or the call is refused before anything is sent. A failure here is a command that
// ran without what was asked of it: a lock that never expires, a counter that moved by 1 in place of 5.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Redis } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';
import { thrownBy } from '../thrown-by.js';

const lab = labOfFile();
let redis: Redis;
beforeAll(() => {
  redis = lab.client();
});
beforeEach(() => redis.flushall());

// The types refuse what is given here, as they should.
// biome-ignore lint/suspicious/noExplicitAny: from JavaScript it comes all the same.
type Loose = any;

describe('surplus arguments', () => {
  const calls: [string, (r: Loose) => unknown][] = [
    ['setnx with EX', (r) => r.setnx('k', 'me', 'EX', 10)],
    ['incr with a number', (r) => r.incr('k', 5)],
    ['decr with a number', (r) => r.decr('k', 5)],
    ['getset with EX', (r) => r.getset('k', 'v', 'EX', 10)],
    ['setex with NX', (r) => r.setex('k', 10, 'v', 'NX')],
    ['psetex with NX', (r) => r.psetex('k', 10, 'v', 'NX')],
    ['append with two values', (r) => r.append('k', 'v', 'w')],
    ['incrby with two numbers', (r) => r.incrby('k', 1, 2)],
    ['get with two keys', (r) => r.get('k', 'l')],
    ['getBuffer with two keys', (r) => r.getBuffer('k', 'l')],
    ['hsetnx with two fields', (r) => r.hsetnx('k', 'f', 'v', 'g', 'w')],
    ['lset with two elements', (r) => r.lset('k', 0, 'v', 'w')],
    ['rename with NX', (r) => r.rename('k', 'l', 'NX')],
    ['persist with two keys', (r) => r.persist('k', 'l')],
    ['move with two numbers', (r) => r.move('k', 1, 2)],
    ['publish with two messages', (r) => r.publish('c', 'm', 'n')],
    ['dbsize with a number', (r) => r.dbsize(1)],
  ];

  test.each(calls)('%s: the server refuses it, and nothing changes', async (_, call) => {
    const refused = { name: 'ReplyError', code: 'ERR_SIDELOOP_REDIS_REPLY' };
    await expect(call(redis)).rejects.toMatchObject(refused);
    const pipeline = redis.pipeline();
    call(pipeline);
    expect(await pipeline.exec()).toMatchObject([[refused, undefined]]);
    expect(await redis.dbsize()).toBe(0);
  });

  test('zrank with WITHSCORE: as the server takes it, which since Redis 7.2 answers the score too', async () => {
    await redis.zadd('z', 1, 'a', 2.5, 'b');
    for (const name of ['zrank', 'zrevrank']) {
      const outcome = async (answer: Promise<unknown>) => answer.catch((error) => error.message);
      const byName = await outcome(redis.call(name, 'z', 'b', 'WITHSCORE'));
      expect(await outcome((redis as Loose)[name]('z', 'b', 'WITHSCORE'))).toEqual(byName);
      expect(byName).not.toBe(name === 'zrank' ? 1 : 0);
    }
  });
});

describe('a function among the arguments', () => {
  const callback = () => expect.unreachable();
  const error = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' };
  const calls: [string, string, (r: Loose) => unknown][] = [
    ['set', 'SET', (r) => r.set('k', 'v', callback)],
    ['incr', 'INCR', (r) => r.incr('k', callback)],
    ['setnx', 'SETNX', (r) => r.setnx('k', 'v', callback)],
    ['setex', 'SETEX', (r) => r.setex('k', 10, 'v', callback)],
    ['lpush', 'LPUSH', (r) => r.lpush('k', 'v', callback)],
    ['lpush with a list', 'LPUSH', (r) => r.lpush('k', ['v'], callback)],
    ['mset with a record', 'MSET', (r) => r.mset({ k: 1 }, callback)],
    ['hset with a record', 'HSET', (r) => r.hset('k', { f: 1 }, callback)],
    ['flushall', 'FLUSHALL', (r) => r.flushall(callback)],
    ['dbsize', 'DBSIZE', (r) => r.dbsize(callback)],
    ['call', 'SET', (r) => r.call('SET', 'k', 'v', callback)],
    ['callBuffer', 'SET', (r) => r.callBuffer('set', 'k', ['v', callback])],
  ];

  test.each(calls)('of %s is refused by name', async (_, name, call) => {
    const message = expect.stringMatching(new RegExp(`^${name} was given a function.*await`));
    await expect(call(redis)).rejects.toMatchObject({ ...error, message });
    expect(thrownBy(() => call(redis.pipeline()))).toMatchObject({ ...error, message });
    expect(await redis.dbsize()).toBe(0);
  });

  test('of exec() and quit() is refused, and neither happens', async () => {
    const pipeline = redis.pipeline().set('k', 'v');
    const message = expect.stringContaining('was given a function');
    await expect((pipeline as Loose).exec(callback)).rejects.toMatchObject({ ...error, message });
    await expect((redis as Loose).quit(callback)).rejects.toMatchObject({ ...error, message });
    expect(await redis.dbsize()).toBe(0);
    expect(await pipeline.exec()).toEqual([[null, 'OK']]);
  });
});

describe('pipeline()', () => {
  test('takes a list, as ioredis does', async () => {
    const results = await redis
      .pipeline([
        ['set', 'k', 'é'],
        ['GET', 'k'],
        ['getBuffer', 'k'],
        ['mset', { a: 1, b: 2 }],
        ['del', ['a', 'b']],
        ['hset', 'h', new Map([['f', 'v']])],
        ['hgetall', 'h'],
        ['call', 'STRLEN', 'k'],
        ['callBuffer', 'GET', 'k'],
        ['lpush', 'k', 'x'],
      ])
      .append('k', '!')
      .exec();
    expect(results.slice(0, 9)).toEqual(
      ['OK', 'é', Buffer.from('é'), 'OK', 2, 1, { f: 'v' }, 2, Buffer.from('é')].map((result) => [
        null,
        result,
      ]),
    );
    expect(results[9]?.[0]).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
    expect(results[10]).toEqual([null, 3]);
    expect(await redis.pipeline([]).exec()).toEqual([]);
  });

  const wrong: [string, unknown][] = [
    ['a command that is no list', [['set', 'k', 'v'], 'get']],
    ['a list without a name', [['set', 'k', 'v'], []]],
    [
      'a name that is no text',
      [
        ['set', 'k', 'v'],
        [1, 'k'],
      ],
    ],
    ['a name of two words', [['set', 'k', 'v'], ['get k']]],
    [
      'a callback',
      [
        ['set', 'k', 'v'],
        ['get', 'k', () => {}],
      ],
    ],
    [
      'an argument that is none',
      [
        ['set', 'k', 'v'],
        ['get', null],
      ],
    ],
    ['a record for a list', { set: ['k', 'v'] }],
    ['text', 'set k v'],
    [
      'what a method is made with',
      [
        ['set', 'k', 'v'],
        ['sendList', 0, 'k', []],
      ],
    ],
  ];
  test.each(wrong)('refuses %s, and adds none of the list', async (name, list) => {
    const pipeline = redis.pipeline().incr('n');
    const added = thrownBy(() => pipeline.addBatch(list as Loose));
    // The name of a method that is not for users is one of a command that the server does not know.
    if (name.startsWith('what')) {
      expect(added).toBeUndefined();
      expect((await pipeline.exec())[2]?.[0]).toMatchObject({ name: 'ReplyError' });
      return;
    }
    expect(added).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    expect(thrownBy(() => redis.pipeline(list as Loose))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
    expect(await pipeline.exec()).toEqual([[null, 1]]);
    expect(await redis.exists('k')).toBe(0);
  });

  test('gives the same results again, and sends nothing twice', async () => {
    const pipeline = redis.pipeline().incr('n').incr('n');
    const [first, second] = await Promise.all([pipeline.exec(), pipeline.exec()]);
    const again = await pipeline.exec();
    for (const results of [first, second, again]) {
      expect(results).toEqual([
        [null, 1],
        [null, 2],
      ]);
    }
    expect(await pipeline.incr('n').exec()).toEqual([[null, 3]]);
    expect(await redis.get('n')).toBe('3');
    const empty = redis.pipeline();
    expect(await empty.exec()).toEqual([]);
    expect(await empty.incr('n').exec()).toEqual([[null, 4]]);
  });
});
