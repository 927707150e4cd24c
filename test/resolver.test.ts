// Names are resolved beside libuv's pool, which is the application's. A failure here is a reconnect that waits for somebody's
// hashing, or a process that can't end because of a name server.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../lib/net/index.js';
import { Redis } from '../lib/redis/index.js';
import { canDecideNames, Names } from './names.js';
import { type RedisServer, startRedisServer } from './redis-server.js';

describe.runIf(canDecideNames)('names', () => {
  let names: Names;
  let server: RedisServer;
  beforeAll(async () => {
    names = await Names.make();
    server = await startRedisServer();
  });
  afterAll(() => {
    names[Symbol.dispose]();
    return server.stop();
  });

  // All of the pool's threads are taken for far longer than any lookup takes, and the process ends as soon as it knows.
  // What is imported comes first: reading it takes the pool.
  const BUSY_POOL = `
    import { pbkdf2 } from 'node:crypto';
    let hashed = 0;
    for (let i = 0; i < 8; i++) pbkdf2('a', 'b', 50_000_000, 64, 'sha512', () => hashed++);
    const end = (text) => {
      process.stdout.write(text + ' ' + hashed, () => process.kill(process.pid, 'SIGKILL'));
    };`;
  const killed = (error: { stdout: string }) => error.stdout;

  test('redis connects by name while the pool is busy', async () => {
    const said = await names
      .run(
        `${BUSY_POOL}
        import { Redis } from 'DISTredis/index.js';
        const redis = new Redis({ host: 'redis.test', port: ${server.port} });
        end(await redis.ping());`,
        ['127.0.0.1'],
      )
      .catch(killed);
    expect(said).toBe('PONG 0');
  });

  test('a lease is kept over a reconnect by name while the pool is busy', async () => {
    const said = await names
      .run(
        `${BUSY_POOL}
        import { Redis } from 'DISTredis/index.js';
        import { acquire } from 'DISTlease/index.js';
        const redis = new Redis({ host: 'redis.test', port: ${server.port} });
        const lease = await acquire(redis, 'names', { ttlMs: 5000 });
        const other = new Redis({ host: '127.0.0.1', port: ${server.port} });
        await other.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        const before = lease.stats().renewals;
        while (lease.stats().renewals < before + 3 && !lease.signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        end(lease.signal.aborted ? 'lost' : 'kept');`,
        ['127.0.0.1'],
      )
      .catch(killed);
    expect(said).toBe('kept 0');
  });

  // The answer of a name server that is gone would be waited for until the connect timeout, and then again.
  test.each(['hang', 'fail'])('redis comes back while names %s', async (fault) => {
    const said = await names.run(
      `
      const { Redis } = await import('DISTredis/index.js');
      const redis = new Redis({ host: 'redis.test', port: ${server.port}, connectTimeout: null });
      await redis.ping();
      process.env.SIDELOOP_TEST_ADDRESSES = '${fault}';
      for (let i = 0; i < 3; i++) {
        const ready = new Promise((resolve) => redis.once('ready', resolve));
        redis.disconnect(true);
        await ready;
        process.stdout.write(await redis.ping());
      }
      await redis.quit();`,
      ['127.0.0.1'],
    );
    expect(said).toBe('PONGPONGPONG');
  });

  test('another client of the process goes to the same server while names hang', async () => {
    const said = await names.run(
      `
      const { Redis } = await import('DISTredis/index.js');
      const target = { host: 'redis.test', port: ${server.port}, connectTimeout: null };
      const redis = new Redis(target);
      await redis.ping();
      process.env.SIDELOOP_TEST_ADDRESSES = 'hang';
      const other = new Redis(target);
      process.stdout.write(await other.ping());
      await Promise.all([redis.quit(), other.quit()]);`,
      ['127.0.0.1'],
    );
    expect(said).toBe('PONG');
  });

  test('redis follows a name that has moved, however good the old address is', async () => {
    const args = ['--bind', '127.0.0.2'];
    await using moved = await startRedisServer({ port: server.port, args });
    const said = await names.run(
      `
      const { Redis } = await import('DISTredis/index.js');
      const redis = new Redis({ host: 'redis.test', port: ${moved.port} });
      const where = async () => / laddr=([0-9.]+)/.exec(await redis.client('INFO'))[1] + ' ';
      process.stdout.write(await where());
      for (const address of ['127.0.0.2', '127.0.0.1', '127.0.0.2']) {
        process.env.SIDELOOP_TEST_ADDRESSES = address;
        const ready = new Promise((resolve) => redis.once('ready', resolve));
        redis.disconnect(true);
        await ready;
        process.stdout.write(await where());
      }
      await redis.quit();`,
      ['127.0.0.1'],
    );
    expect(said).toBe('127.0.0.1 127.0.0.2 127.0.0.1 127.0.0.2 ');
  });

  test('sockets connect by name while the pool is busy', async () => {
    const said = await names
      .run(
        `${BUSY_POOL}
        import { connect } from 'DISTnet/index.js';
        connect(${server.port}, 'redis.test').on('connect', () => end('connected'));`,
        ['127.0.0.1'],
      )
      .catch(killed);
    expect(said).toBe('connected 0');
  });

  test.each([
    ['redis.disconnect()', 'redis.disconnect(); socket.destroy();'],
    ['loop.stop()', 'await loop.stop({ deadlineMs: 100 });'],
    ['loop.destroy()', 'loop.destroy();'],
    ['process.exit()', 'process.exit(0);'],
    ['the end of a Worker', 'await worker.terminate(); redis.disconnect(); socket.destroy();'],
  ])('a name that hangs delays no %s, and no exit', async (_, ending) => {
    const said = await names.run(`
      import { Worker } from 'node:worker_threads';
      const { EventLoop } = await import('DISTindex.js');
      const { Redis } = await import('DISTredis/index.js');
      const { connect } = await import('DISTnet/index.js');
      const loop = new EventLoop();
      const redis = new Redis({ loop, host: 'hangs1.test' });
      redis.on('error', () => {});
      const socket = connect({ loop, port: 1, host: 'hangs2.test' });
      socket.on('error', () => {});
      const worker = new Worker(\`
        const { parentPort } = await import('node:worker_threads');
        import('DISTredis/index.js').then(({ Redis }) => {
          new Redis({ host: 'hangs3.test' }).on('error', () => {});
          parentPort.postMessage('begun');
        });\`, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      worker.unref();
      process.on('exit', () => process.stdout.write('ended'));
      ${ending}
      worker.terminate();`);
    expect(said).toBe('ended');
  });

  test('seven names that hang hold up the eighth for a moment only', async () => {
    const said = await names.run(
      `
      const { Redis } = await import('DISTredis/index.js');
      const { connect } = await import('DISTnet/index.js');
      const hanging = Array.from({ length: 7 }, (_, i) => connect(1, 'hangs' + i + '.test'));
      const redis = new Redis({ host: 'redis.test', port: ${server.port} });
      process.stdout.write(await redis.ping());
      await redis.quit();
      for (const socket of hanging) socket.destroy();`,
      ['127.0.0.1'],
    );
    expect(said).toBe('PONG');
  });
});

test.each(['no-such-name.invalid', 'b\u00fccher.invalid', '\ud83e\udd37.invalid', 'a b.invalid'])(
  'a name that is nowhere is said to be: %s',
  async (host) => {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      connect(1, host).on('error', resolve),
    );
    expect(error.code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
    expect(error.message).toContain(host);
  },
);

test('redis says which name does not resolve', async () => {
  const redis = new Redis({ host: 'no-such-name.invalid', maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  await expect(redis.ping()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_RESOLVE' });
  redis.disconnect();
});
