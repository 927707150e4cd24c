// What may be an argument, whoever made it, and what errors say of a command. A failure here is data that was changed on
// its way or refused without a reason, an exception where a rejection was due, or an error that nobody can place.

import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { Redis } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';
import { thrownBy } from '../thrown-by.js';
import { FakeServer } from './fake-server.js';

const lab = labOfFile();
let redis: Redis;
beforeAll(() => {
  redis = lab.client();
});

// biome-ignore lint/suspicious/noExplicitAny: the types refuse some of what comes from JavaScript all the same.
type Loose = any;

class OddlySpecies extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Array as unknown as Uint8ArrayConstructor;
  }
}

/** Bytes whose memory belongs to somebody else by now. */
function detached(size: number): Buffer {
  const buffer = Buffer.from(new ArrayBuffer(size));
  structuredClone(null, { transfer: [buffer.buffer as ArrayBuffer] });
  return buffer;
}

describe('more text than one string holds', () => {
  const half = 'x'.repeat(300_000_000);
  const TOO_LONG = {
    name: 'SideloopTypeError',
    code: 'ERR_SIDELOOP_ARGUMENT',
    message: expect.stringMatching(/has \d+ UTF-16 units.*Buffers/),
  };
  test.each<[string, (client: Redis) => Promise<unknown>]>([
    ['a command of two texts', (client) => client.set(half, half)],
    ['a command of many', (client) => client.mset('a', half, 'b', half)],
    ['call()', (client) => client.call('MSET', 'a', half, 'b', half)],
    ['a transaction', (client) => client.multi().set('a', half).set('b', half).exec()],
  ])('is refused: %s', async (_, send) => {
    const client = lab.client({ maxPendingBytes: 2 ** 40 });
    const before = client.set('before', '1');
    await expect(send(client)).rejects.toMatchObject(TOO_LONG);
    await before;
    expect(await client.get('before')).toBe('1');
    expect(await client.exists('a', 'b')).toBe(0);
    await client.quit();
  });

  test('is refused: in a pipeline', async () => {
    const client = lab.client({ maxPendingBytes: 2 ** 40 });
    expect(() => client.pipeline().mset('a', half, 'b', half)).toThrow(
      expect.objectContaining(TOO_LONG),
    );
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });
});

describe('bytes are sent as they are', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([1, 2, 255]);
  test.each([
    ['of another realm', runInNewContext('new Uint8Array([1, 2, 255])')],
    [
      'of another realm, a part',
      runInNewContext('new Uint8Array([0, 1, 2, 255, 0]).subarray(1, 4)'),
    ],
    ['in shared memory', shared],
    ['of a class of its own', new OddlySpecies([1, 2, 255])],
  ])('%s', async (_, bytes: Uint8Array) => {
    const expected = Buffer.from([1, 2, 255]);
    expect(await redis.echoBuffer(bytes)).toEqual(expected);
    expect(await redis.callBuffer('ECHO', bytes)).toEqual(expected);
    expect(await redis.pipeline().echoBuffer(bytes).exec()).toEqual([[null, expected]]);
    const heartbeat = redis.repeat(['SET', 'repeated', bytes], { everyMs: 1, count: 1 });
    expect(await heartbeat.ended).toEqual({ reason: 'count' });
    expect(await redis.getBuffer('repeated')).toEqual(expected);
  });

  test('many of another realm', async () => {
    const bytes = runInNewContext('new Uint8Array(1 << 20).fill(7)');
    const echo = redis.echoBuffer(bytes);
    bytes.fill(0);
    expect((await echo).equals(Buffer.alloc(1 << 20, 7))).toBe(true);
  });

  test('and so are lists, records and maps of another realm', async () => {
    await redis.del('list', 'hash');
    expect(await redis.rpush('list', runInNewContext('["a", "b"]'))).toBe(2);
    expect(await redis.hset('hash', runInNewContext('({ f: 1 })'))).toBe(1);
    expect(await redis.hset('hash', runInNewContext('new Map([["g", 2]])'))).toBe(1);
    expect(await redis.call('HMGET', 'hash', runInNewContext('["f", "g"]'))).toEqual(['1', '2']);
  });
});

describe('is refused, and says what to do:', () => {
  test.each([
    ['a DataView', new DataView(new ArrayBuffer(2)), /of type DataView.*view\.byteOffset/],
    ['a Uint16Array', new Uint16Array(2), /of type Uint16Array.*view\.byteOffset/],
    ['an Int8Array of another realm', runInNewContext('new Int8Array(2)'), /of type Int8Array/],
    ['an ArrayBuffer', new ArrayBuffer(2), /of type ArrayBuffer.*Buffer\.from\(buffer\)/],
    ['shared memory', new SharedArrayBuffer(2), /of type SharedArrayBuffer.*Buffer\.from\(/],
    ['a Date', new Date(0), /an object \(Date\).*turn/],
    ['a Date of another realm', runInNewContext('new Date(0)'), /an object \(Date\).*turn/],
    ['a Set', new Set(['a']), /an object \(Set\)/],
    ['what only looks like bytes', Object.create(Uint8Array.prototype), /an object/],
    ['what only says that it is a Map', { [Symbol.toStringTag]: 'Map' }, /an object \(Map\)/],
    ['an object without a prototype', Object.create(null), /without a constructor/],
    ['a symbol', Symbol('secret'), /a symbol/],
    ['NaN', Number.NaN, /is NaN/],
    ['true', true, /is true/],
    ['null', null, /is null/],
    ['a Buffer that was transferred', detached(4), /memory is gone/],
    ['a large Buffer that was transferred', detached(1 << 20), /memory is gone/],
  ])('%s', async (_, value: Loose, message) => {
    const error = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' };
    const calls: [name: string, call: (r: Loose) => Promise<unknown>][] = [
      ['GET', (r) => r.get(value)],
      ['SET', (r) => r.set('refused', value)],
      ['MGET', (r) => r.mget(['refused', value])],
      ['HSET', (r) => r.hset('refused', { f: value })],
      ['SET', (r) => r.call('set', 'refused', value)],
    ];
    for (const [name, call] of calls) {
      // It rejects: a throw would come past the catch() of a promise.
      const refused = await call(redis).catch((reason: unknown) => reason);
      expect(refused).toMatchObject({ ...error, message: expect.stringMatching(message) });
      expect((refused as Error).message).toContain(` of ${name} is `);
      expect(thrownBy(() => call(redis.pipeline()))).toMatchObject(error);
    }
    expect(await redis.exists('refused')).toBe(0);
  });

  test('a name that is none, which may hold a secret', async () => {
    for (const name of ['AUTH hunter2', '', 'get\r\n', 7, null, undefined, () => {}, {}, [], 7n]) {
      const refused = await redis.call(name as Loose, 'k').catch((reason: unknown) => reason);
      expect(refused).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
      expect((refused as Error).message).not.toContain('hunter2');
    }
  });
});

// What can't be turned into a text, or only by code of the caller's: that of a query string, for instance, has no prototype.
describe('is refused where a command is looked at before it is sent:', () => {
  const fails = () => {
    throw new Error('no');
  };
  test.each([
    ['an object without a prototype', Object.create(null)],
    ['an object whose toString is none', { toString: 1 }],
    ['an object with neither toString nor valueOf', { toString: 5, valueOf: 5 }],
    ['an object whose toString throws', { toString: fails }],
    ['an object that says it is a word', { toString: () => 'REPLY' }],
    ['an object with a wrong name for its kind', { constructor: { name: Symbol('kind') } }],
    [
      'an object that throws when it is asked for its kind',
      {
        get [Symbol.toStringTag]() {
          return fails();
        },
      },
    ],
    ['a symbol', Symbol('word')],
    ['a function', () => {}],
    ['true', true],
    ['null', null],
    ['a list in a list', [['REPLY']]],
    ['a Buffer that was transferred', detached(5)],
  ])('%s', async (_, value: Loose) => {
    const error = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' };
    const promised: ((r: Loose) => Promise<unknown>)[] = [
      (r) => r.client(value),
      (r) => r.script(value),
      (r) => r.call('CLIENT', value),
      (r) => r.call('SCRIPT', value),
      (r) => r.call('BLPOP', 'refused', value),
      (r) => r.call('XREAD', value, 'STREAMS', 'refused', '$'),
      (r) => r.call('XREAD', 'BLOCK', value, 'STREAMS', 'refused', '$'),
    ];
    for (const call of promised) {
      expect(await call(redis).catch((reason: unknown) => reason)).toMatchObject(error);
      expect(thrownBy(() => call(redis.pipeline()))).toMatchObject(error);
      expect(thrownBy(() => call(redis.multi()))).toMatchObject(error);
    }
    const everyMs = 1;
    const loose = redis as Loose;
    expect(thrownBy(() => loose.pipeline([['client', value]]))).toMatchObject(error);
    expect(thrownBy(() => loose.repeat(['CLIENT', value], { everyMs }))).toMatchObject(error);
    expect(thrownBy(() => loose.repeat(['BLPOP', 'k', value], { everyMs }))).toMatchObject(error);
    expect(redis.stats().pending).toBe(0);
  });
});

test('CLIENT REPLY is refused in bytes of another realm too', async () => {
  const reply = runInNewContext('Uint8Array.from("reply", (c) => c.charCodeAt(0))');
  const refused = { code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' };
  await expect(redis.call('CLIENT', reply, 'OFF')).rejects.toMatchObject(refused);
  expect(await redis.ping()).toBe('PONG');
});

test('an empty Buffer is no Buffer whose memory is gone', async () => {
  expect(await redis.echo(Buffer.alloc(0))).toBe('');
  expect(await redis.echo(new Uint8Array(new ArrayBuffer(4), 4, 0))).toBe('');
});

describe('error.command names', () => {
  const errors = async (r: Redis): Promise<unknown[]> => {
    const calls = [r.call('NO.SUCH', 'k'), r.callBuffer('xadd', 'k'), r.get('k')];
    const results = r.pipeline().call('no.such').call('XADD', 'k').setBuffer('k', 'v').exec();
    const settled = await Promise.allSettled(calls);
    const reasons = settled.map((outcome) => outcome.status === 'rejected' && outcome.reason);
    return [...reasons, ...(await results).map(([error]) => error)];
  };
  const named = (more: object) =>
    ['NO.SUCH', 'XADD', 'GET', 'NO.SUCH', 'XADD', 'SET'].map((command) => ({ ...more, command }));

  test('what the server refuses', async () => {
    await redis.del('k');
    await redis.rpush('k', 1);
    const [noSuch, xadd, , inPipeline] = await errors(redis);
    expect(noSuch).toMatchObject({ name: 'ReplyError', command: 'NO.SUCH' });
    expect(xadd).toMatchObject({ name: 'ReplyError', command: 'XADD' });
    expect(inPipeline).toMatchObject({ name: 'ReplyError', command: 'NO.SUCH' });
  });

  test('what was in flight', async () => {
    await using fake = await FakeServer.start();
    const client = new Redis({ port: fake.port, loop: lab.loop, reconnect: false });
    const all = errors(client);
    await fake.received('SET');
    await fake.drop(0);
    expect(await all).toMatchObject(named({ mayHaveRun: true }));
  });

  test('what waited for a connection, for room, or came too late', async () => {
    const waiting = new Redis({
      port: 1,
      loop: lab.loop,
      maxRetriesPerRequest: 0,
      reconnect: false,
    });
    expect(await errors(waiting)).toMatchObject(named({ mayHaveRun: false }));
    expect(await errors(waiting)).toMatchObject(named({ code: 'ERR_SIDELOOP_REDIS_CLOSED' }));
    const full = lab.client({ maxPendingCommands: 1 });
    full.blpop('none', 0).catch(() => {});
    expect(await errors(full)).toMatchObject(named({ code: 'ERR_SIDELOOP_REDIS_FULL' }));
    const patient = lab.client({ maxPendingCommands: 1, whenFull: 'wait' });
    patient.blpop('none', 0).catch(() => {});
    const all = errors(patient);
    patient.disconnect();
    expect(await all).toMatchObject(named({ code: 'ERR_SIDELOOP_REDIS_CLOSED' }));
    full.disconnect();
  });

  test('as many as a program may call', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `MODULE.COMMAND${i}`);
    for (const name of names) {
      await expect(redis.call(name)).rejects.toMatchObject({ command: name });
    }
  });
});

test('by call, replies have the same shape over RESP2 and RESP3', async () => {
  const [old, current] = ([2, 3] as const).map((protocol) => lab.client({ protocol }));
  const setUp = [
    'FLUSHALL',
    'XADD s 1-1 a 1 b 2',
    'XADD s 2-1 a 3',
    'XADD t 1-1 x y',
    'XGROUP CREATE s g 0',
    'XREADGROUP GROUP g c COUNT 1 STREAMS s >',
    'ZADD z 1 a 2.5 b inf c 1e21 d 3e-7 e 0.30000000000000004 f -inf g',
    'ZADD y 1 a 3 q',
    'HSET h f 1',
    'SADD m x',
    'SET k ohmytext',
    'SET l mynewtext',
    'GEOADD p 13.361389 38.115556 P 15.087269 37.502669 C',
  ];
  for (const line of setUp) await old?.call(...(line.split(' ') as [string]));
  const commands = [
    'XREAD STREAMS s 0',
    'XREAD STREAMS s t 0 0',
    'xread COUNT 1 STREAMS t 0',
    'XREAD STREAMS s $',
    'XREAD STREAMS none 0',
    'XREADGROUP GROUP g c STREAMS s 0',
    'XREADGROUP GROUP g nobody STREAMS s 0',
    'XRANGE s - +',
    'XPENDING s g',
    'XINFO STREAM s',
    'XINFO STREAM t FULL',
    ...['z', 'none'].flatMap((key) => [
      `ZRANGE ${key} 0 -1 WITHSCORES`,
      `ZRANGE ${key} 0 0 WITHSCORES`,
      `zrange ${key} 0 -1 withscores`,
      `ZRANGE ${key} 0 -1`,
      `ZREVRANGE ${key} 0 -1 WITHSCORES`,
      `ZRANGEBYSCORE ${key} -inf +inf WITHSCORES LIMIT 1 2`,
      `ZREVRANGEBYSCORE ${key} +inf -inf WITHSCORES`,
      `ZRANDMEMBER ${key} 9 WITHSCORES`,
      `ZUNION 2 ${key} y WITHSCORES`,
      `ZINTER 2 ${key} y WITHSCORES`,
      `ZDIFF 2 ${key} y WITHSCORES`,
      `ZMSCORE ${key} a b c d e f g none`,
      `ZSCAN ${key} 0`,
    ]),
    'HGETALL h',
    'HGETALL none',
    'HRANDFIELD h 2 WITHVALUES',
    'SMEMBERS m',
    'CONFIG GET maxmemory*',
    'COMMAND DOCS get',
    'COMMAND INFO get',
    'ACL GETUSER default',
    'LCS k l IDX WITHMATCHLEN',
    'GEOPOS p P none',
    'GEOSEARCH p FROMMEMBER P BYRADIUS 300 km ASC WITHCOORD WITHDIST',
    'BLPOP none 0.01',
    'BZPOPMIN none 0.01',
    'ZPOPMIN none',
    'LPOP none 2',
    'ZADD z INCR 0 b',
  ];
  for (const line of commands) {
    const words = line.split(' ') as [string];
    expect([line, await current?.call(...words)]).toEqual([line, await old?.call(...words)]);
    const inBytes = await current?.callBuffer(...words);
    expect([line, inBytes]).toEqual([line, await old?.callBuffer(...words)]);
    const together = await current
      ?.pipeline()
      .call(...words)
      .exec();
    expect([line, together]).toEqual([
      line,
      await old
        ?.pipeline()
        .call(...words)
        .exec(),
    ]);
  }
  expect(await current?.call('XREAD', 'STREAMS', 't', 0)).toEqual([['t', [['1-1', ['x', 'y']]]]]);
  expect(await current?.call('ZRANGE', 'y', 0, -1, 'WITHSCORES')).toEqual(['a', '1', 'q', '3']);
});
