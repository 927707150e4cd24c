// What the tests of consumers share: a server, a loop and a client for each test, and what they made, put away.

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Consumer, type ConsumerOptions, type Job } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../redis-server.js';

export class ConsumerSide {
  server!: RedisServer;
  loop!: EventLoop;
  redis!: Redis;
  #consumers: Consumer[] = [];

  /** `serverOptions` is asked for once, before the server starts. */
  constructor(serverOptions: () => Promise<RedisServerOptions> = async () => ({})) {
    beforeAll(async () => {
      this.server = await startRedisServer(await serverOptions());
    });
    afterAll(() => this.server.stop());
    beforeEach(async () => {
      this.loop = new EventLoop();
      this.redis = this.client();
      await this.redis.flushall();
    });
    afterEach(async () => {
      await Promise.all(
        this.#consumers.splice(0).map((consumer) => consumer.close({ deadlineMs: 0 })),
      );
      await this.loop.stop();
    });
  }

  client(): Redis {
    return new Redis({
      port: this.server.port,
      loop: this.loop,
      reconnectMinDelay: 5,
      reconnectMaxDelay: 20,
    });
  }

  /** One that has a failed job be tried again at once. `redis`: its way to the server. */
  consumer(options: Partial<ConsumerOptions> = {}, redis: Redis = this.redis): Consumer {
    const where = { stream: 'jobs', group: 'g', retryDelayMs: 0 };
    const consumer = new Consumer(redis, { ...where, ...options });
    this.#consumers.push(consumer);
    return consumer;
  }

  /** Adds `count` jobs to a stream, whose field `n` counts from 0. */
  async add(count: number, stream = 'jobs'): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, n) =>
      this.redis.call('XADD', stream, '*', 'n', `${n}`),
    );
    return Promise.all(ids);
  }

  /** `[id, owner, idle, deliveries]` of each entry that is pending. */
  async pending(stream = 'jobs'): Promise<[string, string, number, number][]> {
    return this.redis.call('XPENDING', stream, 'g', '-', '+', 10_000);
  }

  async pendingCount(stream = 'jobs'): Promise<number> {
    return (await this.redis.call('XPENDING', stream, 'g'))[0];
  }

  /** The ids of the server's connections that have sent this command last. */
  async connections(command: string): Promise<string[]> {
    const lines = (await this.redis.call('CLIENT', 'LIST')).split('\n') as string[];
    return lines
      .filter((line) => line.includes(` cmd=${command} `))
      .map((line) => /id=(\d+)/.exec(line)?.[1] as string);
  }

  /** How many connections wait at the server. */
  async waiting(): Promise<number> {
    const lines = (await this.redis.call('CLIENT', 'LIST')).split('\n') as string[];
    return lines.filter((line) => / flags=\w*b/.test(line)).length;
  }

  /** Calls of a command that the server has counted. */
  async calls(command: string): Promise<number> {
    const stats = await this.redis.call('INFO', 'commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }
}

/** The next `count` jobs. */
export async function take(consumer: Consumer, count: number): Promise<Job[]> {
  const iterator = consumer[Symbol.asyncIterator]();
  const jobs: Job[] = [];
  while (jobs.length < count) {
    const { value } = await iterator.next();
    if (value === undefined) throw new Error('the consumer was closed');
    jobs.push(value);
  }
  return jobs;
}

/** Resolves with the reason for which the job's lease ends. */
export function endOf(job: Job): Promise<unknown> {
  return new Promise((resolve) => {
    const { signal } = job;
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
