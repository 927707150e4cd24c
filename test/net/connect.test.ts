// The way to a connection: names, several addresses, deadlines. A failure is a connection that could be had and is not, or one
// that is waited for without end.

import { once } from 'node:events';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { connect, createServer, Socket } from '../../lib/net/index.js';
import { echo, freePort, modules, type Net, readAll, unanswering } from './modules.js';

const [, [, net]] = modules as [unknown, [string, Net]];

/** A lookup that knows these addresses for every name. */
const answering =
  (...addresses: string[]): LookupFunction =>
  (_host, _options, callback) =>
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    );

describe('a name', () => {
  test('is resolved on the way', async () => {
    await using server = await echo(net);
    const socket = connect({ port: server.port, host: 'localhost', family: 4 });
    const lookups: unknown[] = [];
    socket.on('lookup', (...found) => lookups.push(found));
    socket.end('by name');
    expect(await readAll(socket)).toBe('by name');
    expect(lookups).toContainEqual([null, '127.0.0.1', 4, 'localhost']);
  });

  test('is resolved by the lookup that is given', async () => {
    await using server = await echo(net);
    for (const lookup of [
      answering('127.0.0.1'),
      ((_host, _options, callback) => callback(null, '127.0.0.1', 4)) as LookupFunction,
    ]) {
      const socket = new Socket();
      const found = once(socket, 'lookup');
      socket.connect({ port: server.port, host: 'anything.test', lookup });
      socket.setTimeout(10_000).setNoDelay();
      socket.write('through ');
      socket.end('a lookup');
      expect(await found).toEqual([null, '127.0.0.1', 4, 'anything.test']);
      expect(await readAll(socket)).toBe('through a lookup');
    }
  });

  test('leads on to its next address where one refuses', async () => {
    await using server = await echo(net);
    const lookup = answering('127.0.0.3', '::1', '127.0.0.1');
    const socket = connect({ port: server.port, host: 'several.test', lookup });
    socket.end('found');
    expect(await readAll(socket)).toBe('found');
    expect(socket.remoteAddress).toBe('127.0.0.1');
  });

  test.skipIf(process.platform === 'win32')(
    'leads on to its next address where one does not answer',
    async () => {
      using silent = await unanswering();
      const server = createServer((socket) => socket.end('beside it')).listen(
        silent.port,
        '127.0.0.2',
      );
      await once(server, 'listening');
      const socket = connect({
        port: silent.port,
        host: 'several.test',
        lookup: answering('127.0.0.1', '127.0.0.2'),
        autoSelectFamilyAttemptTimeout: 20,
      });
      expect(await readAll(socket)).toBe('beside it');
      expect(socket.remoteAddress).toBe('127.0.0.2');
      server.close();
    },
  );
});

describe('connectTimeout', () => {
  test.skipIf(process.platform === 'win32')(
    'ends a connection that nobody answers, while this thread is busy too',
    async () => {
      using silent = await unanswering();
      const socket = connect({ port: silent.port, host: '127.0.0.1', connectTimeout: 50 });
      const failure = once(socket, 'error');
      const began = performance.now();
      const [error] = await failure;
      expect(performance.now() - began).toBeGreaterThanOrEqual(48);
      expect(error).toMatchObject({
        code: 'ETIMEDOUT',
        syscall: 'connect',
        address: '127.0.0.1',
        port: silent.port,
      });
    },
  );

  // The last attempt began because the one before it failed, with the clock for it still running.
  test.skipIf(process.platform !== 'linux')('goes no further than the last address', async () => {
    using silent = await unanswering();
    const socket = connect({
      port: silent.port,
      host: 'some.test',
      lookup: (_host, _options, callback) =>
        callback(null, [
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]),
      autoSelectFamilyAttemptTimeout: 20,
      connectTimeout: 200,
    });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ETIMEDOUT', address: '127.0.0.1', port: silent.port });
  });

  test('ends a lookup that never answers', async () => {
    const socket = connect({ port: 1, host: 'slow.test', lookup: () => {}, connectTimeout: 30 });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ETIMEDOUT', address: 'slow.test', port: 1 });
    expect(error.message).toContain('slow.test:1');
  });

  test('leaves a connection alone that was made in time', async () => {
    await using server = await echo(net);
    const deadline = { host: '127.0.0.1', connectTimeout: 1000 };
    const socket = connect({ port: server.port, ...deadline });
    await once(socket, 'connect');
    // One with a later deadline has failed: that of the first is over.
    const late = connect({ ...deadline, port: 1, host: 'slow.test', lookup: () => {} });
    await once(late, 'error');
    socket.end('still there');
    expect(await readAll(socket)).toBe('still there');
  });
});

describe('a socket that connects', () => {
  test.skipIf(process.platform === 'win32')(
    'times out while it connects, and goes on: the timeout only says so',
    async () => {
      using silent = await unanswering();
      const socket = connect({ port: silent.port, host: '127.0.0.1', timeout: 30 });
      await once(socket, 'timeout');
      expect([socket.connecting, socket.destroyed]).toEqual([true, false]);
      socket.destroy();
      await once(socket, 'close');
    },
  );

  test('comes from the address and port that it is told to', async () => {
    const localPort = await freePort();
    const server = createServer((socket) =>
      socket.end(`${socket.remoteAddress} ${socket.remotePort}`),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort });
    expect(await readAll(socket)).toBe(`127.0.0.1 ${localPort}`);
    server.close();
  });

  test('lives on the loop that it is given', async () => {
    await using server = await echo(net);
    const loop = new EventLoop();
    const before = loop.stats().events;
    const socket = connect({ port: server.port, host: '127.0.0.1', loop });
    socket.end('x');
    await readAll(socket);
    expect(loop.stats().events).toBeGreaterThan(before);
    await loop.stop();
  });

  test('refuses to connect twice', async () => {
    await using server = await echo(net);
    const socket = connect(server.port, '127.0.0.1');
    const again = () => socket.connect(server.port, '127.0.0.1');
    expect(again).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_SOCKET_OPEN' }));
    await once(socket, 'connect');
    expect(again).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_SOCKET_OPEN' }));
    socket.destroy();
  });

  test('refuses a path that the system would cut off', async () => {
    const [error] = await once(connect(`/tmp/${'x'.repeat(200)}`), 'error');
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'connect' });
  });

  test('fails what was written while it was looked up and then given up', async () => {
    const socket = connect({ port: 1, host: 'slow.test', lookup: () => {} });
    const written = new Promise((resolve) => socket.write('never sent', resolve));
    socket.destroy();
    expect(await written).toMatchObject({ code: 'ERR_STREAM_DESTROYED' });
  });

  test('forgets about a lookup that answers after its end', async () => {
    let answer: (() => void) | undefined;
    const socket = new Socket();
    socket.connect({
      port: 1,
      host: 'late.test',
      lookup: (_host, _options, callback) => {
        answer = () => callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    socket.write('never sent');
    socket.destroy();
    answer?.();
    await once(socket, 'close');
    expect(socket.connecting).toBe(false);
  });
});
