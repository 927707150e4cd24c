// Reads that take over what others have let run out, as Redis 8.4 has them. No such server is needed: a scripted one says
// what it would. A failure here means that such a job is begun before it is known whether it is to be tried again; or that
// nobody takes over any more; or that a server is sent what it does not know.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Consumer, type ConsumerOptions, type Job } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import {
  ClaimServer,
  type ClaimServerOptions,
  entries,
  idsOf,
  NOTHING,
  sifted,
} from './claim-server.js';

let loop: EventLoop;
let server: ClaimServer | undefined;
let consumer: Consumer | undefined;

beforeEach(() => {
  loop = new EventLoop();
});

afterEach(async () => {
  await consumer?.close({ deadlineMs: 0 });
  await loop.stop();
  await server?.[Symbol.asyncDispose]();
  consumer = server = undefined;
});

/** A consumer that has been asked for a job, and its server. */
async function start(options: Partial<ConsumerOptions> = {}, of: ClaimServerOptions = {}) {
  server = await ClaimServer.start(of);
  const redis = new Redis({ port: server.port, loop, reconnectMinDelay: 5, reconnectMaxDelay: 20 });
  consumer = new Consumer(redis, { stream: 'jobs', group: 'g', name: 'me', ...options });
  const jobs = consumer[Symbol.asyncIterator]();
  const next = async () => (await jobs.next()).value as Job;
  return { server, consumer, next, first: next() };
}

describe('with Redis 8.4', () => {
  test('a read takes over what has been idle for a lease', async () => {
    const { server, first } = await start({ leaseMs: 5000, concurrency: 3, prefetch: 1 });
    const read = await server.nth('read');
    expect(read.args).toEqual(
      'XREADGROUP GROUP g me COUNT 4 BLOCK 1666 CLAIM 5000 STREAMS jobs >'.split(' '),
    );
    read.answer(entries(['1-0', ['n', '0'], 0, 0]));
    expect(await first).toMatchObject({ id: '1-0', attempt: 1 });
    expect(server.all('sift')).toEqual([]);
  });

  test('what it takes over is begun when it was sifted, and not before', async () => {
    const options = { concurrency: 2, maxAttempts: 7, deadLetter: 'dead', deleteAcked: true };
    const { server, consumer, first, next } = await start(options);
    const read = await server.nth('read');
    read.answer(entries(['1-0', ['n', 'old'], 40_000, 2], ['2-0', ['n', 'new'], 0, 0]));
    const sift = await server.nth('sift');
    expect(sift.args.slice(2, 10)).toEqual([
      '3',
      'jobs',
      '{jobs}:g:history',
      'dead',
      'g',
      'me',
      '1',
      '7',
    ]);
    expect(idsOf(sift.args)).toEqual([['1-0', '3']]);
    // The new one does not wait for it.
    expect(await first).toMatchObject({ id: '2-0', attempt: 1 });
    expect(consumer.stats()).toMatchObject({ delivered: 1, held: 2, recovered: 0 });
    sift.answer(sifted([1]));
    const job = await next();
    expect(job).toMatchObject({ id: '1-0', attempt: 3, token: 3, fields: { n: 'old' } });
    expect(job.validForMs()).toBeGreaterThan(0);
    expect(consumer.stats()).toMatchObject({ delivered: 2, recovered: 1 });
    await job.ack();
    expect(idsOf((await server.nth('ack')).args)).toEqual([['1-0', '3']]);
  });

  test.each([
    ['0: another has it', 0, { unconfirmed: 1, dead: 0 }],
    ['2: it is a dead letter', 2, { unconfirmed: 0, dead: 1 }],
  ])(
    'what the sift says is not to be tried is dropped, and makes room: %s',
    async (_, result, stats) => {
      const { server, consumer, first } = await start({ concurrency: 1, prefetch: 0 });
      const dead: unknown[] = [];
      consumer.on('dead', ({ job, attempt }) => dead.push([job.id, job.fields, attempt]));
      (await server.nth('read')).answer(entries(['1-0', ['n', '0'], 40_000, 5]));
      (await server.nth('sift')).answer(sifted([result]));
      const read = await server.nth('read', 2);
      expect(consumer.stats()).toMatchObject({ delivered: 0, recovered: 0, held: 0, ...stats });
      read.answer(entries(['2-0', ['n', '1'], 0, 0]));
      expect(await first).toMatchObject({ id: '2-0' });
      // Of the attempts that were made: the delivery that found it is none.
      expect(dead).toEqual(result === 2 ? [['1-0', { n: '0' }, 5]] : []);
    },
  );

  test('one that is pending and gone from the stream is forgotten', async () => {
    const { server, consumer } = await start({ concurrency: 2, prefetch: 0 });
    (await server.nth('read')).answer(entries(['1-0', null, 40_000, 1], ['2-0', null, 40_000, 0]));
    const sift = await server.nth('sift');
    expect(idsOf(sift.args)).toEqual([
      ['1-0', '2'],
      ['2-0', '1'],
    ]);
    sift.answer(sifted([0, 0]));
    await server.nth('read', 2);
    expect(consumer.stats()).toMatchObject({ delivered: 0, held: 0 });
  });

  test('a marker is no job, however often it was delivered', async () => {
    const { server, consumer } = await start();
    (await server.nth('read')).answer(entries(['1-0', ['sideloop', 'wake'], 40_000, 3]));
    expect((await server.nth('XACK')).args).toEqual(['XACK', 'jobs', 'g', '1-0']);
    expect((await server.nth('XDEL')).args).toEqual(['XDEL', 'jobs', '1-0']);
    await server.nth('read', 2);
    expect(server.all('sift')).toEqual([]);
    expect(consumer.stats()).toMatchObject({ delivered: 0, held: 0 });
  });

  test('what the sift complains of is said', async () => {
    const { server, consumer } = await start({ concurrency: 1, prefetch: 0 });
    const error = new Promise((resolve) => consumer.once('error', resolve));
    (await server.nth('read')).answer(entries(['1-0', ['n', '0'], 40_000, 5]));
    (await server.nth('sift')).answer(sifted([0], 'WRONGTYPE no stream of dead letters'));
    expect(await error).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
    await server.nth('read', 2);
  });

  test('a sift without an answer is asked again, on the next connection', async () => {
    const { server, first } = await start();
    (await server.nth('read')).answer(entries(['1-0', ['n', '0'], 40_000, 1]));
    server.drop((await server.nth('sift')).connection);
    const again = await server.nth('sift', 2);
    expect(idsOf(again.args)).toEqual([['1-0', '2']]);
    again.answer(sifted([1]));
    expect(await first).toMatchObject({ id: '1-0', attempt: 2 });
  });

  test('a sift that the server refuses is said, and asked again', async () => {
    const { server, consumer, first } = await start({ recoverEveryMs: 30 });
    const error = new Promise((resolve) => consumer.once('error', resolve));
    (await server.nth('read')).answer(entries(['1-0', ['n', '0'], 40_000, 1]));
    (await server.nth('sift')).answer('-BUSY running a script\r\n');
    expect(await error).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_BUSY' });
    (await server.nth('sift', 2)).answer(sifted([1]));
    expect(await first).toMatchObject({ id: '1-0', attempt: 2 });
  });

  test('what was not sifted when it closes is handed back, and was no attempt', async () => {
    const { server, consumer } = await start();
    (await server.nth('read')).answer(entries(['1-0', ['n', '0'], 40_000, 2]));
    const sift = await server.nth('sift');
    const closed = consumer.close({ deadlineMs: 60_000 });
    const back = await server.nth('handBack');
    expect(back.args.slice(-3)).toEqual(['1-0', '3', '2']);
    sift.answer(sifted([1]));
    await closed;
    expect(consumer.stats()).toMatchObject({ delivered: 0, held: 0 });
  });

  test('no script looks for what others let go, and no read is interrupted for it', async () => {
    const { server, consumer } = await start({ recoverEveryMs: 20 });
    const reads = server.nth('read');
    // What is due now and then is done all the same.
    await server.nth('clean');
    const movers = () => server.all('other').filter(({ args }) => args[0] === 'EVAL').length;
    await expect.poll(movers).toBeGreaterThan(4);
    expect(server.all('recover')).toEqual([]);
    expect(server.all('CLIENT').filter(({ args }) => args[1] === 'UNBLOCK')).toEqual([]);
    (await reads).answer(NOTHING);
    await server.nth('read', 2);
    expect(server.all('recover')).toEqual([]);
    expect(consumer.health).toEqual({ healthy: true });
  });
});

describe('with another server', () => {
  test.each([
    ['Redis 7.0', 'redis_version:7.0.15\r\n'],
    ['Redis 8.2', 'redis_version:8.2.10\r\n'],
    ['Valkey', 'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.0\r\n'],
    ['a Valkey that calls itself newer', 'redis_version:8.4.0\r\nvalkey_version:9.9.0\r\n'],
    ['one that does not say', 'nothing\r\n'],
    ['one that says nonsense', 'redis_version:'],
    ['one that must not be asked', '-NOPERM this user has no permissions'],
  ])('no read takes over, and a script does: %s', async (_, info) => {
    const { server, first } = await start({}, { info });
    await server.nth('recover');
    const read = await server.nth('read');
    expect(read.args).not.toContain('CLAIM');
    read.answer(entries(['1-0', ['n', '0']]));
    expect(await first).toMatchObject({ id: '1-0', attempt: 1 });
  });

  test.each(['redis_version:8.4.0', 'redis_version:8.10.1', 'redis_version:10.0.0'])(
    'reads take over: %s',
    async (info) => {
      const { server } = await start({}, { info });
      expect((await server.nth('read')).args).toContain('CLAIM');
    },
  );

  test('that does not know it after all: it is not sent again, until it is another connection', async () => {
    const { server, consumer, first } = await start({}, { refuses: true });
    const errors: unknown[] = [];
    consumer.on('error', (error) => errors.push(error));
    const read = await server.nth('read', 2);
    // What was left to the reads is made up for at once.
    expect(server.all('recover')).toHaveLength(1);
    expect(server.all('read').map(({ args }) => args.includes('CLAIM'))).toEqual([true, false]);
    read.answer(entries(['1-0', ['n', '0']]));
    (await first).ack();
    expect((await server.nth('read', 3)).args).not.toContain('CLAIM');
    expect(errors).toEqual([]);
    server.drop(read.connection);
    expect((await server.nth('read', 4)).args).toContain('CLAIM');
    expect((await server.nth('read', 5)).args).not.toContain('CLAIM');
  });

  test('that has several levels to read: a script does, so that the urgent ones go first', async () => {
    const { server } = await start({ priorities: ['high', 'low'] });
    await server.nth('recover', 2);
    await server.nth('other');
    expect(server.all('INFO')).toEqual([]);
  });
});
