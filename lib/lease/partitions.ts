// Which partition a job goes to, and with which client and keys.

import { crc32 } from 'node:zlib';
import { Redis } from '../redis/index.js';
import { partitionStream, type QueueKeys, queueKeys } from './keys.js';
import { wrong } from './producer-errors.js';

/** A client for all partitions, or one for each. */
export type RedisSource = Redis | ((partition: string) => Redis);

/** One partition; or, of a queue without partitions, all of it. */
export interface Partition {
  /** Undefined: the queue has none. */
  readonly name: string | undefined;
  readonly redis: Redis;
  readonly keys: QueueKeys;
}

export class Partitions {
  readonly all: readonly Partition[];
  #next = 0;

  /** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming what is wrong. */
  constructor(
    redis: RedisSource,
    stream: string,
    names: readonly string[] | undefined,
    priorities: readonly string[] | undefined,
  ) {
    if (names === undefined) {
      if (!(redis instanceof Redis)) {
        throw wrong('redis', 'a Redis client, or with partitions a function that returns one');
      }
      this.all = [{ name: undefined, redis, keys: queueKeys(stream, priorities) }];
      return;
    }
    if (!Array.isArray(names) || names.length === 0 || new Set(names).size < names.length) {
      throw wrong('partitions', 'an array of different names, one or more');
    }
    this.all = names.map((name) => ({
      name,
      keys: queueKeys(partitionStream(stream, name), priorities),
      redis: clientOf(redis, name),
    }));
  }

  /**
   * The partition of a key: the CRC-32 (that of zlib) of its UTF-8 bytes, modulo the number of partitions. Without a key, one
   * after the other.
   */
  of(key: string | undefined): Partition {
    const { length } = this.all;
    const index = key === undefined ? this.#next++ % length : crc32(key) % length;
    return this.all[index] as Partition;
  }
}

function clientOf(redis: RedisSource, partition: string): Redis {
  const client = typeof redis === 'function' ? redis(partition) : redis;
  if (client instanceof Redis) return client;
  throw wrong('redis', 'a Redis client, or a function of a partition that returns one');
}
