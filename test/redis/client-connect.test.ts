// How a client gets to its server, and what it says where it does not. A failure here is a user who
// can't tell a wrong password from a wrong port.

import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const PASSWORD = 'pässwörd with spaces';
const ALICES = 'p@ss:word/';
const SOCKET = join(
  tmpdir(),
  `sideloop-${process.pid}-${Math.random().toString(36).slice(2)}.sock`,
);
const hasIpv6 = await canListenOn('::1');

let server: RedisServer;
let guarded: RedisServer;
let loop: EventLoop;
beforeAll(async () => {
  server = await startRedisServer({ args: ['--bind', '127.0.0.1', ...(hasIpv6 ? ['::1'] : [])] });
  guarded = await startRedisServer({
    args: ['--requirepass', PASSWORD, '--unixsocket', SOCKET],
  });
  const rules = ['on', `>${ALICES}`, '~*', '+@all', '-flushall'];
  await guarded.cli('--no-auth-warning', '-a', PASSWORD, 'acl', 'setuser', 'alice', ...rules);
});
afterAll(() => Promise.all([server.stop(), guarded.stop()]));
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (options: RedisOptions) =>
  new Redis({
    loop,
    reconnectMinDelay: 5,
    reconnectMaxDelay: 10,
    maxRetriesPerRequest: 1,
    ...options,
  });

/** Whether this machine has the address. */
function canListenOn(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(0, host, () => probe.close(() => resolve(true)));
  });
}

describe('a command to a server that', () => {
  test('is not there rejects as REFUSED', async () => {
    const gone = await FakeServer.start();
    await gone[Symbol.asyncDispose]();
    const redis = client({ port: gone.port });
    const errors: unknown[] = [];
    redis.on('error', (error) => errors.push(error));
    await expect(redis.get('k')).rejects.toMatchObject({
      name: 'RedisError',
      code: 'ERR_SIDELOOP_REDIS_REFUSED',
      command: 'GET',
      mayHaveRun: false,
      message: expect.stringContaining(`127.0.0.1:${gone.port}`),
    });
    expect(errors[0]).toMatchObject({ code: 'ERR_SIDELOOP_REDIS_REFUSED' });
    const unix = client({ path: join(tmpdir(), 'sideloop-no-such.sock') });
    await expect(unix.get('k')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_REFUSED' });
  });

  test('has no address rejects as RESOLVE', async () => {
    await expect(client({ host: 'no-such-host.invalid' }).get('k')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_RESOLVE',
      message: expect.stringContaining('no-such-host.invalid'),
      mayHaveRun: false,
    });
  });

  test('wants a password rejects as NOAUTH', async () => {
    for (const protocol of [2, 3] as const) {
      await expect(client({ port: guarded.port, protocol }).get('k')).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_REDIS_NOAUTH',
      });
    }
  });

  test('wants another password rejects as WRONGPASS', async () => {
    for (const protocol of [2, 3] as const) {
      const redis = client({ port: guarded.port, password: 'wrong', protocol });
      await expect(redis.get('k')).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_REDIS_WRONGPASS',
        mayHaveRun: false,
      });
    }
  });

  test('is loading its data rejects as LOADING without a ready check', async () => {
    const loading = '-LOADING Redis is loading the dataset in memory\r\n';
    await using fake = await FakeServer.start({ GET: loading });
    const redis = client({ port: fake.port, enableReadyCheck: false });
    await expect(redis.get('k')).rejects.toMatchObject({
      name: 'ReplyError',
      code: 'ERR_SIDELOOP_REDIS_LOADING',
      message: 'LOADING Redis is loading the dataset in memory',
      command: 'GET',
    });
  });

  test('has no such database rejects as HANDSHAKE, in its words', async () => {
    await expect(client({ port: server.port, db: 99 }).get('k')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_HANDSHAKE',
      message: expect.stringContaining('DB index is out of range'),
    });
  });

  test('finds fault with it rejects with the code of that fault', async () => {
    const redis = client({ port: server.port });
    await redis.lpush('list', 1);
    await expect(redis.get('list')).rejects.toMatchObject({
      name: 'ReplyError',
      code: 'ERR_SIDELOOP_REDIS_WRONGTYPE',
      message: expect.stringMatching(/^WRONGTYPE /),
      command: 'GET',
      mayHaveRun: false,
    });
    await expect(redis.call('NOSUCH')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_REPLY' });
    const limited = client({
      port: guarded.port,
      username: 'alice',
      password: ALICES,
    });
    await expect(limited.flushall()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_NOPERM' });
  });
});

describe('a client connects', () => {
  test.each([2, 3] as const)('over RESP%i, and says so', async (protocol) => {
    const redis = client({ port: server.port, protocol });
    const ready = await new Promise((resolve) => redis.once('ready', resolve));
    expect(ready).toBe(protocol);
    expect(await redis.client('INFO')).toContain(`resp=${protocol}`);
  });

  test('over RESP2 where the server knows no HELLO', async () => {
    await using fake = await FakeServer.start({
      HELLO: "-ERR unknown command 'HELLO'\r\n",
      GET: '+old\r\n',
    });
    const redis = client({ port: fake.port, password: 'pw', db: 2, connectionName: 'name' });
    expect(await redis.get('k')).toBe('old');
    await fake.received('SELECT');
  });

  test('with a password, to a database, under a name', async () => {
    for (const protocol of [2, 3] as const) {
      const redis = client({
        port: guarded.port,
        password: PASSWORD,
        db: 7,
        connectionName: 'my-name',
        protocol,
      });
      const info = await redis.client('INFO');
      expect(info).toMatch(/ db=7 /);
      expect(info).toMatch(/ name=my-name /);
      expect(info).toMatch(/ user=default /);
    }
  });

  test('as a user', async () => {
    const password = ALICES;
    for (const protocol of [2, 3] as const) {
      const redis = client({ port: guarded.port, username: 'alice', password, protocol });
      expect(await redis.client('INFO')).toMatch(/ user=alice /);
    }
  });

  test('as a URL says', async () => {
    const alice = encodeURIComponent(ALICES);
    const byUrl = new Redis(`redis://alice:${alice}@127.0.0.1:${guarded.port}/3`, { loop });
    expect(await byUrl.client('INFO')).toMatch(/ db=3 .* user=alice /);
    const secret = encodeURIComponent(PASSWORD);
    const noUser = new Redis(`redis://:${secret}@localhost:${guarded.port}`, { loop, db: 4 });
    expect(await noUser.client('INFO')).toMatch(/ db=4 .* user=default /);
    expect(await new Redis(`127.0.0.1:${server.port}`, { loop }).ping()).toBe('PONG');
    expect(await new Redis(server.port, { loop }).ping()).toBe('PONG');
    expect(await new Redis(server.port, 'localhost', { loop }).ping()).toBe('PONG');
  });

  test('through a Unix socket', async () => {
    const redis = new Redis(SOCKET, { loop, password: PASSWORD });
    expect(await redis.client('INFO')).toContain(`laddr=${SOCKET}`);
    expect(await client({ path: SOCKET, password: PASSWORD }).ping()).toBe('PONG');
  });

  test.skipIf(!hasIpv6)('over IPv6 (skipped where the machine has no ::1)', async () => {
    for (const redis of [
      client({ host: '::1', port: server.port }),
      new Redis(`redis://[::1]:${server.port}`, { loop }),
    ]) {
      expect(await redis.client('INFO')).toContain(`laddr=[::1]:${server.port}`);
    }
  });
});

describe('the events of a client', () => {
  test('follow its life', async () => {
    const redis = new Redis(server.url, { loop, lazyConnect: true, reconnectMinDelay: 1 });
    const seen: string[] = [];
    for (const event of [
      'connecting',
      'connect',
      'ready',
      'close',
      'reconnecting',
      'end',
    ] as const) {
      redis.on(event, () => {
        seen.push(event);
        // Whoever hears an event finds the client in the state of that name.
        expect(redis.status).toBe(event);
      });
    }
    expect(redis.status).toBe('wait');
    await redis.connect();
    expect(redis.status).toBe('ready');
    await redis.connect();
    // Asked for beforehand: going down and coming back may be told in one turn.
    const down = nextEvent(redis, 'reconnecting');
    const back = nextEvent(redis, 'ready');
    await server.cli('client', 'kill', 'type', 'normal');
    await down;
    await back;
    const ended = nextEvent(redis, 'end');
    await redis.quit();
    await ended;
    const up = ['connecting', 'connect', 'ready'];
    expect(seen).toEqual([...up, 'close', 'reconnecting', ...up, 'close', 'end']);
  });

  test('stay away from a listener that was removed, and come once to once()', async () => {
    const redis = new Redis(server.url, { loop, lazyConnect: true });
    let once = 0;
    const never = () => expect.unreachable();
    redis.once('ready', () => once++);
    redis.on('ready', never).off('ready', never);
    await redis.connect();
    const again = nextEvent(redis, 'ready');
    await server.cli('client', 'kill', 'type', 'normal');
    await again;
    expect(once).toBe(1);
  });
});

describe('lazyConnect', () => {
  test('connects with the first command', async () => {
    const redis = client({ port: server.port, lazyConnect: true });
    expect(redis.status).toBe('wait');
    expect(loop.stats().events).toBe(0);
    expect(await redis.ping()).toBe('PONG');
    expect(redis.status).toBe('ready');
  });

  test('lets quit() and disconnect() end a client that never connected', async () => {
    const quitter = client({ port: server.port, lazyConnect: true });
    expect(await quitter.quit()).toBe('OK');
    const redis = client({ port: server.port, lazyConnect: true });
    const ended = nextEvent(redis, 'end');
    redis.disconnect();
    await ended;
    await expect(redis.ping()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
  });
});
