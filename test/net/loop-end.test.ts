// What becomes of sockets and servers when their loop ends. A failure is bytes that were taken and never sent, a socket that
// never closes, or a process that never ends.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import {
  type AddressInfo,
  createServer as createNodeServer,
  connect as nodeConnect,
} from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { connect, createServer, type Socket } from '../../lib/net/index.js';
import { unanswering } from './modules.js';

/** What `socket` emits, and with what, up to its close. */
function endingOf(socket: { on(name: string, listener: (value: unknown) => void): unknown }) {
  const events: unknown[] = [];
  socket.on('error', (error) => events.push((error as { code: string }).code));
  return new Promise<unknown[]>((resolve) =>
    socket.on('close', (hadError) => resolve([...events, hadError])),
  );
}

/** A server of node:net that reads nothing until it is told to. */
async function stubborn() {
  const server = createNodeServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  return { server, port: (server.address() as AddressInfo).port, connected };
}

async function served(loop: EventLoop) {
  const server = createServer({ loop }, (socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('stop()', () => {
  test('waits until what was written is sent', async () => {
    await using loop = new EventLoop();
    const { server, port, connected } = await stubborn();
    const socket = connect({ loop, port, host: '127.0.0.1' });
    const ending = endingOf(socket);
    const [[peer]] = await Promise.all([connected, once(socket, 'connect')]);
    socket.write(Buffer.alloc(200_000));
    // In the same turn as the stop: it was taken, so it is sent.
    socket.write(Buffer.alloc(50_000));
    const stopped = loop.stop();
    let received = 0;
    peer.on('data', (data: Buffer) => {
      received += data.length;
    });
    const peerEnded = once(peer, 'end');
    peer.resume();
    await stopped;
    expect(await ending).toEqual([false]);
    await peerEnded;
    expect(received).toBe(250_000);
    server.close();
  });

  test('closes idle sockets and servers at once, without an error', async () => {
    const loop = new EventLoop();
    const { server, port } = await served(loop);
    const accepted = once(server, 'connection');
    const socket = connect({ loop, port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const [other] = (await accepted) as [Socket];
    const endings = [endingOf(socket), endingOf(other), endingOf(server)];
    const began = performance.now();
    await loop.stop({ deadlineMs: 60_000 });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(await Promise.all(endings)).toEqual([[false], [false], [undefined]]);
    expect([socket.destroyed, server.listening]).toEqual([true, false]);
  });

  test('fails what its deadline finds unsent', async () => {
    const loop = new EventLoop();
    const { server, port, connected } = await stubborn();
    const socket = connect({ loop, port, host: '127.0.0.1' });
    const [[peer]] = await Promise.all([connected, once(socket, 'connect')]);
    peer.on('error', () => {});
    const ending = endingOf(socket);
    // More than the kernel takes while nobody reads.
    for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(1 << 20));
    await loop.stop({ deadlineMs: 50 });
    expect(await ending).toEqual(['ERR_SIDELOOP_STOPPED', true]);
    peer.destroy();
    server.close();
  });

  test('fails what comes after it', async () => {
    const loop = new EventLoop();
    const { port } = await served(loop);
    const socket = connect({ loop, port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const stopped = loop.stop();
    const refused = [
      endingOf(connect({ loop, port, host: '127.0.0.1' })),
      new Promise((resolve) =>
        createServer({ loop })
          .listen(0)
          .on('error', (error) => resolve((error as { code?: string }).code)),
      ),
    ];
    const ending = endingOf(socket);
    socket.write('too late');
    expect(await Promise.all(refused)).toEqual([
      ['ERR_SIDELOOP_STOPPED', true],
      'ERR_SIDELOOP_STOPPED',
    ]);
    expect(await ending).toEqual(['ERR_SIDELOOP_STOPPED', true]);
    await stopped;
  });
});

describe('a write that waits for room when the loop ends', () => {
  test('fails, and all behind it', async () => {
    const loop = new EventLoop();
    const { server, port, connected } = await stubborn();
    const socket = connect({ loop, port, host: '127.0.0.1' });
    const [[peer]] = await Promise.all([connected, once(socket, 'connect')]);
    peer.on('error', () => {});
    const ending = endingOf(socket);
    const written = Array.from(
      { length: 20 },
      () => new Promise((resolve) => socket.write(Buffer.alloc(1 << 20), resolve)),
    );
    loop.destroy();
    const errors = (await Promise.all(written)) as { code: string }[];
    expect(errors[0]).toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
    expect(errors.every((error) => error instanceof Error)).toBe(true);
    expect(await ending).toEqual(['ERR_SIDELOOP_DESTROYED', true]);
    peer.destroy();
    server.close();
  });

  test('fails where the loop takes nothing any more', async () => {
    const loop = new EventLoop();
    const { port } = await served(loop);
    const socket = connect({ loop, port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const ending = endingOf(socket);
    const stopped = loop.stop();
    const error = await new Promise((resolve) => socket.write(Buffer.alloc(1 << 20), resolve));
    expect(error).toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    expect(await ending).toEqual(['ERR_SIDELOOP_STOPPED', true]);
    await stopped;
  });
});

describe('destroy()', () => {
  test('closes all of it, and names what was lost', async () => {
    const loop = new EventLoop();
    const { server: peerServer, port: peerPort, connected } = await stubborn();
    const { server, port } = await served(loop);
    const idle = connect({ loop, port, host: '127.0.0.1' });
    await once(idle, 'connect');
    const full = connect({ loop, port: peerPort, host: '127.0.0.1' });
    const [[peer]] = await Promise.all([connected, once(full, 'connect')]);
    peer.on('error', () => {});
    for (let i = 0; i < 64; i++) full.write(Buffer.alloc(1 << 20));
    using silent = await unanswering();
    const connecting = connect({ loop, port: silent.port, host: '127.0.0.1' });
    const endings = [idle, full, connecting].map(endingOf);
    const closed = endingOf(server);
    loop.destroy();
    expect(await Promise.all(endings)).toEqual([
      [false],
      ['ERR_SIDELOOP_DESTROYED', true],
      ['ERR_SIDELOOP_DESTROYED', true],
    ]);
    expect(await closed).toEqual([undefined]);
    peer.destroy();
    peerServer.close();
  });

  test('may be called by a listener in the midst of traffic', async () => {
    for (let round = 0; round < 10; round++) {
      const loop = new EventLoop();
      const { server, port } = await served(loop);
      const sockets = Array.from({ length: 20 }, () => connect({ loop, port, host: '127.0.0.1' }));
      const closed = [...sockets, server].map(endingOf);
      let connections = 0;
      for (const socket of sockets) {
        socket.on('connect', () => {
          socket.write('x'.repeat(1000 * round));
          if (++connections === round + 5) loop.destroy();
        });
      }
      await Promise.all(closed);
      expect(sockets.every((socket) => socket.destroyed)).toBe(true);
    }
  });
});

test('a full mailbox fails the write and nothing else', async () => {
  const loop = new EventLoop({ mailboxCapacity: 1 });
  const { server, port } = await served(loop);
  const sockets = Array.from({ length: 4 }, () => connect({ loop, port, host: '127.0.0.1' }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const endings: Promise<unknown[]>[] = sockets.map(endingOf);
  // More posts than the mailbox takes, and then a write: it may be lucky, so it is tried again.
  let failed = false;
  while (!failed) {
    for (let i = 0; i < 200; i++) loop.post(() => {});
    for (const socket of sockets) if (!socket.destroyed) socket.write(Buffer.alloc(20_000));
    await new Promise(setImmediate);
    failed = sockets.some((socket) => socket.destroyed);
  }
  const first = await Promise.race(endings);
  expect(first).toEqual(['ERR_SIDELOOP_MAILBOX_FULL', true]);
  for (const socket of sockets) socket.destroy();
  await Promise.all(endings);
  server.close();
  await loop.stop();
});

test.skipIf(process.platform !== 'linux')(
  'descriptors are closed, whichever way it ends',
  async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const loop = new EventLoop();
    const { server, port } = await served(loop);
    const round = async () => {
      const sockets = Array.from({ length: 30 }, () => connect({ loop, port, host: '127.0.0.1' }));
      const native = nodeConnect(port, '127.0.0.1');
      await Promise.all([...sockets, native].map((socket) => once(socket, 'connect')));
      const closed = sockets.map((socket) => once(socket, 'close'));
      for (const [i, socket] of sockets.entries()) {
        socket.write('x');
        if (i % 3 === 0) socket.end();
        else if (i % 3 === 1) socket.destroy();
        else socket.resetAndDestroy();
        socket.resume();
      }
      native.destroy();
      await Promise.all(closed);
      const connections = () =>
        new Promise<number>((resolve) => server.getConnections((_error, n) => resolve(n)));
      await expect.poll(connections, { interval: 5 }).toBe(0);
    };
    await round();
    const before = descriptors();
    for (let i = 0; i < 5; i++) await round();
    expect(descriptors()).toBeLessThanOrEqual(before + 2);
    server.close();
    await loop.stop();
  },
);

/** Until all of `refs` are collected. */
async function collected(refs: WeakRef<EventLoop>[]): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  while (refs.some((ref) => ref.deref() !== undefined)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
  }
}

test('a loop that has ended is collected, with all that its sockets needed', async () => {
  const refs: WeakRef<EventLoop>[] = [];
  await (async () => {
    const loop = new EventLoop();
    refs.push(new WeakRef(loop));
    const { port } = await served(loop);
    const socket = connect({ loop, port, host: '127.0.0.1' });
    await once(socket, 'connect');
    await loop.stop();
  })();
  await collected(refs);
});

test('a loop that had ended before its first socket is collected too', async () => {
  const refs: WeakRef<EventLoop>[] = [];
  await (async () => {
    const loop = new EventLoop();
    refs.push(new WeakRef(loop));
    await loop.stop();
    const ending = endingOf(connect({ loop, port: 1, host: '127.0.0.1' }));
    expect(await ending).toEqual(['ERR_SIDELOOP_STOPPED', true]);
  })();
  await collected(refs);
});
