// Calling, gathering, refusing and ending. A failure here is code that moved over from ioredis and
// finds another shape, or a command that reaches a connection after which no reply fits any more.

import { beforeEach, describe, expect, test } from 'vitest';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { labOfTests } from '../support/lab.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const CLOSED = { code: 'ERR_SIDELOOP_REDIS_CLOSED', mayHaveRun: false };
const WRONG = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' };
const UNSUPPORTED = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' };

const lab = labOfTests();
let redis: Redis;
beforeEach(async () => {
  redis = lab.client();
  await redis.flushall();
});

describe('call()', () => {
  test('sends any command, by any case of its name, and flattens its arguments', async () => {
    expect(await redis.call('rPush', 'l', ['a', 'b'], 3)).toBe(3);
    expect(await redis.call('LRANGE', 'l', 0, -1)).toEqual(['a', 'b', '3']);
    expect(await redis.callBuffer('lrange', 'l', 0, 0)).toEqual([Buffer.from('a')]);
    expect(await redis.call('MEMORY', 'USAGE', 'l')).toBeGreaterThan(0);
  });

  test('answers in the shape of the typed method of that name', async () => {
    await redis.hset('h', { a: 1, b: 2 });
    expect(await redis.call('HGETALL', 'h')).toEqual({ a: '1', b: '2' });
    expect(await redis.callBuffer('hgetall', 'h')).toEqual({
      a: Buffer.from('1'),
      b: Buffer.from('2'),
    });
  });

  test.each([
    ['', []],
    ['GET k', []],
    ['G\r\nET', ['k']],
    [7 as never, []],
    ['GET', [undefined as never]],
    ['GET', [null as never]],
    ['GET', [Number.NaN]],
    ['GET', [Number.POSITIVE_INFINITY]],
    ['GET', [true as never]],
    ['GET', [{} as never]],
    ['GET', [Symbol('s') as never]],
    ['SET', ['k', new Date() as never]],
    ['NOTYPED', ['k', {} as never]],
  ])('rejects %o with %o and sends nothing', async (name, args) => {
    await using fake = await FakeServer.start({ PING: '+PONG\r\n' });
    const other = new Redis({ port: fake.port, loop: lab.loop });
    await expect(other.call(name, ...args)).rejects.toMatchObject(WRONG);
    expect(() => other.pipeline().call(name, ...args)).toThrow(TypeError);
    expect(await other.ping()).toBe('PONG');
    await fake.received('PING');
    expect(fake.commands).toEqual([['PING']]);
  });

  test('names the argument that is wrong', async () => {
    await expect(redis.set('k', { a: 1 } as never)).rejects.toThrow(
      /^Argument 2 of SET is an object \(Object\)\. It must be a string, a finite number or a Buffer/,
    );
  });

  test.each([
    'SUBSCRIBE',
    'psubscribe',
    'SSUBSCRIBE',
    'UNSUBSCRIBE',
    'MONITOR',
    'SYNC',
    'PSYNC',
    'RESET',
    'HELLO',
    'QUIT',
    'SELECT',
    'AUTH',
    'MULTI',
    'EXEC',
    'DISCARD',
    'WATCH',
    'UNWATCH',
    'READONLY',
    'READWRITE',
    'ASKING',
  ])('rejects %s: the connection is shared', async (name) => {
    await expect(redis.call(name, '1')).rejects.toMatchObject(UNSUPPORTED);
    expect(() => redis.pipeline().call(name, '1')).toThrow(
      expect.objectContaining({ code: UNSUPPORTED.code }),
    );
    expect(await redis.ping()).toBe('PONG');
  });

  test('rejects CLIENT REPLY and TRACKING, in every way to write them', async () => {
    for (const reply of ['REPLY', 'reply', Buffer.from('Reply'), 'tracking', 'CACHING']) {
      await expect(redis.call('CLIENT', reply, 'OFF')).rejects.toMatchObject(UNSUPPORTED);
      expect(() => redis.pipeline().call('client', reply, 'OFF')).toThrow(
        expect.objectContaining({ code: UNSUPPORTED.code }),
      );
    }
    expect(await redis.ping()).toBe('PONG');
  });

  test.each([
    ['script', 'debug', 'YES'],
    ['SCRIPT', Buffer.from('Debug'), 'SYNC'],
    ['CLIENT', 'capa', 'redirect'],
  ])('rejects %s %s', async (...words) => {
    const [name, ...args] = words as [string, ...string[]];
    await expect(redis.call(name, ...args)).rejects.toMatchObject(UNSUPPORTED);
    expect(() => redis.pipeline([words])).toThrow(
      expect.objectContaining({ code: UNSUPPORTED.code }),
    );
    expect(() => redis.multi().call(name, ...args)).toThrow(
      expect.objectContaining({ code: UNSUPPORTED.code }),
    );
    expect(await redis.call('SCRIPT', 'EXISTS', 'x')).toEqual([0]);
  });
});

describe('pipeline()', () => {
  test('gives an error and a result for each command, as in ioredis', async () => {
    const pipeline = redis.pipeline().set('a', 1).incr('a').lpush('a', 'x').get('a').getBuffer('a');
    expect(pipeline.length).toBe(5);
    expect(await pipeline.exec()).toEqual([
      [null, 'OK'],
      [null, 2],
      [expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' }), undefined],
      [null, '2'],
      [null, Buffer.from('2')],
    ]);
    expect(await redis.pipeline().exec()).toEqual([]);
  });

  test('keeps its commands together, whoever else sends in that turn', async () => {
    await using fake = await FakeServer.start({ PING: '+PONG\r\n' });
    const other = new Redis({ port: fake.port, loop: lab.loop });
    const pipeline = other.pipeline();
    const gets: Promise<unknown>[] = [];
    for (let i = 0; i < 3000; i++) {
      pipeline.call('PIPED', i);
      if (i % 300 === 0) gets.push(other.get('between'));
    }
    pipeline.exec();
    gets.push(other.get('after'));
    const settled = Promise.allSettled(gets);
    await fake.received('GET', 11);
    const names = fake.commands.map(([name]) => name);
    const first = names.indexOf('PIPED');
    expect(names.slice(first, first + 3000)).toEqual(new Array(3000).fill('PIPED'));
    expect(names.filter((name) => name === 'PIPED')).toHaveLength(3000);
    expect(names).toHaveLength(3011);
    other.disconnect();
    await settled;
  });

  test('refuses a wrong argument where it is called', () => {
    expect(() => redis.pipeline().set('k', {} as never)).toThrow(expect.objectContaining(WRONG));
  });
});

describe('quit()', () => {
  test('lets what was sent before finish, and refuses what comes after', async () => {
    const ended = nextEvent(redis, 'end');
    const pushes = Array.from({ length: 1000 }, (_, i) => redis.rpush('l', i));
    const quit = redis.quit();
    await expect(redis.ping()).rejects.toMatchObject(CLOSED);
    await expect(redis.quit()).rejects.toMatchObject(CLOSED);
    expect(await redis.pipeline().get('k').exec()).toEqual([
      [expect.objectContaining(CLOSED), undefined],
    ]);
    expect(await Promise.all(pushes)).toEqual(pushes.map((_, i) => i + 1));
    expect(await quit).toBe('OK');
    await ended;
    await expect(redis.call('GET', 'k')).rejects.toMatchObject({ ...CLOSED, command: 'GET' });
  });

  test('finishes what still waits for a connection', async () => {
    const fresh = lab.client();
    const reply = fresh.echo('waited');
    expect(await fresh.quit()).toBe('OK');
    expect(await reply).toBe('waited');
  });

  test('does not reconnect, and rejects what a lost connection took along', async () => {
    await using fake = await FakeServer.start({ QUIT: {} });
    const other = new Redis({ port: fake.port, loop: lab.loop });
    const settled = Promise.allSettled([other.get('k'), other.quit()]);
    await fake.drop(await fake.received('GET'));
    const [get, quit] = await settled;
    expect(get).toMatchObject({ reason: { code: 'ERR_SIDELOOP_REDIS_DISCONNECTED' } });
    expect(quit.status).toBe('rejected');
    await expect.poll(() => other.status).toBe('end');
  });

  test('is what `await using` does', async () => {
    let kept: Redis;
    {
      await using other = lab.client();
      kept = other;
      other.set('k', 'v');
    }
    expect(await redis.get('k')).toBe('v');
    await expect(kept.ping()).rejects.toMatchObject(CLOSED);
  });
});

describe('disconnect()', () => {
  test('rejects what is pending, and says what may have run', async () => {
    await using fake = await FakeServer.start();
    const other = new Redis({ port: fake.port, loop: lab.loop });
    const errors: unknown[] = [];
    other.on('error', (error) => errors.push(error));
    const sent = other.get('sent').catch((error) => error);
    await fake.received('GET');
    other.disconnect();
    other.disconnect();
    expect(await sent).toMatchObject({ ...CLOSED, mayHaveRun: true });
    await expect(other.ping()).rejects.toMatchObject({ ...CLOSED, command: 'PING' });
    await expect.poll(() => other.status).toBe('end');
    expect(errors).toEqual([]);
  });

  test('rejects what waits for a connection as what has not run', async () => {
    await using fake = await FakeServer.start({ HELLO: {} });
    const other = new Redis({ port: fake.port, loop: lab.loop });
    const waiting = other.get('k').catch((error) => error);
    await fake.received('HELLO');
    other.disconnect();
    expect(await waiting).toMatchObject(CLOSED);
  });
});

describe('wrong options', () => {
  const cases: [RedisOptions, RegExp][] = [
    [{ port: 0 }, /^port must be a whole number from 1 to 65535/],
    [{ port: '6379x' }, /^port must/],
    [{ host: '' }, /^host must/],
    [{ db: -1 }, /^db must/],
    [{ protocol: 4 as never }, /^protocol must be one of 2, 3/],
    [{ connectTimeout: 0 }, /^connectTimeout must be null or/],
    [{ commandTimeout: -5 }, /^commandTimeout must/],
    [{ whenFull: 'drop' as never }, /^whenFull must be one of/],
    [{ maxPendingCommands: 0 }, /^maxPendingCommands must/],
    [{ connectionName: 'two words' }, /^connectionName must/],
    [{ reconnectMinDelay: 9, reconnectMaxDelay: 5 }, /^reconnectMinDelay must be at most/],
    [{ username: 'alice' }, /^username must be given together with a password/],
    [{ loop: {} as never }, /^loop must be an EventLoop/],
    [{ retryStrategy: 1 } as never, /no option 'retryStrategy'/],
    [{ toString: 1 } as never, /no option 'toString'/],
  ];
  test.each(cases)('%j are refused by name', (options, message) => {
    expect(() => new Redis(options)).toThrow(expect.objectContaining(WRONG));
    expect(() => new Redis(options)).toThrow(message);
  });

  test.each(['http://127.0.0.1', 'redis://127.0.0.1/not-a-number', 'redis://a b'])(
    'the URL %j is refused',
    (url) => {
      expect(() => new Redis(url)).toThrow(expect.objectContaining(WRONG));
    },
  );

  test('rediss:// says that TLS is missing', () => {
    expect(() => new Redis('rediss://127.0.0.1')).toThrow(
      expect.objectContaining({ code: 'ERR_SIDELOOP_REDIS_TLS' }),
    );
  });
});
