// What the typed methods promise, for the compiler alone to check: it fails here when an overload
// has come to answer another type, or to accept what it must refuse. Nothing runs.

import type { Commands } from '../../lib/redis/commands/index.js';
import type { Pipeline } from '../../lib/redis/pipeline.js';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

interface User {
  name: string;
  age: number;
}

/** `promises<A>()(value, true)` compiles only where `value` is exactly an `A`. */
declare function promises<A>(): <B>(value: B, same: Same<A, B>) => void;

export function answers(redis: Commands<'client'>, pipeline: Pipeline): void {
  promises<Promise<string | null>>()(redis.get('k'), true);
  promises<Promise<'OK'>>()(redis.set('k', 1), true);
  promises<Promise<'OK'>>()(redis.set('k', 1n, 'EX', 10n), true);
  promises<Promise<number | string | bigint>>()(redis.incrby('n', 1n), true);
  promises<Promise<'OK'>>()(redis.set('k', 1, 'EX', 10), true);
  promises<Promise<'OK' | null>>()(redis.set('k', 1, 'EX', 10, 'NX'), true);
  promises<Promise<string | null>>()(redis.set('k', 1, 'NX', 'GET'), true);
  promises<Promise<Buffer | null>>()(redis.setBuffer('k', 1, 'GET'), true);
  promises<Promise<Record<string, string>>>()(redis.hgetall('h'), true);
  promises<Promise<string | null>>()(redis.lpop('l'), true);
  promises<Promise<string[] | null>>()(redis.lpop('l', 2), true);
  promises<Promise<number | null>>()(redis.lpos('l', 'v'), true);
  promises<Promise<number[]>>()(redis.lpos('l', 'v', 'RANK', -1, 'COUNT', 0), true);
  promises<Promise<string>>()(redis.lcs('a', 'b'), true);
  promises<Promise<number>>()(redis.lcs('a', 'b', 'LEN'), true);
  promises<Promise<(string | null)[]>>()(redis.sort('l', 'BY', 'w_*'), true);
  promises<Promise<number>>()(redis.sort('l', 'BY', 'w_*', 'STORE', 'd'), true);
  promises<Promise<number>>()(redis.zadd('z', 'NX', 1, 'm'), true);
  promises<Promise<string | null>>()(redis.zadd('z', 'NX', 'INCR', 1, 'm'), true);
  promises<Promise<number>>()(redis.zadd('z', 1, 'INCR', 2, 'm'), true);
  promises<Pipeline>()(pipeline.set('a', 1).hgetall('h').zrange('z', 0, -1), true);
}

export function accepts(redis: Commands<'client'>, user: User): void {
  redis.hset('h', user);
  redis.mset({ a: 1, b: Buffer.from('x') });
  redis.hset('h', new Map<string, string | number>([['f', 1]]));
  redis.blpop('a', 'b', 1);
  redis.blpop(['a', 'b'], 1);
  redis.zunion(2, ['a', 'b'], 'WITHSCORES');
}

export function refuses(redis: Commands<'client'>): void {
  // @ts-expect-error: no key.
  redis.get(undefined);
  // @ts-expect-error: no such option.
  redis.set('k', 1, 'EXX', 1);
  // @ts-expect-error: a list and more.
  redis.del(['a'], 'b');
  // @ts-expect-error: an undefined value.
  redis.hset('h', { f: undefined });
  // @ts-expect-error: a boolean value.
  redis.mset({ a: true });
  // @ts-expect-error: a Set has no values of its own.
  redis.hset('h', new Set(['f']));
  // @ts-expect-error: an option that is there but undefined.
  redis.zrandmember('z', 1, undefined);
}
