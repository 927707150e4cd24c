// Numbers are exact on their way there and back, or no numbers. A failure here is an id that was handed out twice.

import { describe, expect, test } from 'vitest';
import { acquire, Producer } from '../../lib/lease/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';
import { FakeServer } from './fake-server.js';

const MOST = Number.MAX_SAFE_INTEGER;
const INT64_MAX = '9223372036854775807';
const INT64_MIN = '-9223372036854775808';

const lab = labOfFile();

const client = (options?: RedisOptions) => lab.client(options);

describe.each([2, 3] as const)('over RESP%i', (protocol) => {
  /** Integers in every place where a reply may have them, by the commands that give them. */
  async function integers(redis: Redis, value: string): Promise<unknown[]> {
    const minus = (BigInt(value) - (BigInt(value) < 0n ? -1n : 1n)).toString();
    const step = BigInt(value) < 0n ? -1 : 1;
    await redis.mset('n', minus, 'm', minus);
    await redis.call('HSET', 'h', 'f', minus);
    const transaction = 'return {redis.call("GET", KEYS[1]), 1}';
    const pipeline = redis.pipeline().incrby('m', step).call('INCRBY', 'm', -step);
    const results = await pipeline.exec();
    return [
      await redis.incrby('n', step),
      await redis.call('INCRBY', 'm', step),
      await redis.callBuffer('HINCRBY', 'h', 'f', step),
      (
        (await redis.call('BITFIELD', 'b', 'SET', 'i64', 0, value, 'GET', 'i64', 0)) as unknown[]
      )[1],
      results[0]?.[1],
      ((await redis.eval(transaction, 1, 'n')) as unknown[])[0],
    ];
  }

  test.each([
    ...['0', '1', '-1', `${MOST}`, `-${MOST}`],
    ...['9007199254740992', '9007199254740993', '-9007199254740992', '-9007199254740993'],
    ...['9223372036854775806', INT64_MAX, '-9223372036854775807', INT64_MIN],
  ])('%s arrives exactly', async (value) => {
    const isSafe = Number.isSafeInteger(Number(value));
    const asNumber = isSafe ? Number(value) : value;
    const cases: [RedisOptions, unknown][] = [
      [{}, asNumber],
      [{ bigNumbers: 'string' }, asNumber],
      [{ bigNumbers: 'bigint' }, isSafe ? Number(value) : BigInt(value)],
      [{ stringNumbers: true }, value],
    ];
    for (const [options, expected] of cases) {
      const redis = client({ protocol, ...options });
      const arrived = await integers(redis, value);
      // The last one was a string for the server, too.
      expect(arrived).toEqual([...Array(5).fill(expected), value]);
      redis.disconnect();
    }
  });

  test('INCR never hands out the same number twice', async () => {
    const redis = client({ protocol });
    await redis.set('id', MOST - 2);
    const ids = await Promise.all(Array.from({ length: 10 }, () => redis.incr('id')));
    expect(new Set(ids).size).toBe(10);
    expect(ids.map(String)).toEqual(ids.map((_, i) => String(BigInt(MOST) - 1n + BigInt(i))));
  });

  test('times are exact', async () => {
    const redis = client({ protocol });
    const at = 9_007_199_254_740_993n;
    await redis.set('k', 'v');
    expect(await redis.pexpireat('k', at)).toBe(1);
    expect(await redis.pexpiretime('k')).toBe(String(at));
    const big = client({ protocol, bigNumbers: 'bigint' });
    expect(await big.pexpiretime('k')).toBe(at);
    expect(await big.expiretime('k')).toBe(9_007_199_254_741);
  });

  test('a lease and a producer are at home with each form', async () => {
    for (const options of [{ stringNumbers: true }, { bigNumbers: 'bigint' as const }]) {
      await using redis = client({ protocol, ...options });
      const producer = new Producer(redis, { stream: 'jobs', dedupeMs: 10_000, maxBacklog: 2 });
      await redis.del('jobs');
      const key = { idempotencyKey: `${protocol}${JSON.stringify(options)}` };
      expect(await producer.add({ n: 2n ** 64n }, key)).toMatchObject({ duplicate: false });
      expect(await producer.add({ n: 1 }, key)).toMatchObject({ duplicate: true });
      const later = await producer.add({ n: 1e21 }, { delayMs: 60_000 });
      expect(await producer.cancel(later.id)).toBe(true);
      expect(await producer.cancel(later.id)).toBe(false);
      const adds = Array.from({ length: 3 }, () => producer.add({ n: 1 }));
      expect((await Promise.allSettled(adds)).at(-1)).toMatchObject({
        reason: {
          code: 'ERR_SIDELOOP_BACKLOG_FULL',
          message: expect.stringContaining('holds 2 jobs'),
        },
      });
      const [entry] = (await redis.call('XRANGE', 'jobs', '-', '+')) as [string, string[]][];
      expect(entry?.[1]).toContain('18446744073709551616');
      await producer.close();
    }
  });
});

test('no fencing token is given out twice', async () => {
  await using redis = client();
  await redis.set('{fenced}:fence', MOST - 1);
  const lease = await acquire(redis, 'fenced', { ttlMs: 5000 });
  expect(lease.token).toBe(MOST);
  await lease.release();
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(acquire(redis, 'fenced', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_REPLY',
      message: expect.stringContaining('fencing tokens'),
    });
    expect(await redis.get('{fenced}:fence')).toBe(`${MOST}`);
    expect(await redis.exists('fenced')).toBe(0);
  }
});

test('doubles and big numbers of RESP3 are their text, as in RESP2', async () => {
  const big = '3492890328409238509324850943850943825024385';
  await using fake = await FakeServer.start({
    BIG: `(${big}\r\n`,
    DOUBLE: ',1.7976931348623157e308\r\n',
    PRECISE: ',0.1000000000000000055511151231257827\r\n',
    INFINITE: ',inf\r\n',
    NESTED: `*4\r\n(-${big}\r\n,-inf\r\n:${INT64_MAX}\r\n#t\r\n`,
    SET: `~1\r\n:${INT64_MIN}\r\n`,
    MAP: `%1\r\n:${INT64_MAX}\r\n:1\r\n`,
  });
  const call = (redis: Redis) =>
    Promise.all(
      ['BIG', 'DOUBLE', 'PRECISE', 'INFINITE', 'NESTED', 'SET', 'MAP'].map((name) =>
        redis.call(name),
      ),
    );
  const texts = [
    ...[big, '1.7976931348623157e308'],
    ...['0.1000000000000000055511151231257827', 'inf'],
  ];
  const plain = new Redis({ loop: lab.loop, port: fake.port });
  expect(await call(plain)).toEqual([
    ...texts,
    [`-${big}`, '-inf', INT64_MAX, 1],
    [INT64_MIN],
    [INT64_MAX, 1],
  ]);
  const bigints = new Redis({ loop: lab.loop, port: fake.port, bigNumbers: 'bigint' });
  expect(await call(bigints)).toEqual([
    ...texts,
    [`-${big}`, '-inf', BigInt(INT64_MAX), 1],
    [BigInt(INT64_MIN)],
    [BigInt(INT64_MAX), 1],
  ]);
  const strings = new Redis({ loop: lab.loop, port: fake.port, stringNumbers: true });
  expect(await call(strings)).toEqual([
    ...texts,
    [`-${big}`, '-inf', INT64_MAX, '1'],
    [INT64_MIN],
    [INT64_MAX, '1'],
  ]);
  for (const redis of [plain, bigints, strings]) redis.disconnect();
});

test('each client of a shared connection has a form of its own', async () => {
  const host = client();
  await host.set('n', INT64_MAX);
  const strings = Redis.attach(host.handle, { stringNumbers: true });
  const bigints = Redis.attach(host.handle, { bigNumbers: 'bigint' });
  const replies = await Promise.all(
    [host, strings, bigints].flatMap((redis) => [redis.decrby('n', 0), redis.exists('n')]),
  );
  expect(replies).toEqual([INT64_MAX, 1, INT64_MAX, '1', BigInt(INT64_MAX), 1]);
  // And it keeps it in its next life.
  await strings.quit();
  await strings.connect();
  expect(await strings.exists('n')).toBe('1');
  for (const redis of [host, strings, bigints]) redis.disconnect();
});

describe('an argument goes out exactly', () => {
  test.each<[number | bigint, string]>([
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [1e-7, '1e-7'],
    [MOST, '9007199254740991'],
    [2 ** 53, '9007199254740992'],
    [-(2 ** 53), '-9007199254740992'],
    [2 ** 60, '1152921504606846976'],
    [2 ** 64, '18446744073709551616'],
    [1e20, '100000000000000000000'],
    [1e21, '1000000000000000000000'],
    [-1e21, '-1000000000000000000000'],
    [1e22, '10000000000000000000000'],
    [2 ** 100, '1267650600228229401496703205376'],
    [0n, '0'],
    [-1n, '-1'],
    [2n ** 63n - 1n, INT64_MAX],
    [-(2n ** 63n), INT64_MIN],
    [10n ** 40n, `1${'0'.repeat(40)}`],
  ])('%s', async (given, text) => {
    const redis = client({ whenFull: 'wait', maxPendingCommands: 2 });
    const echoes = await Promise.all([
      redis.call('ECHO', given),
      redis.call('ECHO', given),
      redis.call('ECHO', given),
      redis.eval('return ARGV[1]', 0, given),
      redis.set('k', given).then(() => redis.get('k')),
      redis.hset('h', { field: given }).then(() => redis.hget('h', 'field')),
      redis.mset(new Map([['k2', given]])).then(() => redis.get('k2')),
      redis.call('SET', ['k3', given]).then(() => redis.get('k3')),
    ]);
    expect(echoes).toEqual(echoes.map(() => text));
    expect(await redis.pipeline().echo(`${given}`).call('ECHO', given).exec()).toMatchObject([
      [null, String(given)],
      [null, text],
    ]);
    await redis.rpush('l', given);
    expect(await redis.lpop('l')).toBe(text);
    const recurring = redis.repeat(['SET', 'repeated', given], { everyMs: 1, count: 1 });
    expect(await recurring.ended).toEqual({ reason: 'count' });
    expect(await redis.get('repeated')).toBe(text);
    redis.disconnect();
  });

  test('of every kind that a method takes', async () => {
    const redis = client();
    await redis.set('n', 1n);
    expect(await redis.incrby('n', 2n ** 62n)).toBe('4611686018427387905');
    expect(await redis.decrby('n', 2n ** 62n)).toBe(1);
    expect(await redis.incrby('n', 2 ** 60)).toBe('1152921504606846977');
    expect(await redis.hincrby('h2', 'f', 5n)).toBe(5);
    expect(await redis.expire('n', 100n)).toBe(1);
    expect(await redis.set('s', 'v', 'EX', 100n)).toBe('OK');
    await redis.zadd('z', 2n ** 60n, 'm', 1e21, 'n');
    expect(await redis.zrangebyscore('z', 2n ** 60n, 1e22)).toEqual(['m', 'n']);
    expect(await redis.blpop('none', 'none2', 1n).catch((error) => error)).toBe(null);
    redis.disconnect();
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%s is refused',
    async (given) => {
      const redis = client();
      await expect(redis.set('k', given)).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
      await expect(redis.zadd('z', given, 'm')).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_ARGUMENT',
      });
      redis.disconnect();
    },
  );
});

describe('options', () => {
  test.each<[unknown, RegExp]>([
    [{ stringNumbers: 'yes' }, /^stringNumbers must be true or false/],
    [{ bigNumbers: 'number' }, /^bigNumbers must be one of "string", "bigint"/],
    [{ bigNumbers: true }, /^bigNumbers must be/],
    [{ bigNumber: 'bigint' }, /Did you mean 'bigNumbers'/],
    [
      { stringNumbers: true, bigNumbers: 'bigint' },
      /^bigNumbers must be 'string' where stringNumbers is true/,
    ],
  ])('%j is refused', (options, message) => {
    const host = client({ lazyConnect: true });
    for (const make of [
      () => new Redis(options as RedisOptions),
      () => Redis.attach(host.handle, options as RedisOptions),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' }));
      expect(make).toThrow(message);
    }
    host.disconnect();
  });

  test('in a URL', async () => {
    const redis = new Redis(`${lab.server.url}?stringNumbers=true`, { loop: lab.loop });
    expect(await redis.exists('none')).toBe('0');
    const big = new Redis(`${lab.server.url}?bigNumbers=bigint`, { loop: lab.loop });
    await big.set('n', INT64_MAX);
    expect(await big.incrby('n', 0)).toBe(BigInt(INT64_MAX));
    redis.disconnect();
    big.disconnect();
  });
});
