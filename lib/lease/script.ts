// A Lua script as the server runs it: sent by its text the first time, by its hash from then on.

import { createHash } from 'node:crypto';
import { ReplyError } from '../errors.js';
import type { Arg, Redis } from '../redis/index.js';

export class Script {
  readonly #text: string;
  readonly #sha: string;
  /** Clients whose server was sent the text. */
  readonly #told = new WeakSet<Redis>();

  constructor(text: string) {
    this.#text = text;
    this.#sha = createHash('sha1').update(text).digest('hex');
  }

  /**
   * Runs it. Commands of a client reach the server in order, so only a server that has forgotten its scripts, by a restart
   * or a failover, has to be sent the text again; then, what was sent meanwhile may overtake it.
   */
  async run(redis: Redis, keys: readonly string[], args: readonly Arg[]): Promise<unknown> {
    if (!this.#told.has(redis)) {
      this.#told.add(redis);
      return redis.call('EVAL', this.#text, keys.length, keys, args);
    }
    try {
      return await redis.call('EVALSHA', this.#sha, keys.length, keys, args);
    } catch (error) {
      if (!(error instanceof ReplyError) || error.code !== 'ERR_SIDELOOP_REDIS_NOSCRIPT') {
        throw error;
      }
      return redis.call('EVAL', this.#text, keys.length, keys, args);
    }
  }
}
