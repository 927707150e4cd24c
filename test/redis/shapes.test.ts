// A reply has one shape: by a typed method or by call(), over RESP2 or RESP3, whatever its words are. A failure here is a
// program that works until a server is updated, or a field is called `toString`.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Redis } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';

const lab = labOfFile();

test('hgetall() and a job give any field, in a process whose intrinsics are frozen too', async () => {
  const child = fileURLToPath(new URL('children/frozen.mjs', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, lab.server.url]);
  expect(stderr).toBe('');
  expect(stdout).toBe('[true]\n');
});

test('a field may be called as anything that objects have', async () => {
  const redis = lab.client();
  const fields = Object.getOwnPropertyNames(Object.prototype);
  await redis.hset('names', new Map(fields.map((field) => [field, `of ${field}`])));
  const record = (await redis.hgetall('names')) as object;
  expect(Object.keys(record).sort()).toEqual([...fields].sort());
  for (const field of fields) {
    expect(Object.getOwnPropertyDescriptor(record, field)?.value).toBe(`of ${field}`);
  }
  redis.disconnect();
});

describe('by call(), over RESP2 and RESP3 alike', () => {
  const CALLS: [name: string, ...args: (string | number)[]][] = [
    ['ZRANGE', 'z', 0, -1, 'WITHSCORES'],
    ['ZREVRANGE', 'z', 0, -1, 'WITHSCORES'],
    ['ZRANGEBYSCORE', 'z', '-inf', '+inf', 'WITHSCORES'],
    ['ZREVRANGEBYSCORE', 'z', '+inf', '-inf', 'WITHSCORES'],
    ['ZUNION', 2, 'z', 'z', 'WITHSCORES'],
    ['ZINTER', 2, 'z', 'z', 'WITHSCORES'],
    ['ZDIFF', 2, 'z', 'none', 'WITHSCORES'],
    ['ZRANDMEMBER', 'one', 2, 'WITHSCORES'],
    ['ZSCAN', 'z', 0],
    ['ZSCORE', 'z', 'b'],
    ['ZMSCORE', 'z', 'a', 'b', 'none'],
    ['ZINCRBY', 'z', 0, 'b'],
    ['ZADD', 'z', 'INCR', 0, 'b'],
    ['HGETALL', 'h'],
    ['HRANDFIELD', 'one-field', 2, 'WITHVALUES'],
    ['HSCAN', 'h', 0],
    ['XREAD', 'STREAMS', 's', 't', 0, 0],
    ['XREAD', 'COUNT', 1, 'STREAMS', 's', 0],
    ['XREAD', 'STREAMS', 'none', 0],
    ['XREADGROUP', 'GROUP', 'g', 'me', 'STREAMS', 's', 't', 0, 0],
    ['XRANGE', 's', '-', '+'],
    ['XINFO', 'GROUPS', 's'],
    ['SMEMBERS', 'set'],
    ['SISMEMBER', 'set', 'a'],
    ['CONFIG', 'GET', 'maxmemory*'],
    ['GEOPOS', 'geo', 'p', 'none'],
    ['GEODIST', 'geo', 'p', 'q'],
    ['LCS', 'text', 'text', 'IDX'],
    ['INCRBYFLOAT', 'float', 0],
    ['EVAL', 'redis.setresp(3) return redis.call("HGETALL", KEYS[1])', 1, 'one-field'],
    ['EVAL', 'return {double = 1.5}', 0],
    ['EVAL', 'return {map = {a = 1}}', 0],
    ['EVAL', 'return false', 0],
    ['GET', 'none'],
    ['BLPOP', 'none', 0.01],
  ];
  test.each(CALLS)('%s %s %s %s', async (name, ...args) => {
    const [two, three] = [2, 3].map((protocol) => lab.client({ protocol: protocol as 2 | 3 })) as [
      Redis,
      Redis,
    ];
    await two.zadd('z', 1, 'a', 2.5, 'b', 'inf', 'c');
    await two.zadd('one', 1, 'a');
    await two.hset('h', 'f', 'v', 'toString', 'w');
    await two.hset('one-field', 'f', 'v');
    await two.sadd('set', 'a');
    await two.mset('text', 'some text', 'float', '1.5');
    await two.call('GEOADD', 'geo', 1, 2, 'p', 3, 4, 'q');
    for (const stream of ['s', 't']) {
      await two.call('DEL', stream);
      await two.call('XADD', stream, '1-1', 'field', 'value');
      await two.call('XADD', stream, '2-1', 'field', 'value');
      await two.call('XGROUP', 'CREATE', stream, 'g', '0');
      await two.call('XREADGROUP', 'GROUP', 'g', 'me', 'STREAMS', stream, '>');
    }
    const shapes = async (redis: Redis) => {
      const [piped] = await redis
        .pipeline()
        .call(name, ...args)
        .exec();
      const plain = await redis.call(name, ...args);
      return [plain, piped?.[1]];
    };
    const [plain, piped] = await shapes(two);
    expect(piped).toEqual(plain);
    expect(await shapes(three)).toEqual([plain, plain]);
    two.disconnect();
    three.disconnect();
  });
});
