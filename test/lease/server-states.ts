// States in which a real server says "not now": how a test brings one about, and ends it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Redis } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

/** A server that can be brought into each state. `control` is a client of it that nobody else uses. */
export class StatefulServer implements AsyncDisposable {
  private constructor(
    private running: RedisServer,
    readonly folder: string,
  ) {}

  static async start(): Promise<StatefulServer> {
    const folder = await mkdtemp(join(tmpdir(), 'sideloop-states-'));
    return new StatefulServer(await startRedisServer({ args: argsOf(folder) }), folder);
  }

  get port(): number {
    return this.running.port;
  }

  cli(...args: string[]): Promise<string> {
    return this.running.cli(...args);
  }

  /** It is up again at once, and loads for a second or more. Resolves when it loads; `over` when it has loaded. */
  async restart(): Promise<{ over: Promise<void> }> {
    await this.cli('EVAL', "for n = 1, 400 do redis.call('SET', 'filler:' .. n, n) end", '0');
    await this.cli('SAVE');
    const { port } = this;
    await this.running.stop();
    const slow = ['--key-load-delay', '3000', '--loading-process-events-interval-bytes', '1024'];
    const started = startRedisServer({ port, args: [...argsOf(this.folder), ...slow] });
    const over = started.then((server) => {
      this.running = server;
    });
    await expect.poll(() => this.answers(port), { timeout: 20_000 }).toMatch(/^LOADING/);
    return { over };
  }

  /** It loads its data anew, for a second or more, and keeps its connections. Resolves as restart() does. */
  async reload(): Promise<{ over: Promise<unknown> }> {
    await this.cli('EVAL', "for n = 1, 400 do redis.call('SET', 'filler:' .. n, n) end", '0');
    await this.cli('CONFIG', 'SET', 'key-load-delay', '3000');
    await this.cli('CONFIG', 'SET', 'loading-process-events-interval-bytes', '1024');
    const over = this.cli('DEBUG', 'RELOAD');
    await expect.poll(() => this.answers(this.port), { timeout: 20_000 }).toMatch(/^LOADING/);
    return { over };
  }

  /** What it says to a PING. */
  private answers(port: number): Promise<string> {
    return this.running.cli('-p', `${port}`, 'PING').catch(String);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function argsOf(folder: string): string[] {
  return ['--dir', folder, '--busy-reply-threshold', '1', '--enable-debug-command', 'yes'];
}

/** `enter` resolves when the server is in the state, `leave` when it is out of it. */
export interface ServerState {
  name: string;
  /** The first word of what it says; `INFO errorstats` counts it, but for what is said before hanging up. */
  says: string;
  enter(server: StatefulServer, control: Redis): Promise<() => Promise<unknown>>;
}

export const STATES: readonly ServerState[] = [
  {
    name: 'is busy with a script',
    says: 'BUSY',
    async enter(server) {
      const script = server.cli('EVAL', 'while true do end', '0').catch(() => {});
      await expect.poll(() => server.cli('PING').catch(String)).toMatch(/^BUSY/);
      return async () => {
        await server.cli('SCRIPT', 'KILL');
        await script;
      };
    },
  },
  {
    name: 'loads a data set',
    says: 'LOADING',
    async enter(server) {
      const { over } = await server.restart();
      return () => over;
    },
  },
  {
    name: 'has lost its master',
    says: 'MASTERDOWN',
    async enter(server, control) {
      await control.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
      await control.call('REPLICAOF', '127.0.0.1', '1');
      // A client whose commands wait for the master could not say so.
      return () => server.cli('REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'is a replica for a while',
    says: 'READONLY',
    async enter(_, control) {
      await control.call('REPLICAOF', '127.0.0.1', '1');
      return () => control.call('REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'has too few replicas',
    says: 'NOREPLICAS',
    async enter(_, control) {
      await control.call('CONFIG', 'SET', 'min-replicas-to-write', '1');
      return () => control.call('CONFIG', 'SET', 'min-replicas-to-write', '0');
    },
  },
  {
    name: 'is full',
    says: 'ERR',
    async enter(_, control) {
      await control.call('CONFIG', 'SET', 'maxclients', '1');
      for (const type of ['normal', 'pubsub']) {
        await control.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      }
      return () => control.call('CONFIG', 'SET', 'maxclients', '1000');
    },
  },
];
