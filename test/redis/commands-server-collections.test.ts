// What the typed commands on lists, sets and sorted sets answer from a real redis-server: the same
// over RESP2 and RESP3, and what ioredis answers. RESP3 nests what RESP2 sends flat, most of all
// here.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Redis } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

const BINARY = Buffer.from([0, 13, 10, 128, 255]);
const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

describe.each([2, 3] as const)('over RESP%i', (protocol) => {
  let redis: Redis;
  beforeEach(async () => {
    redis = new Redis(server.url, { protocol });
    await redis.flushall();
  });
  afterEach(() => redis.disconnect());

  describe('lists', () => {
    test('elements', async () => {
      expect(await redis.rpush('l', 'b', 'c')).toBe(2);
      expect(await redis.lpush('l', 'a')).toBe(3);
      expect(await redis.rpush('l', [BINARY])).toBe(4);
      expect(await redis.lpushx('none', 'x')).toBe(0);
      expect(await redis.rpushx('none', 'x')).toBe(0);
      expect(await redis.llen('l')).toBe(4);
      expect(await redis.lrange('l', 0, 2)).toEqual(['a', 'b', 'c']);
      expect(await redis.lrangeBuffer('l', 3, -1)).toEqual([BINARY]);
      expect(await redis.lindex('l', 1)).toBe('b');
      expect(await redis.lindex('l', 9)).toBeNull();
      expect(await redis.lindexBuffer('l', -1)).toEqual(BINARY);
      expect(await redis.linsert('l', 'BEFORE', 'b', 'a')).toBe(5);
      expect(await redis.lpos('l', 'a')).toBe(0);
      expect(await redis.lpos('l', 'none')).toBeNull();
      expect(await redis.lpos('l', 'a', 'COUNT', 0)).toEqual([0, 1]);
      expect(await redis.lset('l', 0, 'z')).toBe('OK');
      expect(await redis.lrem('l', 0, 'z')).toBe(1);
      expect(await redis.ltrim('l', 1, 2)).toBe('OK');
      expect(await redis.lrange('l', 0, -1)).toEqual(['b', 'c']);
    });

    test('pops and moves', async () => {
      await redis.rpush('l', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
      expect(await redis.lpop('l')).toBe('a');
      expect(await redis.rpop('l')).toBe('h');
      expect(await redis.lpop('l', 2)).toEqual(['b', 'c']);
      expect(await redis.rpopBuffer('l', 1)).toEqual(bytes('g'));
      expect(await redis.lpop('none')).toBeNull();
      expect(await redis.rpop('none', 2)).toBeNull();
      expect(await redis.lmove('l', 'm', 'LEFT', 'RIGHT')).toBe('d');
      expect(await redis.lmove('none', 'm', 'LEFT', 'RIGHT')).toBeNull();
      expect(await redis.rpoplpush('l', 'm')).toBe('f');
      expect(await redis.lmpop(2, ['none', 'l'], 'LEFT')).toEqual(['l', ['e']]);
      expect(await redis.lmpop(1, 'l', 'LEFT')).toBeNull();
      expect(await redis.lmpopBuffer(1, 'm', 'LEFT', 'COUNT', 9)).toEqual([
        Buffer.from('m'),
        bytes('f', 'd'),
      ]);
    });

    test('pops that need not wait', async () => {
      await redis.rpush('l', 'a', 'b', 'c', 'd', 'e', 'f', 'g');
      expect(await redis.blpop('none', 'l', 1)).toEqual(['l', 'a']);
      expect(await redis.brpop(['none', 'l'], 1)).toEqual(['l', 'g']);
      expect(await redis.blpopBuffer('l', 1)).toEqual(bytes('l', 'b'));
      expect(await redis.blmove('l', 'm', 'LEFT', 'LEFT', 1)).toBe('c');
      expect(await redis.brpoplpush('l', 'm', 1)).toBe('f');
      expect(await redis.blmpop(1, 1, 'l', 'RIGHT', 'COUNT', 2)).toEqual(['l', ['e', 'd']]);
    });

    test('pops whose time runs out', async () => {
      expect(await redis.blpop('none', 0.01)).toBeNull();
      expect(await redis.brpop('none', '0.01')).toBeNull();
      expect(await redis.blmove('none', 'm', 'LEFT', 'LEFT', 0.01)).toBeNull();
      expect(await redis.blmpop(0.01, 1, 'none', 'LEFT')).toBeNull();
      expect(await redis.bzpopmin('none', 0.01)).toBeNull();
      expect(await redis.bzmpop(0.01, 1, 'none', 'MIN')).toBeNull();
    });

    test('a pop waits for another client to push', async () => {
      const popped = redis.blpop('queue', 0);
      const other = new Redis(server.url, { protocol });
      try {
        await vi.waitUntil(async () => (await other.info('clients')).includes('blocked_clients:1'));
        await other.rpush('queue', 'job');
        expect(await popped).toEqual(['queue', 'job']);
      } finally {
        other.disconnect();
      }
    });
  });

  describe('sets', () => {
    test('members', async () => {
      expect(await redis.sadd('s', 'a')).toBe(1);
      expect(await redis.sadd('s', 'a', 'b', 3)).toBe(2);
      expect((await redis.smembers('s')).sort()).toEqual(['3', 'a', 'b']);
      expect(await redis.smembers('none')).toEqual([]);
      expect(await redis.scard('s')).toBe(3);
      expect(await redis.sismember('s', 'a')).toBe(1);
      expect(await redis.smismember('s', 'a', 'none')).toEqual([1, 0]);
      expect(await redis.smove('s', 't', 'a')).toBe(1);
      expect(await redis.srem('s', ['b', 'none'])).toBe(1);
      expect(await redis.sscan('s', 0)).toEqual(['0', ['3']]);
      await redis.sadd('binary', BINARY);
      expect(await redis.smembersBuffer('binary')).toEqual([BINARY]);
      expect(await redis.sscanBuffer('binary', 0)).toEqual([Buffer.from('0'), [BINARY]]);
    });

    test('random members', async () => {
      await redis.sadd('s', 'a');
      expect(await redis.srandmember('s')).toBe('a');
      expect(await redis.srandmember('s', -2)).toEqual(['a', 'a']);
      expect(await redis.srandmember('none')).toBeNull();
      expect(await redis.srandmember('none', 2)).toEqual([]);
      expect(await redis.srandmemberBuffer('s')).toEqual(Buffer.from('a'));
      expect(await redis.spop('s')).toBe('a');
      expect(await redis.spop('s')).toBeNull();
      expect(await redis.spop('s', 2)).toEqual([]);
      await redis.sadd('s', BINARY);
      expect(await redis.spopBuffer('s', 2)).toEqual([BINARY]);
    });

    test('algebra', async () => {
      await redis.sadd('s', 'a', 'b', 'c');
      await redis.sadd('t', 'c', 'd');
      expect((await redis.sdiff('s', 't')).sort()).toEqual(['a', 'b']);
      expect(await redis.sinter(['s', 't'])).toEqual(['c']);
      expect(await redis.sinterBuffer('s', 't')).toEqual(bytes('c'));
      expect((await redis.sunion('s', 't')).sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(await redis.sintercard(2, ['s', 't'], 'LIMIT', 5)).toBe(1);
      expect(await redis.sdiffstore('d', 's', 't')).toBe(2);
      expect(await redis.sinterstore('d', ['s', 't'])).toBe(1);
      expect(await redis.sunionstore('d', 's', 't')).toBe(4);
    });
  });

  test('streams, by call, are pairs of name and entries', async () => {
    await redis.call('XADD', 's', '1-1', 'f', 'v');
    await redis.call('XADD', 't', '2-1', 'f', 'v');
    const s = ['s', [['1-1', ['f', 'v']]]];
    const t = ['t', [['2-1', ['f', 'v']]]];
    expect(await redis.call('XREAD', 'STREAMS', 's', 't', 0, 0)).toEqual([s, t]);
    expect(await redis.call('XREAD', 'STREAMS', 'none', 0)).toBeNull();
    await redis.call('XGROUP', 'CREATE', 's', 'group', 0);
    expect(await redis.call('XREADGROUP', 'GROUP', 'group', 'me', 'STREAMS', 's', '>')).toEqual([
      s,
    ]);
  });

  describe('sorted sets', () => {
    beforeEach(() => redis.zadd('z', 1, 'a', 2, 'b', '3.5', 'c'));

    test('scores are text', async () => {
      expect(await redis.zadd('z', 'NX', 9, 'a')).toBe(0);
      expect(await redis.zadd('z', 'XX', 'CH', 5, 'a', 6, 'none')).toBe(1);
      expect(await redis.zadd('z', 'INCR', 1.5, 'a')).toBe('6.5');
      expect(await redis.zadd('z', 'NX', 'INCR', 1, 'a')).toBeNull();
      expect(await redis.zscore('z', 'c')).toBe('3.5');
      expect(await redis.zscore('z', 'none')).toBeNull();
      expect(await redis.zmscore('z', 'a', 'none')).toEqual(['6.5', null]);
      expect(await redis.zincrby('z', 0.25, 'b')).toBe('2.25');
      expect(await redis.zadd('z', '-inf', 'low', '+inf', 'high', 1e100, 'huge')).toBe(3);
      expect(await redis.zmscore('z', ['low', 'high', 'huge'])).toEqual(['-inf', 'inf', '1e+100']);
    });

    test('numbers are numbers', async () => {
      expect(await redis.zcard('z')).toBe(3);
      expect(await redis.zcount('z', '(1', '+inf')).toBe(2);
      expect(await redis.zlexcount('z', '-', '+')).toBe(3);
      expect(await redis.zrank('z', 'b')).toBe(1);
      expect(await redis.zrank('z', 'none')).toBeNull();
      expect(await redis.zrevrank('z', 'c')).toBe(0);
      expect(await redis.zrangestore('d', 'z', 0, 1)).toBe(2);
      expect(await redis.zremrangebyscore('d', '-inf', '(2')).toBe(1);
      expect(await redis.zremrangebyrank('d', 0, -1)).toBe(1);
      expect(await redis.zremrangebylex('z', '-', '[a')).toBe(1);
      expect(await redis.zrem('z', 'b', 'none')).toBe(1);
    });

    const flat = ['a', '1', 'b', '2', 'c', '3.5'];
    const reverse = ['c', '3.5', 'b', '2', 'a', '1'];
    test('ranges are flat', async () => {
      expect(await redis.zrange('z', 0, -1)).toEqual(['a', 'b', 'c']);
      expect(await redis.zrange('z', 0, -1, 'WITHSCORES')).toEqual(flat);
      expect(await redis.zrange('z', 1, 1, 'WITHSCORES')).toEqual(['b', '2']);
      expect(await redis.zrange('z', '(1', 9, 'BYSCORE', 'WITHSCORES')).toEqual(flat.slice(2));
      expect(await redis.zrange('z', '[b', '+', 'BYLEX')).toEqual(['b', 'c']);
      expect(await redis.zrange('none', 0, -1, 'WITHSCORES')).toEqual([]);
      expect(await redis.zrevrange('z', 0, -1, 'WITHSCORES')).toEqual(reverse);
      expect(await redis.zrangebyscore('z', 0, 9, 'WITHSCORES')).toEqual(flat);
      expect(await redis.zrangebyscore('z', 0, 9, 'LIMIT', 1, 1)).toEqual(['b']);
      expect(await redis.zrevrangebyscore('z', 9, 0, 'WITHSCORES')).toEqual(reverse);
      expect(await redis.zrangebylex('z', '-', '(c')).toEqual(['a', 'b']);
      expect(await redis.zrevrangebylex('z', '+', '-')).toEqual(['c', 'b', 'a']);
      expect(await redis.zscan('z', 0)).toEqual(['0', flat]);
    });

    test('ranges are flat through call too', async () => {
      expect(await redis.call('ZRANGE', 'z', 0, -1, 'WITHSCORES')).toEqual(flat);
      expect(await redis.call('zrange', 'z', 0, -1, 'withscores')).toEqual(flat);
      expect(await redis.callBuffer('ZRANGE', 'z', 0, 0, 'WITHSCORES')).toEqual(bytes('a', '1'));
    });

    test('ranges in bytes have their scores in bytes', async () => {
      expect(await redis.zrangeBuffer('z', 0, -1, 'WITHSCORES')).toEqual(bytes(...flat));
      expect(await redis.zrevrangeBuffer('z', 0, 0, 'WITHSCORES')).toEqual(bytes('c', '3.5'));
      expect(await redis.zrangebyscoreBuffer('z', 1, 1, 'WITHSCORES')).toEqual(bytes('a', '1'));
      expect(await redis.zrangebylexBuffer('z', '-', '[a')).toEqual(bytes('a'));
      expect(await redis.zscanBuffer('z', 0)).toEqual([Buffer.from('0'), bytes(...flat)]);
      expect(await redis.zpopminBuffer('z')).toEqual(bytes('a', '1'));
      expect(await redis.bzpopmaxBuffer('z', 1)).toEqual(bytes('z', 'c', '3.5'));
    });

    test('pops are flat, those of several sets are pairs', async () => {
      expect(await redis.zpopmin('z')).toEqual(['a', '1']);
      expect(await redis.zpopmax('z', 1)).toEqual(['c', '3.5']);
      expect(await redis.zpopmin('none')).toEqual([]);
      expect(await redis.bzpopmin('none', 'z', 1)).toEqual(['z', 'b', '2']);
      await redis.zadd('z', 1, 'a', 2, 'b', '3.5', 'c');
      expect(await redis.zpopmin('z', 2)).toEqual(['a', '1', 'b', '2']);
      await redis.zadd('z', 1, 'a', 2, 'b');
      expect(await redis.zpopmax('z', 2)).toEqual(['c', '3.5', 'b', '2']);
      expect(await redis.bzpopmax(['z'], 1)).toEqual(['z', 'a', '1']);
      await redis.zadd('z', 1, 'a', 2, 'b', '3.5', 'c');
      expect(await redis.zmpop(1, 'z', 'MAX')).toEqual(['z', [['c', '3.5']]]);
      expect(await redis.bzmpopBuffer(1, 1, ['z'], 'MIN', 'COUNT', 2)).toEqual([
        Buffer.from('z'),
        [bytes('a', '1'), bytes('b', '2')],
      ]);
      expect(await redis.zmpop(1, 'z', 'MIN')).toBeNull();
    });

    test('random members', async () => {
      await redis.zadd('one', 1, 'm');
      expect(await redis.zrandmember('one')).toBe('m');
      expect(await redis.zrandmember('none')).toBeNull();
      expect(await redis.zrandmember('one', 3)).toEqual(['m']);
      expect(await redis.zrandmember('one', -2, 'WITHSCORES')).toEqual(['m', '1', 'm', '1']);
      expect(await redis.zrandmemberBuffer('one', 1, 'WITHSCORES')).toEqual(bytes('m', '1'));
    });

    test('algebra', async () => {
      await redis.zadd('y', 10, 'b');
      expect(await redis.zunion(2, 'z', 'y')).toEqual(['a', 'c', 'b']);
      const union = ['a', '1', 'c', '3.5', 'b', '12'];
      expect(await redis.zunion(2, ['z', 'y'], 'WITHSCORES')).toEqual(union);
      expect(
        await redis.zinter(2, 'z', 'y', 'WEIGHTS', 2, 1, 'AGGREGATE', 'MAX', 'WITHSCORES'),
      ).toEqual(['b', '10']);
      expect(await redis.zdiff(2, 'z', 'y', 'WITHSCORES')).toEqual(['a', '1', 'c', '3.5']);
      expect(await redis.zdiffBuffer(2, ['z', 'y'])).toEqual(bytes('a', 'c'));
      expect(await redis.zintercard(2, 'z', 'y')).toBe(1);
      expect(await redis.zunionstore('d', 2, 'z', 'y')).toBe(3);
      expect(await redis.zinterstore('d', 2, ['z', 'y'], 'AGGREGATE', 'MIN')).toBe(1);
      expect(await redis.zdiffstore('d', 2, 'z', 'y')).toBe(2);
    });
  });
});
