// What a server does, held against node:net, which runs through the same tests.

import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createServer } from '../../lib/net/index.js';
import {
  freePort,
  listening,
  modules,
  pipePath,
  readAll,
  recordEvents,
  roundTrip,
} from './modules.js';

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const count = (server: Server) =>
  new Promise<number>((resolve) => server.getConnections((_error, n) => resolve(n)));

describe.each(modules)('%s: a server', (name, net) => {
  test('listens in every usual form', async () => {
    const port = await freePort();
    const path = pipePath('forms');
    const forms: [listen: (server: Server, done: () => void) => Server, address: unknown][] = [
      [(s, done) => s.listen(done), { address: '::', family: 'IPv6', port: expect.any(Number) }],
      [(s, done) => s.listen(port, done), { address: '::', family: 'IPv6', port }],
      [(s, done) => s.listen(`${port}` as never, done), { address: '::', family: 'IPv6', port }],
      [
        (s, done) => s.listen(port, '127.0.0.1', done),
        { address: '127.0.0.1', family: 'IPv4', port },
      ],
      [(s, done) => s.listen(port, 5, done), { address: '::', family: 'IPv6', port }],
      [
        (s, done) => s.listen(port, '127.0.0.1', 5, done),
        { address: '127.0.0.1', family: 'IPv4', port },
      ],
      [
        (s, done) => s.listen({ port, host: '127.0.0.1', backlog: 9, exclusive: true }, done),
        { address: '127.0.0.1', family: 'IPv4', port },
      ],
      [
        (s, done) => s.listen({ port, host: 'localhost' }, done),
        {
          address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
          family: expect.any(String),
          port,
        },
      ],
      [
        (s, done) => s.listen({ port, host: '::', ipv6Only: true }, done),
        { address: '::', family: 'IPv6', port },
      ],
      [(s, done) => s.listen(path, done), path],
      [(s, done) => s.listen({ path }, done), path],
    ];
    for (const [listen, address] of forms) {
      const server = net.createServer();
      const listened = new Promise<void>((resolve) => {
        expect(listen(server, resolve)).toBe(server);
      });
      await listened;
      expect(server.listening).toBe(true);
      expect(server.address()).toEqual(address);
      const closed = new Promise((resolve) => server.close(resolve));
      expect(server.listening).toBe(false);
      await closed;
      // node:net still says the path of a pipe.
      if (typeof address !== 'string') expect(server.address()).toBe(null);
    }
  });

  test('unlinks its pipe, and sets its mode', async () => {
    const path = pipePath('mode');
    const server = net.createServer().listen({ path, readableAll: true, writableAll: true });
    await once(server, 'listening');
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o666).toBe(0o666);
    server.close();
    await once(server, 'close');
    expect(existsSync(path)).toBe(false);
  });

  test('closes when its last connection has ended', async () => {
    await using served = await listening(net, {}, (socket) => socket.resume());
    const { server } = served;
    const events = recordEvents(server, 'close');
    const sockets = [net.connect(served.port, '127.0.0.1'), net.connect(served.port, '127.0.0.1')];
    for (let i = 0; i < 2; i++) await once(server, 'connection');
    expect(await count(server)).toBe(2);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const refused = net.connect(served.port, '127.0.0.1');
    expect((await once(refused, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
    expect(events).toEqual([]);
    for (const socket of sockets) socket.end();
    await closed;
    expect(events).toEqual(['close']);
    expect(await count(server)).toBe(0);
  });

  test('may listen again', async () => {
    const server = net.createServer((socket) => socket.end('again'));
    for (let i = 0; i < 3; i++) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      expect(await readAll(net.connect(portOf(server), '127.0.0.1'))).toBe('again');
      server.close();
      await once(server, 'close');
    }
  });

  test('may be closed before it listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    const events = recordEvents(server, 'close', 'error');
    server.close();
    await once(server, 'close');
    await new Promise(setImmediate);
    expect(events).toEqual(['close']);
  });

  test('is closed once, however often it is told to', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const outcomes: unknown[] = [];
    server.close((error) => outcomes.push(error));
    server.close((error) => outcomes.push((error as NodeJS.ErrnoException).code));
    await once(server, 'close');
    expect(outcomes).toEqual([undefined, 'ERR_SERVER_NOT_RUNNING']);
    await roundTrip(net);
    expect(outcomes).toHaveLength(2);
  });

  test('turns away what is beyond maxConnections', async () => {
    await using served = await listening(net, {}, (socket) => socket.resume());
    const { server, port } = served;
    server.maxConnections = 2;
    const drops: unknown[] = [];
    server.on('drop', (data) => drops.push(data));
    const first = net.connect(port, '127.0.0.1');
    await once(server, 'connection');
    const second = net.connect(port, '127.0.0.1');
    await once(server, 'connection');
    const third = net.connect(port, '127.0.0.1');
    third.on('error', () => {});
    third.resume();
    await once(third, 'close');
    expect(drops).toMatchObject([
      { localAddress: '127.0.0.1', localPort: port, remoteFamily: 'IPv4' },
    ]);
    first.end();
    await once(first, 'close');
    // The server's side of it may take a moment more.
    await expect.poll(() => count(server), { interval: 5 }).toBeLessThanOrEqual(1);
    const fourth = net.connect(port, '127.0.0.1');
    await once(server, 'connection');
    for (const socket of [second, fourth]) socket.destroy();
  });

  test('hands over paused connections, which lose nothing', async () => {
    const accepted: Socket[] = [];
    await using served = await listening(net, { pauseOnConnect: true }, (socket) => {
      accepted.push(socket);
    });
    const socket = net.connect(served.port, '127.0.0.1');
    socket.end('kept');
    await once(served.server, 'connection');
    const [other] = accepted as [Socket];
    expect(other.isPaused()).toBe(true);
    await roundTrip(net);
    expect(other.bytesRead).toBe(0);
    expect(await readAll(other)).toBe('kept');
    other.end();
    await once(socket.resume(), 'close');
  });

  test('gives its connections its options', async () => {
    await using served = await listening(
      net,
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5000 },
      (socket) => {
        socket.resume().on('end', () => roundTrip(net).then(() => socket.end('later')));
      },
    );
    const socket = net.connect(served.port, '127.0.0.1');
    socket.end();
    expect(await readAll(socket)).toBe('later');
  });

  test('serves many connections that come at once', async () => {
    const CONNECTIONS = 300;
    await using served = await listening(net, {}, (socket) => socket.pipe(socket));
    const texts = await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, i) => {
        const socket = net.connect(served.port, '127.0.0.1');
        socket.end(`text ${i}`);
        return readAll(socket);
      }),
    );
    expect(texts).toEqual(Array.from({ length: CONNECTIONS }, (_, i) => `text ${i}`));
  });

  test('is closed by its signal', async () => {
    for (const early of [true, false]) {
      const controller = new AbortController();
      if (early) controller.abort();
      const server = net.createServer();
      const closed = once(server, 'close');
      server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
      if (!early) await once(server, 'listening');
      controller.abort();
      await closed;
      expect(server.listening).toBe(false);
    }
  });

  test('is disposed of', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const closed = once(server, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
    await net.createServer()[Symbol.asyncDispose]();
  });

  test(`reports an error and may listen then (${name})`, async () => {
    await using taken = await listening(net, {}, () => {});
    const server = net.createServer();
    server.listen(taken.port, '127.0.0.1');
    await once(server, 'error');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  });
});

// Cut off, it would be the path of another pipe, which nobody would find or remove.
test.skipIf(process.platform === 'win32')(
  'a server refuses a path that the system would cut off',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sideloop-'));
    const server = createServer().listen(join(folder, 'x'.repeat(200)));
    const [error] = await once(server, 'error');
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'listen' });
    expect([server.listening, readdirSync(folder)]).toEqual([false, []]);
    rmdirSync(folder);
  },
);
