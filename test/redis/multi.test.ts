// Transactions: what they give, and that nothing divides one. A failure here is half of a transaction that was applied, or
// the command of another client that was taken into it.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions, TransactionError } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';

let server: RedisServer;
let loop: EventLoop;
const clients: Redis[] = [];
beforeAll(async () => {
  loop = new EventLoop();
  server = await startRedisServer();
});
afterEach(() => {
  for (const redis of clients.splice(0)) redis.disconnect();
});
afterAll(async () => {
  loop.destroy();
  await server.stop();
});

function client(options: RedisOptions = {}): Redis {
  const made = new Redis({
    port: server.port,
    loop,
    reconnectMinDelay: 1,
    reconnectMaxDelay: 5,
    maxRetriesPerRequest: null,
    ...options,
  });
  clients.push(made);
  return made;
}

describe.each([2, 3] as const)('with protocol %i', (protocol) => {
  test('gives what a pipeline gives', async () => {
    const redis = client({ protocol });
    await redis.flushall();
    const fill = <P extends ReturnType<Redis['multi']>>(p: P) =>
      p
        .set('a', 1)
        .incr('a')
        .lpush('a', 'x')
        .hset('h', 'f', 'v')
        .hgetall('h')
        .getBuffer('a')
        .get('none')
        .call('lrange', 'none', 0, -1)
        .zadd('z', 1.5, 'm')
        .zrange('z', 0, -1, 'WITHSCORES')
        .blpop('none', 0);
    const results = await fill(redis.multi()).exec();
    await redis.flushall();
    const wrongType = expect.objectContaining({
      code: 'ERR_SIDELOOP_REDIS_WRONGTYPE',
      command: 'LPUSH',
    });
    expect(results).toEqual([
      [null, 'OK'],
      [null, 2],
      [wrongType, undefined],
      [null, 1],
      [null, { f: 'v' }],
      [null, Buffer.from('2')],
      [null, null],
      [null, []],
      [null, 1],
      [null, ['m', '1.5']],
      [null, null],
    ]);
  });
});

test('takes a list, gives its results again, and may be empty', async () => {
  const redis = client();
  const multi = redis.multi([
    ['set', 'list', 'x'],
    ['getBuffer', 'list'],
  ]);
  const results = await multi.exec();
  expect(results).toEqual([
    [null, 'OK'],
    [null, Buffer.from('x')],
  ]);
  expect(await multi.exec()).toBe(results);
  expect(await redis.multi().exec()).toEqual([]);
  expect(() => redis.multi({ pipeline: false } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' }),
  );
  expect(() => redis.multi().call('MULTI')).toThrow(
    expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' }),
  );
});

test('runs nothing where the server refuses a command of it', async () => {
  const redis = client();
  await redis.set('kept', 'before');
  const failed = await redis
    .multi()
    .set('kept', 'after')
    .call('NO.SUCH.COMMAND')
    .exec()
    .catch((error) => error);
  expect(failed).toBeInstanceOf(TransactionError);
  expect(failed).toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_EXECABORT',
    command: 'EXEC',
    mayHaveRun: false,
    retryable: false,
    previousErrors: [expect.objectContaining({ command: 'NO.SUCH.COMMAND' })],
  });
  expect(await redis.get('kept')).toBe('before');
});

test.each([
  ['OOM command not allowed when used memory > maxmemory.', true],
  ['NOREPLICAS Not enough good replicas to write.', true],
  ["NOPERM this user has no permissions to run the 'set' command", false],
  ['previous errors.', false],
])('discarded at EXEC because of %s may be repeated: %s', async (reason, retryable) => {
  await using fake = await FakeServer.start({
    MULTI: '+OK\r\n',
    SET: '+QUEUED\r\n',
    EXEC: `-EXECABORT Transaction discarded because of: ${reason}\r\n`,
  });
  const client = new Redis({ port: fake.port, loop });
  await expect(client.multi().set('k', 'v').exec()).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_EXECABORT',
    previousErrors: [],
    retryable,
  });
  client.disconnect();
});

test('that could never have room says so', async () => {
  const client = new Redis({ port: server.port, loop, maxPendingCommands: 3, whenFull: 'wait' });
  const large = client.multi().set('a', 1).set('b', 2).exec();
  await expect(large).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_FULL',
    message: expect.stringMatching(/has 4 commands .*divide it/),
  });
  expect(await client.multi().set('a', 1).exec()).toEqual([[null, 'OK']]);
  await client.quit();
});

test('may be repeated where all that was refused may be', async () => {
  const full = '-OOM command not allowed\r\n';
  await using fake = await FakeServer.start({
    MULTI: '+OK\r\n',
    SET: full,
    EXEC: '-EXECABORT Transaction discarded because of previous errors.\r\n',
  });
  const redis = client({ port: fake.port });
  await expect(redis.multi().set('a', 1).exec()).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_EXECABORT',
    retryable: true,
  });
});

describe('where the server refuses MULTI, for the others are under way', () => {
  test('an ACL that forbids it: says what ran, and the client goes on', async () => {
    const admin = client();
    await admin.del('left', 'right');
    await admin.call('ACL', 'SETUSER', 'plain', 'on', '>word', '~*', '+@all', '-multi', '-lpush');
    const redis = client({ username: 'plain', password: 'word' });
    const exec = redis.multi().incr('left').lpush('left', 'x').incr('right').exec();
    await expect(exec).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_NOPERM',
      command: 'MULTI',
      mayHaveRun: true,
      message: expect.stringContaining(
        'of the 3 commands behind it, one by one, 2 ran, it refused 1,',
      ),
    });
    expect(await redis.mget('left', 'right')).toEqual(['1', '1']);
    // Once it is allowed, the same client has transactions.
    await admin.call('ACL', 'SETUSER', 'plain', '+multi');
    expect(await redis.multi().incr('left').exec()).toEqual([[null, 2]]);
  });

  test('an ACL that forbids all of it: nothing ran', async () => {
    const admin = client();
    await admin.set('kept', 'before');
    await admin.call('ACL', 'SETUSER', 'reader', 'on', '>word', '~*', '+@read', '+@connection');
    const redis = client({ username: 'reader', password: 'word' });
    await expect(redis.multi().set('kept', 1).del('kept').exec()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_NOPERM',
      mayHaveRun: false,
      message: expect.stringContaining('nothing ran'),
    });
    expect(await redis.get('kept')).toBe('before');
  });

  test('a proxy that knows none, and is lost before it has answered all', async () => {
    await using fake = await FakeServer.start({
      MULTI: "-ERR unknown command 'MULTI'\r\n",
      SET: '+OK\r\n',
      GET: { drop: true },
    });
    const redis = client({ port: fake.port });
    await expect(redis.multi().set('a', 1).get('a').exec()).rejects.toMatchObject({
      command: 'MULTI',
      mayHaveRun: true,
      message: expect.stringContaining('1 ran, it refused 0, and of 1 nobody knows'),
    });
  });
});

test('counts with all its commands for the bounds, and waits for room as one', async () => {
  const narrow = client({ maxPendingCommands: 4 });
  const three = () => narrow.multi().incr('n').incr('n').incr('n').exec();
  await expect(three()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_FULL' });
  const patient = client({ maxPendingCommands: 5, whenFull: 'wait' });
  await patient.del('n');
  const all = Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      i % 2 === 0 ? patient.multi().incr('n').incr('n').incr('n').exec() : patient.get('n'),
    ),
  );
  for (const [i, result] of (await all).entries()) {
    if (i % 2 === 1) expect(result).toBe(String(3 * ((i + 1) / 2)));
  }
  const more = () => patient.multi().incr('n').incr('n').incr('n').incr('n').exec();
  await expect(more()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_FULL' });
});

test('rejects once the client is closed', async () => {
  const redis = client();
  const multi = redis.multi().set('a', 1);
  redis.disconnect();
  await expect(multi.exec()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
});

// Each writes one number to all keys of its row: a row with two numbers was half applied.
test('is never half applied, however often connections are killed', {
  timeout: 60_000,
}, async () => {
  const first = client();
  const others = [Redis.attach(first.handle), Redis.attach(first.handle), client()];
  clients.push(...others);
  const killer = client();
  await killer.flushall();
  const value = 'v'.repeat(30_000);
  const row = (r: number) => Array.from({ length: 20 }, (_, k) => `row:${r}:${k}`);
  const tally = { sent: 0, done: 0, lost: 0 };
  const writers = [first, ...others].map(async (redis, w) => {
    // A kill that hits none of them shows nothing.
    for (let round = 0; round < 30 || tally.lost === 0 || tally.done === 0; round++) {
      const batch = Array.from({ length: 5 }, async (_, i) => {
        tally.sent++;
        const multi = redis.multi();
        for (const key of row(w)) multi.set(key, `${w}.${round}.${i} ${value}`);
        const single = redis.get('none').catch((error) => error);
        try {
          expect((await multi.exec()).every(([, result]) => result === 'OK')).toBe(true);
          tally.done++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_DISCONNECTED' });
          tally.lost++;
        }
        const answer = await single;
        if (answer !== null) expect(answer).toBeInstanceOf(Error);
      });
      await Promise.all(batch);
    }
  });
  let writing = true;
  const written = Promise.all(writers).finally(() => {
    writing = false;
  });
  while (writing) {
    // Some are in the middle of a transaction, some between two.
    await killer.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for (let i = 0; i < 10; i++) {
      const rows = await Promise.all([0, 1, 2, 3].map((r) => killer.mget(...row(r))));
      for (const values of rows) {
        expect(new Set(values.map((v) => v?.slice(0, v.indexOf(' ')))).size).toBe(1);
      }
    }
  }
  await written;
  expect(tally.done + tally.lost).toBe(tally.sent);
});
