// What the tests of leases ask a server, and a lease.

import type { Lease } from '../../lib/lease/index.js';
import type { RedisServer } from '../redis-server.js';

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
): Promise<void> {
  while (!holds(await server.cli(...command))) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
