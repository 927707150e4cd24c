// What the tests of the producer have in common: a server, clients of it, and what they find there.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

export interface Entry {
  id: string;
  fields: Record<string, string>;
}

/** The script by which a consumer's loop thread moves due jobs. */
const MOVE = /R"lua\((.*)\)lua"/s.exec(
  readFileSync(new URL('../../native/lease/delayed_jobs_script.h', import.meta.url), 'utf8'),
)?.[1] as string;

/** A server and a loop of their own for each test of the file. */
export function useQueue(args: readonly string[] = []) {
  const state = {} as { server: RedisServer; loop: EventLoop; redis: Redis };
  beforeEach(async () => {
    state.server = await startRedisServer({ args });
    state.loop = new EventLoop();
    state.redis = client();
  });
  afterEach(async () => {
    state.loop.destroy();
    await state.server.stop();
  });

  function client(options: RedisOptions = {}): Redis {
    const quick = { reconnectMinDelay: 1, reconnectMaxDelay: 5 };
    return new Redis({ port: state.server.port, loop: state.loop, ...quick, ...options });
  }

  async function entries(stream: string): Promise<Entry[]> {
    const rows = await state.redis.call('XRANGE', stream, '-', '+');
    return rows.map(([id, words]: [string, string[]]) => {
      const fields: Record<string, string> = {};
      for (let i = 0; i < words.length; i += 2) fields[words[i] as string] = words[i + 1] as string;
      return { id, fields };
    });
  }

  /** Moves what is due: how many jobs, and in how many ms the next is. */
  async function move(
    delayed: string,
    streams: string[],
    limit = 100,
  ): Promise<[number, number, number, string]> {
    return state.redis.call('EVAL', MOVE, 1 + streams.length, delayed, streams, limit);
  }

  return { state, client, entries, move };
}

/** An entry that only wakes a consumer. */
export const WAKE = { sideloop: 'wake' };
