// What the typed commands on strings, keys, hashes and the server answer from a real redis-server:
// the same over RESP2 and RESP3, and what ioredis answers. A failure means that code which moved
// over from ioredis, or from one protocol to the other, would see another value.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mayWait } from '../../lib/redis/commands/index.js';
import { Redis } from '../../lib/redis/index.js';
import { opcodeOf } from '../../lib/redis/sender.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

const BINARY = Buffer.from([0, 13, 10, 128, 255]);
const FAR_SECONDS = 4_102_444_800;

/** Those of the commands that Redis 7.0 has: a newer server is no reason to fail. */
async function ofRedis70(redis: Redis, names: string[]): Promise<string[]> {
  const docs = (await redis.command('DOCS', ...names)) as (string | string[])[];
  return names.filter((name) => {
    const facts = docs[docs.indexOf(name) + 1] ?? [];
    const since = facts[facts.indexOf('since') + 1] ?? '';
    return since.localeCompare('7.1', 'en', { numeric: true }) < 0;
  });
}

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

  test('the connection speaks that protocol', async () => {
    expect(await redis.client('INFO')).toContain(`resp=${protocol}`);
  });

  describe('strings', () => {
    test('set and get', async () => {
      expect(await redis.set('k', 'wörd')).toBe('OK');
      expect(await redis.get('k')).toBe('wörd');
      expect(await redis.get('none')).toBeNull();
      expect(await redis.set('k', 'x', 'NX')).toBeNull();
      expect(await redis.set('k', 7, 'GET')).toBe('wörd');
      expect(await redis.set('new', 7, 'GET')).toBeNull();
      expect(await redis.set('k', 'x', 'PX', 60_000, 'XX')).toBe('OK');
      expect(await redis.pttl('k')).toBeGreaterThan(0);
      expect(await redis.getset('k', 'y')).toBe('x');
      expect(await redis.getex('k', 'EXAT', FAR_SECONDS)).toBe('y');
      expect(await redis.expiretime('k')).toBe(FAR_SECONDS);
      expect(await redis.getdel('k')).toBe('y');
      expect(await redis.getdel('k')).toBeNull();
      expect(await redis.setex('k', 100, 'v')).toBe('OK');
      expect(await redis.psetex('k', 100_000, 'v')).toBe('OK');
      expect(await redis.setnx('k', 'w')).toBe(0);
    });

    test('bytes survive, in keys and values', async () => {
      expect(await redis.set(BINARY, BINARY)).toBe('OK');
      expect(await redis.getBuffer(BINARY)).toEqual(BINARY);
      expect(await redis.getBuffer('none')).toBeNull();
      expect(await redis.getexBuffer(BINARY)).toEqual(BINARY);
      expect(await redis.getrangeBuffer(BINARY, 3, -1)).toEqual(BINARY.subarray(3));
      expect(await redis.mgetBuffer(BINARY, 'none')).toEqual([BINARY, null]);
      expect(await redis.keysBuffer('*')).toEqual([BINARY]);
      expect(await redis.randomkeyBuffer()).toEqual(BINARY);
      expect(await redis.scanBuffer(0)).toEqual([Buffer.from('0'), [BINARY]]);
      expect(await redis.setBuffer(BINARY, 'x', 'GET')).toEqual(BINARY);
      expect(await redis.getsetBuffer(BINARY, 'y')).toEqual(Buffer.from('x'));
      expect(await redis.getdelBuffer(BINARY)).toEqual(Buffer.from('y'));
      expect(await redis.echoBuffer(BINARY)).toEqual(BINARY);
    });

    test('several at once', async () => {
      expect(await redis.mset({ a: 1, b: 'x' })).toBe('OK');
      expect(await redis.mset(new Map([['c', 3]]))).toBe('OK');
      expect(await redis.mset('d', 4, 'e', 5)).toBe('OK');
      expect(await redis.mget('a', 'none', 'c')).toEqual(['1', null, '3']);
      expect(await redis.mget(['b', 'd'])).toEqual(['x', '4']);
      expect(await redis.msetnx({ e: 1, f: 2 })).toBe(0);
      expect(await redis.msetnx({ f: 2 })).toBe(1);
    });

    test('numbers', async () => {
      expect(await redis.incr('n')).toBe(1);
      expect(await redis.incrby('n', 41)).toBe(42);
      expect(await redis.decr('n')).toBe(41);
      expect(await redis.decrby('n', '40')).toBe(1);
      expect(await redis.incrbyfloat('n', 0.5)).toBe('1.5');
    });

    test('parts', async () => {
      expect(await redis.append('k', 'Hello World')).toBe(11);
      expect(await redis.setrange('k', 6, 'Redis')).toBe(11);
      expect(await redis.getrange('k', -5, -1)).toBe('Redis');
      expect(await redis.substr('k', 0, 4)).toBe('Hello');
      expect(await redis.strlen('k')).toBe(11);
    });

    test('longest common subsequence', async () => {
      await redis.mset({ a: 'ohmytext', b: 'mynewtext' });
      expect(await redis.lcs('a', 'b')).toBe('mytext');
      expect(await redis.lcsBuffer('a', 'b')).toEqual(Buffer.from('mytext'));
      expect(await redis.lcs('a', 'b', 'LEN')).toBe(6);
      expect(await redis.lcs('a', 'b', 'IDX', 'MINMATCHLEN', 4, 'WITHMATCHLEN')).toEqual([
        'matches',
        [[[4, 7], [5, 8], 4]],
        'len',
        6,
      ]);
    });
  });

  describe('keys', () => {
    test('existence and names', async () => {
      await redis.mset({ a: 1, b: 2, c: 3 });
      expect(await redis.exists('a')).toBe(1);
      expect(await redis.exists('a', 'a', 'none')).toBe(2);
      expect(await redis.touch(['a', 'b'])).toBe(2);
      expect(await redis.type('a')).toBe('string');
      expect(await redis.type('none')).toBe('none');
      expect((await redis.keys('*')).sort()).toEqual(['a', 'b', 'c']);
      expect(['a', 'b', 'c']).toContain(await redis.randomkey());
      expect(await redis.rename('a', 'd')).toBe('OK');
      expect(await redis.renamenx('d', 'b')).toBe(0);
      expect(await redis.copy('d', 'b')).toBe(0);
      expect(await redis.copy('d', 'b', 'REPLACE')).toBe(1);
      expect(await redis.move('d', 1)).toBe(1);
      expect(await redis.del('b')).toBe(1);
      expect(await redis.unlink(['c', 'none'])).toBe(1);
      expect(await redis.randomkey()).toBeNull();
    });

    test('expiry', async () => {
      await redis.set('k', 'v');
      expect(await redis.ttl('k')).toBe(-1);
      expect(await redis.pttl('none')).toBe(-2);
      expect(await redis.expire('k', 100, 'XX')).toBe(0);
      expect(await redis.expire('k', 100)).toBe(1);
      expect(await redis.ttl('k')).toBeGreaterThan(0);
      expect(await redis.expireat('k', FAR_SECONDS, 'GT')).toBe(1);
      expect(await redis.expiretime('k')).toBe(FAR_SECONDS);
      expect(await redis.pexpireat('k', FAR_SECONDS * 1000 + 5)).toBe(1);
      expect(await redis.pexpiretime('k')).toBe(FAR_SECONDS * 1000 + 5);
      expect(await redis.pexpire('k', 100_000)).toBe(1);
      expect(await redis.persist('k')).toBe(1);
      expect(await redis.expiretime('k')).toBe(-1);
    });

    test('scan in steps', async () => {
      const names = Array.from({ length: 50 }, (_, i) => `key:${i}`);
      await redis.mset(new Map(names.map((name) => [name, 1])));
      await redis.rpush('list', 1);
      const seen = new Set<string>();
      let cursor = '0';
      do {
        const [next, keys] = await redis.scan(cursor, 'MATCH', 'key:*', 'COUNT', 7);
        for (const key of keys) seen.add(key);
        cursor = next;
      } while (cursor !== '0');
      expect([...seen].sort()).toEqual(names.sort());
      expect(await redis.scan(0, 'TYPE', 'list', 'COUNT', 1000)).toEqual(['0', ['list']]);
    });

    test('dump, restore, object', async () => {
      await redis.set('k', BINARY);
      const dump = await redis.dumpBuffer('k');
      expect(dump).toBeInstanceOf(Buffer);
      expect(await redis.dump('none')).toBeNull();
      expect(await redis.restore('copy', 0, dump ?? BINARY)).toBe('OK');
      expect(await redis.getBuffer('copy')).toEqual(BINARY);
      expect(await redis.object('ENCODING', 'k')).toBe('embstr');
      expect(await redis.object('ENCODING', 'none')).toBeNull();
      expect(await redis.object('REFCOUNT', 'k')).toBe(1);
      expect(await redis.object('IDLETIME', 'k')).toBeLessThan(60);
      expect(await redis.migrate('127.0.0.1', 1, 'none', 0, 100)).toBe('NOKEY');
    });

    test('sort', async () => {
      await redis.rpush('l', 3, 1, 2);
      await redis.mset({ w_1: 30, w_2: 20, w_3: 10 });
      expect(await redis.sort('l')).toEqual(['1', '2', '3']);
      expect(await redis.sort_ro('l', 'DESC', 'LIMIT', 0, 1)).toEqual(['3']);
      const withNone = ['3', null, '2', null, '1', null];
      expect(await redis.sort('l', 'BY', 'w_*', 'GET', '#', 'GET', 'none_*')).toEqual(withNone);
      expect(await redis.sortBuffer('l')).toEqual(['1', '2', '3'].map((n) => Buffer.from(n)));
      expect(await redis.sort('l', 'ALPHA', 'STORE', 'd')).toBe(3);
      expect(await redis.lrange('d', 0, -1)).toEqual(['1', '2', '3']);
    });
  });

  describe('hashes', () => {
    test('fields', async () => {
      expect(await redis.hset('h', { a: 1, b: 'x' })).toBe(2);
      expect(await redis.hset('h', new Map([['b', 'y']]))).toBe(0);
      expect(await redis.hset('h', 'c', 3)).toBe(1);
      expect(await redis.hmset('h', { d: BINARY })).toBe('OK');
      expect(await redis.hget('h', 'b')).toBe('y');
      expect(await redis.hget('h', 'none')).toBeNull();
      expect(await redis.hgetBuffer('h', 'd')).toEqual(BINARY);
      expect(await redis.hmget('h', 'a', 'none')).toEqual(['1', null]);
      expect(await redis.hmgetBuffer('h', ['d'])).toEqual([BINARY]);
      expect(await redis.hkeys('h')).toEqual(['a', 'b', 'c', 'd']);
      expect(await redis.hkeysBuffer('h')).toEqual(['a', 'b', 'c', 'd'].map((f) => Buffer.from(f)));
      expect(await redis.hlen('h')).toBe(4);
      expect(await redis.hexists('h', 'a')).toBe(1);
      expect(await redis.hstrlen('h', 'd')).toBe(5);
      expect(await redis.hsetnx('h', 'a', 2)).toBe(0);
      expect(await redis.hincrby('h', 'a', 2)).toBe(3);
      expect(await redis.hincrbyfloat('h', 'a', '0.25')).toBe('3.25');
      expect(await redis.hdel('h', 'c', 'd', 'none')).toBe(2);
      expect(await redis.hvals('h')).toEqual(['3.25', 'y']);
      expect(await redis.hvalsBuffer('h')).toEqual([Buffer.from('3.25'), Buffer.from('y')]);
      expect(await redis.hscan('h', 0)).toEqual(['0', ['a', '3.25', 'b', 'y']]);
    });

    test('the whole hash is a record', async () => {
      await redis.hset('h', 'a', 1, '__proto__', 'x', 'constructor', 'y');
      const record = await redis.hgetall('h');
      expect(Object.entries(record)).toEqual([
        ['a', '1'],
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]);
      expect(await redis.call('HGETALL', 'h')).toEqual(record);
      expect(await redis.hgetall('none')).toEqual({});
      expect(await redis.hset('b', 'f', BINARY)).toBe(1);
      expect(await redis.hgetallBuffer('b')).toEqual({ f: BINARY });
    });

    test('random fields', async () => {
      await redis.hset('h', 'f', 'v');
      expect(await redis.hrandfield('h')).toBe('f');
      expect(await redis.hrandfield('none')).toBeNull();
      expect(await redis.hrandfield('h', 2)).toEqual(['f']);
      expect(await redis.hrandfield('h', -2, 'WITHVALUES')).toEqual(['f', 'v', 'f', 'v']);
      expect(await redis.hrandfield('none', 1, 'WITHVALUES')).toEqual([]);
      expect(await redis.hrandfieldBuffer('h', 1, 'WITHVALUES')).toEqual(
        ['f', 'v'].map((text) => Buffer.from(text)),
      );
    });
  });

  describe('the server', () => {
    test('facts', async () => {
      await redis.set('k', 'v');
      expect(await redis.dbsize()).toBe(1);
      expect(await redis.info('server')).toMatch(/^# Server\r\nredis_version:/);
      expect(await redis.info()).toContain('# Keyspace\r\ndb0:keys=1');
      expect(await redis.time()).toEqual([
        expect.stringMatching(/^\d{10,}$/),
        expect.stringMatching(/^\d{1,6}$/),
      ]);
      expect(await redis.lastsave()).toBeGreaterThan(1_600_000_000);
      expect(await redis.role()).toEqual(['master', 0, []]);
      expect(await redis.memory('USAGE', 'k', 'SAMPLES', 0)).toBeGreaterThan(0);
      expect(await redis.memory('USAGE', 'none')).toBeNull();
      expect(await redis.memory('STATS')).toContain('peak.allocated');
      expect(await redis.command('COUNT')).toBeGreaterThan(200);
      expect(await redis.command('GETKEYS', 'MGET', 'a', 'b')).toEqual(['a', 'b']);
      expect(await redis.wait(0, 10)).toBe(0);
    });

    test('settings', async () => {
      expect(await redis.config('SET', 'slowlog-max-len', 77)).toBe('OK');
      expect(await redis.config('GET', 'slowlog-max-len')).toEqual(['slowlog-max-len', '77']);
      expect(await redis.config('GET', 'no-such-setting')).toEqual([]);
      expect(await redis.slowlog('RESET')).toBe('OK');
      expect(await redis.slowlog('LEN')).toBeGreaterThanOrEqual(0);
    });

    test('databases', async () => {
      await redis.set('k', 'v');
      expect(await redis.swapdb(0, 1)).toBe('OK');
      expect(await redis.get('k')).toBeNull();
      expect(await redis.swapdb(0, 1)).toBe('OK');
      expect(await redis.flushdb('ASYNC')).toBe('OK');
      expect(await redis.dbsize()).toBe(0);
    });

    test('scripts', async () => {
      const script = 'return {KEYS[1], ARGV[1], 2.9, false, {1, "x"}}';
      const reply = ['k', 'a', 2, null, [1, 'x']];
      expect(await redis.eval(script, 1, 'k', 'a')).toEqual(reply);
      const sha1 = await redis.script('LOAD', script);
      expect(await redis.evalsha(sha1, 1, ['k'], 'a')).toEqual(reply);
      expect(await redis.evalsha_ro(sha1, 1, 'k', 'a')).toEqual(reply);
      expect(await redis.script('EXISTS', sha1, 'none')).toEqual([1, 0]);
      expect(await redis.publish('nobody', 'listens')).toBe(0);
    });

    test('the connection', async () => {
      expect(await redis.ping()).toBe('PONG');
      expect(await redis.ping('there')).toBe('there');
      expect(await redis.echo('there')).toBe('there');
      expect(await redis.client('SETNAME', 'me')).toBe('OK');
      expect(await redis.client('GETNAME')).toBe('me');
      expect(await redis.client('ID')).toBeGreaterThan(0);
    });

    // The server's own table, so that nothing is forgotten of a family that is said to be complete.
    const families = ['string', 'hash', 'list', 'set', 'sortedset', 'keyspace'];
    test.each(families)('every %s command has a method', async (family) => {
      const names = await redis.command('LIST', 'FILTERBY', 'ACLCAT', family);
      // Subcommands are arguments of a method, and RESTORE-ASKING is what cluster nodes say to each
      // other.
      const own = names.filter((name) => !name.includes('|') && name !== 'restore-asking');
      const typed = await ofRedis70(redis, own);
      expect(typed.length).toBeGreaterThan(10);
      expect(typed.filter((name) => opcodeOf(name.toUpperCase()) === undefined)).toEqual([]);
      expect(typed.filter((name) => !(name in redis))).toEqual([]);
    });

    test('every command that the server calls blocking is known as one that may wait', async () => {
      const commands = (await redis.command()) as [name: string, arity: number, flags: string[]][];
      const names = commands.filter(([, , flags]) => flags.includes('blocking')).map(([n]) => n);
      const blocking = await ofRedis70(redis, names);
      expect(blocking.length).toBeGreaterThan(8);
      expect(blocking.filter((name) => !mayWait(name.toUpperCase()))).toEqual([]);
    });
  });
});
