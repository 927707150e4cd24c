// Faults that a reading of the code found before a user did. Each was shown to fail first.

import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';

const lab = labOfFile();
let redis: Redis;
beforeAll(() => {
  redis = lab.client();
});

describe('what would break the pairing is refused', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['CLIENT REPLY as bytes', () => redis.call('CLIENT', Buffer.from('Reply'), 'SKIP')],
    ['REPLCONF', () => redis.call('REPLCONF', 'ACK', '0')],
    [
      'CLIENT REPLY by the typed method',
      async () =>
        (redis as unknown as { client(...words: string[]): unknown }).client('REPLY', 'OFF'),
    ],
  ])('%s', async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_UNSUPPORTED' });
    expect(await redis.echo('still paired')).toBe('still paired');
  });
});

describe('a Buffer is sent as it was when it was given', () => {
  test.each([16, 100_000])('of %i bytes', async (size) => {
    const bytes = Buffer.alloc(size, 'a');
    const set = redis.set('bytes', bytes);
    bytes.fill('b');
    await set;
    expect((await redis.getBuffer('bytes'))?.equals(Buffer.alloc(size, 'a'))).toBe(true);
  });

  test('in a pipeline', async () => {
    const bytes = Buffer.from('before');
    const pipeline = redis.pipeline().set('bytes', bytes);
    bytes.fill('x');
    await pipeline.exec();
    expect(await redis.get('bytes')).toBe('before');
  });

  test('in a client that waits for room', async () => {
    const full = lab.client({ maxPendingCommands: 1, whenFull: 'wait' });
    const bytes = Buffer.from('before');
    const first = full.ping();
    const set = full.set('bytes', bytes);
    bytes.fill('x');
    await Promise.all([first, set]);
    expect(await full.get('bytes')).toBe('before');
    await full.quit();
  });
});

test('commands that wait for room on a stopped loop are rejected, not forgotten', async () => {
  const stopped = new EventLoop();
  const client = new Redis(lab.server.url, {
    loop: stopped,
    lazyConnect: true,
    maxPendingCommands: 1,
    whenFull: 'wait',
  });
  await stopped.stop();
  const calls = await Promise.allSettled([client.ping(), client.ping(), client.ping()]);
  expect(calls.map((c) => c.status === 'rejected' && c.reason.code)).toEqual(
    Array(3).fill('ERR_SIDELOOP_STOPPED'),
  );
});

test.each(['quit', 'disconnect'] as const)(
  '%s() on a stopped loop ends the client',
  async (how) => {
    const stopped = new EventLoop();
    const client = new Redis(lab.server.url, { loop: stopped, lazyConnect: true });
    await stopped.stop();
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    await Promise.allSettled([client[how]()]);
    await ended;
    expect(client.status).toBe('end');
  },
);

test('connect() on a stopped loop rejects', async () => {
  const stopped = new EventLoop();
  const client = new Redis(lab.server.url, { loop: stopped, lazyConnect: true });
  await stopped.stop();
  await expect(client.connect()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
});

test('a full mailbox has a name of its own', async () => {
  const small = new EventLoop({ mailboxCapacity: 1 });
  const client = new Redis(lab.server.url, { loop: small });
  await client.connect();
  // So large a Buffer is handed over at once, by a post: with posts of others just in front of it there is no room.
  const value = Buffer.alloc(16 * 1024);
  const codes = new Set<string>();
  for (let round = 0; round < 5000 && !codes.has('ERR_SIDELOOP_MAILBOX_FULL'); round++) {
    let posted = true;
    while (posted) posted = small.post(() => {});
    await client.set('k', value).catch((error) => codes.add(error.code));
  }
  expect([...codes]).toEqual(['ERR_SIDELOOP_MAILBOX_FULL']);
  await client.quit();
  await small.stop();
});

test('a large upload to a slow reader is not silence', async () => {
  const total = 40 << 20;
  // A proxy that takes its time with the first 24 MiB. It is quick with the rest, because what the kernels hold of that
  // (some 10 MiB) can't be seen to go on.
  let taken = 0;
  const proxy = createServer((socket) => {
    const upstream = connect(lab.server.port, '127.0.0.1');
    upstream.pipe(socket);
    socket.on('data', async (chunk) => {
      upstream.write(chunk);
      taken += chunk.length;
      if (chunk.length < 1024 || taken > 24 << 20) return;
      socket.pause();
      await sleep(6); // the proxy's pace: nothing is waited for
      socket.resume();
    });
    socket.on('close', () => upstream.destroy());
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const client = new Redis({
    port: (proxy.address() as AddressInfo).port,
    loop: lab.loop,
    silenceTimeout: 1500,
  });
  await client.connect();
  const started = performance.now();
  await client.set('large', 'x'.repeat(total));
  // It took longer than the silence deadline, or it shows nothing.
  expect(performance.now() - started).toBeGreaterThan(1500);
  await client.quit();
  await new Promise((resolve) => proxy.close(resolve));
});

test('the module may be evaluated twice in one thread', async () => {
  const dist = pathToFileURL(`${process.cwd()}/dist/redis/index.js`).href;
  const { Redis: Second } = (await import(/* @vite-ignore */ dist)) as { Redis: typeof Redis };
  expect(Second).not.toBe(Redis);
  const other = new Second(lab.server.url);
  const both = await Promise.all([redis.echo('first'), other.echo('second'), redis.echo('third')]);
  expect(both).toEqual(['first', 'second', 'third']);
  await other.quit();
});
