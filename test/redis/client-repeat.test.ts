// Commands that the loop thread repeats by itself. A failure here is a heartbeat that stops when JS is busy, one that
// nobody can stop, or one whose end nobody hears of.

import { readdirSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Redis, type RepeatOptions } from '../../lib/redis/index.js';
import { blockThreadUntil } from '../block-thread.js';
import { startRedisServer } from '../redis-server.js';
import { labOfTests } from '../support/lab.js';

const lab = labOfTests();
let redis: Redis;
beforeEach(async () => {
  redis = lab.client();
  await redis.flushall();
});

describe('a recurring command', () => {
  test('recurs while this thread is blocked', async () => {
    const beat = redis.repeat(['INCR', 'beats'], { everyMs: 2, count: 20 });
    // No turn passes on this thread: what is seen here is done by the loop thread alone.
    blockThreadUntil(() => beat.stats().ok === 20);
    expect(await beat.ended).toEqual({ reason: 'count' });
    expect(await redis.get('beats')).toBe('20');
  });

  test('sends every argument as it is', async () => {
    const bytes = Buffer.from([0, 255, 13, 10]);
    await redis.repeat(['RPUSH', 'list', 'grüß', 7, bytes], { everyMs: 1, count: 1 }).ended;
    expect(await redis.callBuffer('LRANGE', 'list', 0, -1)).toEqual([
      Buffer.from('grüß'),
      Buffer.from('7'),
      bytes,
    ]);
  });

  test('counts every run once', async () => {
    await redis.set('text', 'no number');
    const wrong = redis.repeat(['INCR', 'text'], { everyMs: 1, count: 5 });
    expect(await wrong.ended).toEqual({ reason: 'count' });
    const { sent, ok, failed, late, jitter } = wrong.stats();
    expect({ sent, ok, failed, late }).toEqual({ sent: 5, ok: 0, failed: 5, late: 0 });
    expect(jitter.count).toBe(5);
  });

  test('ends at the first error where it shall', async () => {
    await redis.set('text', 'no number');
    const wrong = redis.repeat(['INCR', 'text'], { everyMs: 1, endOnError: true });
    expect(await wrong.ended).toMatchObject({
      reason: 'error',
      error: { code: 'ERR_SIDELOOP_REDIS_REPLY', message: expect.stringContaining('integer') },
    });
    expect(wrong.stats().sent).toBe(1);
  });

  test('ends when its time is over', async () => {
    const beat = redis.repeat(['PING'], { everyMs: 5, firstAfterMs: 0, forMs: 22 });
    expect(await beat.ended).toEqual({ reason: 'time' });
    const { sent, skipped } = beat.stats();
    expect(sent + skipped).toBe(5);
  });

  test('counts a run without an answer as late, and goes on', async () => {
    process.kill(lab.server.pid, 'SIGSTOP');
    try {
      const beat = redis.repeat(['PING'], {
        everyMs: 30,
        firstAfterMs: 0,
        timeoutMs: 10,
        count: 2,
      });
      expect(await beat.ended).toEqual({ reason: 'count' });
      expect(beat.stats()).toMatchObject({ ok: 0, late: 2 });
    } finally {
      process.kill(lab.server.pid, 'SIGCONT');
    }
    // The late answers are nobody else's.
    expect(await redis.set('k', 'v')).toBe('OK');
  });

  test.runIf(process.platform === 'linux')('takes no descriptor of its own', async () => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await redis.repeat(['PING'], { everyMs: 1, count: 1 }).ended;
    const before = openFiles();
    const beats = Array.from({ length: 1000 }, (_, n) =>
      redis.repeat(['INCR', `beat:${n}`], { everyMs: 60_000, firstAfterMs: 0 }),
    );
    blockThreadUntil(() => beats.every((beat) => beat.stats().ok === 1));
    expect(openFiles()).toBeLessThan(before + 20);
    for (const beat of beats) beat.stop();
    expect(
      new Set((await Promise.all(beats.map((beat) => beat.ended))).map((e) => e.reason)),
    ).toEqual(new Set(['stopped']));
    expect(await redis.mget(...beats.map((_, n) => `beat:${n}`))).toEqual(beats.map(() => '1'));
  });
});

describe('the end of a recurring command', () => {
  const forever: RepeatOptions = { everyMs: 5 };

  test('comes by stop(), which may be called again', async () => {
    const beat = redis.repeat(['PING'], forever);
    beat.stop();
    beat.stop();
    expect(await beat.ended).toEqual({ reason: 'stopped' });
    beat.stop();
    expect(beat.hasRef()).toBe(false);
  });

  test('comes with the block that declared it', async () => {
    let ended: Promise<unknown>;
    {
      using beat = redis.repeat(['PING'], forever);
      ended = beat.ended;
    }
    expect(await ended).toEqual({ reason: 'stopped' });
  });

  test('comes by its signal', async () => {
    const controller = new AbortController();
    const beat = redis.repeat(['PING'], { ...forever, signal: controller.signal });
    controller.abort();
    expect(await beat.ended).toEqual({ reason: 'stopped' });
    expect(() => redis.repeat(['PING'], { ...forever, signal: controller.signal })).toThrow(
      expect.objectContaining({ name: 'AbortError', code: 'ABORT_ERR' }),
    );
  });

  test('comes by quit(), and before it nothing is lost', async () => {
    const beat = redis.repeat(['PING'], forever);
    const reply = redis.set('k', 'v');
    await redis.quit();
    expect(await reply).toBe('OK');
    expect(await beat.ended).toEqual({ reason: 'stopped' });
    expect(() => redis.repeat(['PING'], forever)).toThrow(
      expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_CLOSED' }),
    );
  });

  test('comes by disconnect()', async () => {
    const beat = redis.repeat(['PING'], forever);
    redis.disconnect();
    expect((await beat.ended).reason).toBe('stopped');
  });

  test('comes with the connection', async () => {
    await using gone = await startRedisServer();
    const lost = new Redis(gone.url, { loop: lab.loop, reconnect: false });
    await lost.ping();
    const beat = lost.repeat(['PING'], forever);
    await gone.stop();
    expect((await beat.ended).reason).toBe('connection');
  });

  test.each(['stop', 'destroy'] as const)('comes with the loop, by %s()', async (how) => {
    await redis.ping();
    const beat = redis.repeat(['PING'], forever);
    await lab.loop[how]();
    expect((await beat.ended).reason).toMatch(/^(?:loop|connection)$/);
    expect(() => redis.repeat(['PING'], forever)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/_(?:STOPPED|CLOSED)$/) }),
    );
  });

  test('of one client leaves those of others on the connection alone', async () => {
    const other = Redis.attach(redis.handle);
    const mine = redis.repeat(['INCR', 'mine'], { everyMs: 2 });
    const theirs = other.repeat(['INCR', 'theirs'], { everyMs: 2, count: 30 });
    await redis.quit();
    expect(await mine.ended).toEqual({ reason: 'stopped' });
    expect(await theirs.ended).toEqual({ reason: 'count' });
    expect(await other.get('theirs')).toBe('30');
  });
});

describe('repeat() refuses', () => {
  test.each<[string, unknown, unknown]>([
    ['no period', ['PING'], {}],
    ['no options', ['PING'], undefined],
    ['a period of 0', ['PING'], { everyMs: 0 }],
    ['half a millisecond', ['PING'], { everyMs: 1.5 }],
    ['a count of 0', ['PING'], { everyMs: 1, count: 0 }],
    ['a timeout of 0', ['PING'], { everyMs: 1, timeoutMs: 0 }],
    ['a negative forMs', ['PING'], { everyMs: 1, forMs: -1 }],
    ['a text for a command', 'PING', { everyMs: 1 }],
    ['a command without a name', [], { everyMs: 1 }],
    ['an argument that is none', ['SET', 'k', {}], { everyMs: 1 }],
  ])('%s', (_what, command, options) => {
    expect(() => redis.repeat(command as ['PING'], options as RepeatOptions)).toThrow(
      expect.objectContaining({ name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' }),
    );
  });

  test('what would change the connection under others', () => {
    expect(() => redis.repeat(['SUBSCRIBE', 'news'], { everyMs: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' }),
    );
  });

  test('a command that waits, on a connection that others use too', () => {
    expect(redis.handle).toBeTypeOf('string');
    expect(() => redis.repeat(['BLPOP', 'list', 0], { everyMs: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' }),
    );
  });
});
