// What a client holds back, and how much it does in one turn. A failure here is a process that runs
// out of memory under load, or a thread that no timer gets through to.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import type { RedisOptions } from '../../lib/redis/index.js';
import { blockThreadUntil } from '../block-thread.js';
import { labOfTests } from '../support/lab.js';
import { FakeServer } from './fake-server.js';

const FULL = { code: 'ERR_SIDELOOP_REDIS_FULL', mayHaveRun: false };

const lab = labOfTests();

const client = (options?: RedisOptions) => lab.client(options);

describe('maxPendingCommands', () => {
  test('rejects what is beyond it, and takes more when there is room', async () => {
    const redis = client({ maxPendingCommands: 3 });
    const within = [redis.echo(1), redis.echo(2), redis.call('ECHO', 3)];
    await expect(redis.echo(4)).rejects.toMatchObject({
      ...FULL,
      command: 'ECHO',
      message: expect.stringContaining('3 commands'),
    });
    expect(await redis.pipeline().echo(5).exec()).toEqual([
      [expect.objectContaining(FULL), undefined],
    ]);
    expect(await Promise.all(within)).toEqual(['1', '2', '3']);
    expect(await redis.echo(6)).toBe('6');
  });

  test('has the rest wait, in order, if asked to', async () => {
    const redis = client({ maxPendingCommands: 5, whenFull: 'wait' });
    const pushes: Promise<number>[] = [];
    let most = 0;
    for (let i = 0; i < 3000; i++) {
      pushes.push(redis.rpush('waited', i));
      most = Math.max(most, redis.stats().inFlight);
    }
    expect(redis.stats().pending).toBe(3000);
    expect(await Promise.all(pushes)).toEqual(pushes.map((_, i) => i + 1));
    expect(redis.stats().peakInFlight).toBeLessThanOrEqual(5);
    expect(await redis.lrange('waited', 0, -1)).toEqual(pushes.map((_, i) => `${i}`));
  });

  test('counts what waits as sent before quit()', async () => {
    const redis = client({ maxPendingCommands: 2, whenFull: 'wait' });
    const echoes = [1, 2, 3, 4].map((i) => redis.echo(i));
    const quit = redis.quit();
    expect(await Promise.allSettled(echoes)).toEqual(
      ['1', '2', '3', '4'].map((value) => ({ status: 'fulfilled', value })),
    );
    expect(await quit).toBe('OK');
  });

  test('keeps waiting arguments as they were when the command was called', async () => {
    const redis = client({ maxPendingCommands: 1, whenFull: 'wait' });
    const args = ['ECHO', 'mine'] as [string, string];
    const first = redis.ping();
    const waiting = redis.call(...args);
    args[1] = 'changed';
    expect(await first).toBe('PONG');
    expect(await waiting).toBe('mine');
  });
});

describe('maxPendingBytes', () => {
  const KIB = 'x'.repeat(1024);

  test('rejects what is beyond it', async () => {
    const redis = client({ maxPendingBytes: 10 * 1024 });
    const within = Array.from({ length: 9 }, (_, i) => redis.set(`b${i}`, Buffer.from(KIB)));
    await expect(redis.set('b10', KIB)).rejects.toMatchObject(FULL);
    expect(await redis.echo('small')).toBe('small');
    expect(await Promise.all(within)).toEqual(within.map(() => 'OK'));
    expect(await redis.set('b10', KIB)).toBe('OK');
  });

  test('has the rest wait, and rejects what could never be sent', async () => {
    const redis = client({ maxPendingBytes: 4 * 1024, whenFull: 'wait' });
    const sets = Array.from({ length: 100 }, (_, i) => redis.set(`w${i}`, KIB));
    await expect(redis.set('w', KIB.repeat(5))).rejects.toMatchObject(FULL);
    expect(await Promise.all(sets)).toEqual(sets.map(() => 'OK'));
  });
});

test('a mailbox without room rejects what was not sent, with its own code', async () => {
  await using small = new EventLoop({ mailboxCapacity: 1 });
  const redis = client({ loop: small });
  await redis.connect();
  const failed: unknown[] = [];
  // A long turn goes out in many submissions. Sooner or later the loop thread is late for one.
  while (failed.length === 0) {
    const echoes = Array.from({ length: 20_000 }, () => redis.echo('x'.repeat(50)));
    for (const result of await Promise.allSettled(echoes)) {
      if (result.status === 'rejected') failed.push(result.reason);
    }
  }
  const refused = { code: 'ERR_SIDELOOP_MAILBOX_FULL', command: 'ECHO', mayHaveRun: false };
  for (const error of failed) expect(error).toMatchObject(refused);
  expect(await redis.ping()).toBe('PONG');
});

describe('one turn', () => {
  const MOST_SETTLED = 2048;
  const COMMANDS = 50_000;

  /** How many of `count` promises settle in each turn, until all have. */
  async function settledByTurn(promises: Promise<unknown>[]): Promise<number[]> {
    let settled = 0;
    const note = () => {
      settled++;
    };
    for (const promise of promises) promise.then(note, note);
    const turns: number[] = [];
    for (let before = 0; before < promises.length; before = settled) {
      await nextTurn();
      turns.push(settled - before);
    }
    return turns;
  }

  test('settles a bounded number of replies, however many wait', async () => {
    const redis = client();
    await redis.set('k', 'v');
    const gets = Array.from({ length: COMMANDS }, () => redis.get('k'));
    await new Promise((resolve) => process.nextTick(resolve));
    // All replies are there before this thread looks for the first.
    blockThreadUntil(() => redis.stats().replies === COMMANDS + 1);
    const turns = await settledByTurn(gets);
    expect(Math.max(...turns)).toBeLessThanOrEqual(MOST_SETTLED);
    expect(await Promise.all(gets)).toEqual(gets.map(() => 'v'));
  });

  // More arrives while a turn is under way, and the turn's last reply is the last of all that it had
  // taken: whoever looks at one of the two only never comes back.
  test('is followed by another where more arrived meanwhile', async () => {
    const slow = { reply: '+slow\r\n', afterMs: 500 };
    await using fake = await FakeServer.start({ GET: '+quick\r\n', SLOW: slow });
    const redis = client({ port: fake.port });
    await redis.connect();
    const first = Array.from({ length: 2 * MOST_SETTLED }, () => redis.get('k'));
    const rest = Array.from({ length: 100 }, () => redis.call('SLOW'));
    const replied = (count: number) => () => redis.stats().replies >= count;
    first[0]?.then(() => blockThreadUntil(replied(first.length + rest.length)));
    await new Promise((resolve) => process.nextTick(resolve));
    blockThreadUntil(replied(first.length));
    expect(new Set(await Promise.all(first))).toEqual(new Set(['quick']));
    expect(new Set(await Promise.all(rest))).toEqual(new Set(['slow']));
  });

  test('settles a bounded number of failures', async () => {
    await using fake = await FakeServer.start();
    const redis = client({ port: fake.port, reconnect: false });
    const gets = Array.from({ length: COMMANDS }, (_, i) => redis.get(`${i}`));
    for (const get of gets) get.catch(() => {});
    await redis.connect().catch(() => {});
    redis.disconnect();
    blockThreadUntil(() => redis.stats().failed === COMMANDS);
    expect(Math.max(...(await settledByTurn(gets)))).toBeLessThanOrEqual(MOST_SETTLED);
  });

  test('sends all its commands in few writes', async () => {
    const redis = client();
    await redis.ping();
    const { writes } = redis.stats();
    await Promise.all(Array.from({ length: 500 }, () => redis.get('k')));
    expect(redis.stats().writes - writes).toBeLessThanOrEqual(2);
  });
});

test('a reply does not wait for those behind it', async () => {
  await using fake = await FakeServer.start({ GET: '+quick\r\n' });
  const redis = client({ port: fake.port });
  const quick = redis.get('k');
  const slow = redis.call('SLOW');
  expect(await quick).toBe('quick');
  await fake.write(await fake.received('SLOW'), '+slow\r\n');
  expect(await slow).toBe('slow');
});
