// Whether a consumer says how it is, and why. A failure here is one that calls itself healthy on a server that refuses it, or
// names a reason that is none.

import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Consumer, type ConsumerHealth, type ConsumerOptions } from '../../lib/lease/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();
const QUICK = { reconnectMinDelay: 5, reconnectMaxDelay: 20 };

/** What it says of its health, and of the codes of what went wrong. */
function listen(consumer: Consumer): { health: ConsumerHealth[]; codes: string[] } {
  const told = { health: [] as ConsumerHealth[], codes: [] as string[] };
  consumer.on('health', (health) => told.health.push(health));
  consumer.on('error', (error) => told.codes.push((error as { code?: string }).code ?? ''));
  return told;
}

const others: (() => Promise<void>)[] = [];

/** One with a client of its own. Reads and renewals of jobs have 30 s, so that no lease has to do with what it says. */
function consumerOf(redis: RedisOptions, options: Partial<ConsumerOptions> = {}): Consumer {
  const loop = new EventLoop();
  const client = new Redis({ loop, ...QUICK, ...redis });
  const consumer = new Consumer(client, { stream: 'jobs', group: 'g', ...options });
  others.push(async () => {
    await consumer.close({ deadlineMs: 0 });
    await loop.stop();
  });
  return consumer;
}

afterEach(async () => {
  await Promise.all(others.splice(0).map((end) => end()));
});

describe('a server that refuses', () => {
  test.each([
    [
      'a stream of the wrong type',
      'WRONGTYPE',
      () => side.redis.set('jobs', 'a string'),
      () => side.redis.del('jobs'),
    ],
    [
      'to write, as it has become a replica',
      'READONLY',
      () => side.redis.call('REPLICAOF', '127.0.0.1', '1'),
      () => side.redis.call('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'XGROUP to this user',
      'NOPERM',
      () => side.redis.call('ACL', 'SETUSER', 'default', '-xgroup'),
      () => side.redis.call('ACL', 'SETUSER', 'default', '+xgroup'),
    ],
    [
      'XREADGROUP to this user',
      'NOPERM',
      () => side.redis.call('ACL', 'SETUSER', 'default', '-xreadgroup'),
      () => side.redis.call('ACL', 'SETUSER', 'default', '+xreadgroup'),
    ],
    [
      'the key to this user',
      'NOPERM',
      () => side.redis.call('ACL', 'SETUSER', 'default', 'resetkeys', '~other'),
      () => side.redis.call('ACL', 'SETUSER', 'default', 'allkeys'),
    ],
  ])('%s: the reason says so, until it does not any more', async (_, word, refuse, allow) => {
    await refuse();
    const consumer = side.consumer();
    const told = listen(consumer);
    const run = consumer.run(() => {});
    await expect.poll(() => consumer.health).toMatchObject({ healthy: false });
    expect(consumer.health.reason).toMatch(new RegExp(`^${word} `));
    expect(told.codes).toContain(`ERR_SIDELOOP_REDIS_${word}`);
    await allow();
    await expect.poll(() => consumer.health).toEqual({ healthy: true });
    expect(told.health).toEqual([
      { healthy: false, reason: expect.stringMatching(new RegExp(`^${word} `)) },
      { healthy: true },
    ]);
    await side.add(1);
    await expect.poll(() => consumer.stats().acked).toBe(1);
    await consumer.close();
    await run;
  });

  test('later, when it has read long since', async () => {
    const consumer = side.consumer({ leaseMs: 300 });
    const told = listen(consumer);
    consumer.run(() => {});
    await side.add(1);
    await expect.poll(() => consumer.stats().acked).toBe(1);
    expect(consumer.health).toEqual({ healthy: true });
    await side.redis.call('ACL', 'SETUSER', 'default', '-xreadgroup');
    await expect.poll(() => consumer.health.reason).toMatch(/^NOPERM /);
    await side.redis.call('ACL', 'SETUSER', 'default', '+xreadgroup');
    await expect.poll(() => consumer.health).toEqual({ healthy: true });
    expect(told.health).toHaveLength(2);
  });

  test('a password', async () => {
    await side.redis.call('ACL', 'SETUSER', 'other', 'on', '>right', '+@all', 'allkeys');
    const consumer = consumerOf({ port: side.server.port, username: 'other', password: 'wrong' });
    consumer.run(() => {});
    await expect.poll(() => consumer.health.reason).toMatch(/^WRONGPASS /);
  });

  test('two things, one after the other: the reason is the one that holds', async () => {
    await side.redis.set('jobs', 'a string');
    const consumer = side.consumer();
    const told = listen(consumer);
    consumer.run(() => {});
    await expect.poll(() => consumer.health.reason).toMatch(/^WRONGTYPE /);
    await side.redis.call('ACL', 'SETUSER', 'default', '-xgroup');
    await expect.poll(() => consumer.health.reason).toMatch(/^NOPERM /);
    await side.redis.call('ACL', 'SETUSER', 'default', '+xgroup');
    await side.redis.del('jobs');
    await expect.poll(() => consumer.health).toEqual({ healthy: true });
    expect(told.health.map(({ reason }) => reason?.split(' ')[0])).toEqual(
      // The first reason comes back while the second is gone and the key is not.
      expect.arrayContaining(['WRONGTYPE', 'NOPERM', undefined]),
    );
  });
});

describe('what its work needs is forbidden', () => {
  const acl = (rules: string[]) => side.redis.call('ACL', 'SETUSER', 'default', ...rules);
  const SCRIPT = "The user executing the script can't|ACL failure in script";

  test.each([
    ['EVAL', ['-eval'], "^NOPERM .*'eval' command"],
    ['all scripts', ['-@scripting'], "^NOPERM .*'eval' command"],
    ['XCLAIM', ['-xclaim'], SCRIPT],
    ['XPENDING', ['-xpending'], SCRIPT],
    ['XACK', ['-xack'], SCRIPT],
    ['TIME', ['-time'], SCRIPT],
  ])('%s: it says so, and tells it once, until it may again', async (_, rules, words) => {
    onTestFinished(async () => {
      await side.server.cli('ACL', 'SETUSER', 'default', '+@all');
    });
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 600, renewEveryMs: 20, recoverEveryMs: 20 });
    const errors: string[] = [];
    consumer.on('error', (error) => errors.push(error.message));
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    consumer.run(() => finished);
    await expect.poll(() => consumer.stats().delivered).toBe(1);
    await acl(rules);
    if (rules[0] !== '-xclaim') finish();
    await expect.poll(() => consumer.health.reason).toMatch(new RegExp(words));
    // What asks goes on asking.
    const calls = () => side.redis.call('INFO', 'errorstats').then(countOf);
    const before = await calls();
    await expect.poll(calls).toBeGreaterThan(before + 3);
    expect(errors.filter((message) => new RegExp(words).test(message))).toHaveLength(1);
    await acl(['+@all']);
    finish();
    await side.add(1);
    await expect.poll(() => consumer.health, { timeout: 5000 }).toEqual({ healthy: true });
    await expect.poll(() => consumer.stats().acked, { timeout: 5000 }).toBeGreaterThan(0);
  });
});

/** Errors that the server has counted. */
function countOf(stats: string): number {
  const counts = [...stats.matchAll(/errorstat_\w+:count=(\d+)/g)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('a server that is not there', () => {
  test('from the start: the reason is what connecting meets', async () => {
    const consumer = consumerOf({ port: 1 });
    const told = listen(consumer);
    consumer.run(() => {});
    await expect.poll(() => told.codes.length).toBeGreaterThan(3);
    expect(consumer.health).toEqual({
      healthy: false,
      reason: expect.stringContaining('connection refused'),
    });
  });

  test('any more: it is unhealthy long before a lease is over, and well when it is back', async () => {
    const first = await startRedisServer();
    const { port } = first;
    const consumer = consumerOf({ port });
    const told = listen(consumer);
    consumer.run(() => {});
    await expect.poll(() => consumer.stats().reads).toBeGreaterThan(0);
    await first.stop();
    await expect.poll(() => consumer.health.reason).toContain('connection refused');
    expect(told.codes.length).toBeGreaterThan(0);
    const second = await startRedisServer({ port });
    others.push(() => second.stop());
    await expect.poll(() => consumer.health).toEqual({ healthy: true });
  });

  test('of one partition of two: the reason names the partition', async () => {
    const clients = {
      here: side.redis,
      gone: new Redis({ port: 1, loop: side.loop, ...QUICK }),
    };
    const options = { stream: 'jobs', group: 'g', partitions: ['here', 'gone'] };
    const consumer = new Consumer((name) => clients[name as keyof typeof clients], options);
    consumer.run(() => {});
    await expect.poll(() => consumer.health.reason).toMatch(/^gone: .*connection refused/);
    await consumer.close({ deadlineMs: 0 });
  });
});

test('a connection that is lost and there again makes nobody unhealthy', async () => {
  const consumer = side.consumer();
  const told = listen(consumer);
  consumer.run(() => {});
  for (let times = 0; times < 3; times++) {
    await expect.poll(() => side.waiting()).toBe(1);
    const [reader] = await side.connections('xreadgroup');
    await side.redis.call('CLIENT', 'KILL', 'ID', reader as string);
    await expect.poll(() => told.codes.length).toBe(times + 1);
  }
  await side.add(1);
  await expect.poll(() => consumer.stats().acked).toBe(1);
  expect(told.health).toEqual([]);
});

describe('a group that is gone', () => {
  test.each([
    ['by FLUSHALL', () => side.redis.flushall()],
    ['with its stream', () => side.redis.del('jobs')],
    ['by itself', () => side.redis.call('XGROUP', 'DESTROY', 'jobs', 'g')],
  ])('%s is made anew, and that is told', async (_, destroy) => {
    const consumer = side.consumer();
    const told = listen(consumer);
    let message = '';
    consumer.on('error', (error) => {
      message = error.message;
    });
    consumer.run(() => {});
    await side.add(1);
    await expect.poll(() => consumer.stats().acked).toBe(1);
    await expect.poll(() => side.waiting()).toBe(1);
    await destroy();
    await expect.poll(() => told.codes).toEqual(['ERR_SIDELOOP_GROUP_LOST']);
    expect(message).toMatch(/'g' of 'jobs' .* made anew at 0:/);
    await side.add(1);
    await expect.poll(() => consumer.stats().acked).toBeGreaterThan(1);
    expect(told.health).toEqual([]);
  });

  test('because nobody has made it yet is no loss', async () => {
    const consumer = side.consumer();
    const told = listen(consumer);
    const taken = take(consumer, 1);
    await side.add(1);
    await taken;
    expect(told.codes).toEqual([]);
  });
});
