// What the demo keeps in Redis, under a prefix of its own and for a day:
//   <prefix>files:<unit>   hash     path -> stamp and content hash of the file
//   <prefix>merkle:<unit>  string   the unit's hash at the last run
//   <prefix>needs:<unit>   list     the hashes of what it depended on then, in the order of its needs
import type { Redis } from 'sideloop/redis';
import type { CallMeter } from './call-meter.js';
import type { ListedFile } from './file-list.js';
import type { Unit } from './units.js';

/** What the cache knows of a unit. */
export interface Lookup {
  /** The content hash of each file whose stamp is as it was, in the order of the files. */
  readonly hashes: readonly (string | undefined)[];
  readonly merkle: string | null;
  readonly needs: readonly string[];
}

const keepSeconds = 24 * 60 * 60;

export class Cache {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #meter: CallMeter;

  constructor(redis: Redis, prefix: string, meter: CallMeter) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#meter = meter;
  }

  /**
   * One call per file, and not one HMGET for all of them, since this is what the demo is about: calls
   * that are made in the same turn cost one crossing and one write, and need not be batched by hand.
   */
  async lookUp(unit: Unit, files: readonly ListedFile[]): Promise<Lookup> {
    const { files: filesKey, merkle: merkleKey, needs: needsKey } = this.#keys(unit.name);
    const [merkle, needs, ...entries] = await Promise.all([
      this.#meter.count(this.#redis.get(merkleKey)),
      this.#meter.count(this.#redis.lrange(needsKey, 0, -1)),
      ...files.map(({ path }) => this.#meter.count(this.#redis.hget(filesKey, path))),
    ]);
    const hashes = files.map(({ stamp }, index) => hashOf(entries[index], stamp));
    return { hashes, merkle, needs };
  }

  /** Asks for what is stored of a unit, and how much, and does not look at the answers. */
  poll(unit: Unit): Promise<unknown>[] {
    const { files, merkle, needs } = this.#keys(unit.name);
    return [this.#redis.hlen(files), this.#redis.get(merkle), this.#redis.llen(needs)].map(
      (reply: Promise<unknown>) => this.#meter.count(reply),
    );
  }

  /** Stores what has changed, and keeps the rest for another day. */
  async store(
    unit: Unit,
    files: readonly ListedFile[],
    found: Lookup,
    hashes: readonly string[],
    merkle: string,
    needs: readonly string[],
  ): Promise<void> {
    const keys = this.#keys(unit.name);
    const pipeline = this.#redis.pipeline();
    let calls = 0;
    if (found.hashes.includes(undefined)) {
      const fields = files.flatMap(({ path, stamp, isSettled }, index) =>
        isSettled ? [path, `${stamp} ${hashes[index]}`] : [],
      );
      // The old entries go, so that files that are no more leave nothing behind.
      pipeline.del(keys.files);
      calls += 1;
      if (fields.length > 0) {
        pipeline.hset(keys.files, ...fields);
        calls += 1;
      }
    }
    if (found.merkle !== merkle) {
      pipeline.set(keys.merkle, merkle).del(keys.needs);
      calls += 2;
      if (needs.length > 0) {
        pipeline.rpush(keys.needs, ...needs);
        calls += 1;
      }
    }
    for (const key of Object.values(keys)) pipeline.expire(key, keepSeconds);
    calls += 3;
    const replies = await this.#meter.count(pipeline.exec(), calls);
    const failed = replies?.find(([error]) => error !== null);
    if (failed) throw failed[0];
  }

  #keys(unitName: string) {
    const key = (kind: string) => `${this.#prefix}${kind}:${unitName}`;
    return { files: key('files'), merkle: key('merkle'), needs: key('needs') };
  }
}

function hashOf(entry: string | null | undefined, stamp: string): string | undefined {
  if (!entry?.startsWith(`${stamp} `)) return undefined;
  return entry.slice(stamp.length + 1);
}
