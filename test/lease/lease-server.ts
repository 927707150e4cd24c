// What the tests of leases ask a server, and a lease.

import { expect, vi } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { type AcquireOptions, acquire, type Lease, LeaseError } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

/** A server and two clients, for one test alone. */
export interface Lab {
  server: RedisServer;
  one: Redis;
  two: Redis;
  waiting(redis: Redis, place: number, options?: Partial<AcquireOptions>): Promise<Waiting>;
  stop(): Promise<void>;
}

/** Starts one, which belongs to the list from then on. */
export async function startLabIn(labs: Lab[]): Promise<Lab> {
  const server = await startRedisServer();
  const loop = new EventLoop();
  const lab: Lab = {
    server,
    one: new Redis(server.url, { loop, connectionName: 'one' }),
    two: new Redis(server.url, { loop, connectionName: 'two' }),
    waiting: (redis, place, options) => waitingAt(server, redis, place, options),
    stop() {
      loop.destroy();
      return server.stop();
    },
  };
  labs.push(lab);
  return lab;
}

/** What a promise would unwrap. */
export interface Waiting {
  lease: Promise<Lease>;
}

/** Acquires 'job' and waits for it; resolves when the server has it in the queue, at that place. */
export async function waitingAt(
  server: RedisServer,
  redis: Redis,
  place: number,
  options: Partial<AcquireOptions> = {},
): Promise<Waiting> {
  const lease = acquire(redis, 'job', { ttlMs: 20_000, wait: true, ...options });
  lease.catch(() => {});
  await until(server, ['ZCARD', '{job}:queue'], (answer) => Number(answer) > place);
  return { lease };
}

/** How often the server was given a command. */
export async function commandCalls(server: RedisServer, name: string): Promise<number> {
  const stats = await server.cli('INFO', 'commandstats');
  return Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

/** Resolves when the lease is over. */
export function ended(lease: Lease): Promise<void> {
  return new Promise((resolve) => {
    if (lease.signal.aborted) resolve();
    else lease.signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Why it ended, and how long that took by the loop thread's clock. */
export async function endOf(lease: Lease, since: number): Promise<[reason: string, ms: number]> {
  await ended(lease);
  const error = lease.signal.reason as LeaseError;
  expect(error).toBeInstanceOf(LeaseError);
  expect(error.code).toBe('ERR_SIDELOOP_LEASE_ENDED');
  expect(lease.validForMs()).toBeLessThanOrEqual(0);
  return [error.reason, error.endedAt - since];
}

/** Ends the connections that have this name at the server. Resolves with how many there were. */
export async function killClients(server: RedisServer, name: string): Promise<number> {
  const list = await server.cli('CLIENT', 'LIST');
  const ids = list
    .split('\n')
    .filter((line) => line.includes(` name=${name} `))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] as string);
  for (const id of ids) await server.cli('CLIENT', 'KILL', 'ID', id);
  return ids.length;
}

/** Resolves once the server's answer to a command is as it should be: for what announces itself nowhere. */
export async function until(
  server: RedisServer,
  command: readonly string[],
  holds: (answer: string) => boolean,
  everyMs = 2,
): Promise<void> {
  // The test's own time is the bound: what it waits for may be the end of a lease.
  const bound = { interval: everyMs, timeout: 60_000 };
  await vi.waitFor(async () => expect(holds(await server.cli(...command))).toBe(true), bound);
}
