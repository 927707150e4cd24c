// How bytes flow through a socket, held against node:net, which runs through the same tests. A failure is bytes that are lost,
// doubled or out of order, memory without bound, or a listener that misses what came.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { echo, listening, modules, readAll, standstill } from './modules.js';

describe.each(modules)('%s: bytes', (name, net) => {
  test('takes what is written while it connects', async () => {
    await using server = await echo(net);
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write('a');
    socket.write(Buffer.from('b'));
    socket.write('ÿ', 'latin1');
    socket.write('636465', 'hex');
    socket.end('€');
    expect(await readAll(socket)).toBe(
      Buffer.concat([Buffer.from('ab'), Buffer.from([255]), Buffer.from('cde€')]).toString(),
    );
    expect(socket.bytesWritten).toBe(9);
    expect(socket.bytesRead).toBe(9);
  });

  test('keeps the order of many writes of all sizes', async () => {
    await using server = await echo(net);
    const socket = net.connect(server.port, '127.0.0.1');
    const sizes = Array.from(
      { length: 400 },
      (_, i) => (i * 7919) % (i % 40 === 0 ? 90_000 : 3000),
    );
    const parts = sizes.map((size, i) => Buffer.alloc(size, i % 256));
    for (const [i, part] of parts.entries()) {
      if (i % 50 === 0) socket.cork();
      socket.write(part);
      if (i % 50 === 20) socket.uncork();
    }
    socket.uncork();
    socket.end();
    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk as Buffer);
    expect(Buffer.concat(received).equals(Buffer.concat(parts))).toBe(true);
  });

  test('sends the bytes of the moment of the write, once called back', async () => {
    await using server = await echo(net);
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    const bytes = Buffer.from('first');
    await new Promise((resolve) => socket.write(bytes, resolve));
    bytes.fill('x');
    socket.end();
    expect(await readAll(socket)).toBe('first');
  });

  test('writes no more than the reader takes', async () => {
    let reader: Socket | undefined;
    await using server = await listening(net, { pauseOnConnect: true }, (socket) => {
      reader = socket;
    });
    const socket = net.connect(server.port, '127.0.0.1');
    const chunk = Buffer.alloc(64 * 1024);
    const total = 64 * 1024 * 1024;
    let written = 0;
    const fill = () => {
      while (written < total) {
        written += chunk.length;
        if (!socket.write(chunk)) return;
      }
      socket.end();
    };
    socket.on('drain', fill);
    fill();
    // It stalls: the kernel's buffers and ours are full, and the reader takes nothing.
    await standstill(net, () => written);
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const part of reader as Socket) read += (part as Buffer).length;
    expect(read).toBe(total);
  });

  test('reads no more than the stream takes', async () => {
    const total = 64 * 1024 * 1024;
    let sent = 0;
    await using server = await listening(net, {}, (socket) => {
      const chunk = Buffer.alloc(64 * 1024);
      const fill = () => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on('drain', fill);
      fill();
    });
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    await standstill(net, () => socket.bytesRead + sent);
    expect(socket.bytesRead).toBeLessThanOrEqual(512 * 1024);
    expect(sent).toBeLessThan(total / 2);
    let read = 0;
    for await (const part of socket) read += (part as Buffer).length;
    expect(read).toBe(total);
    expect(socket.bytesRead).toBe(total);
  });

  test('hands over no more than is let go of, however much is written at once', async () => {
    await using server = await listening(net, { pauseOnConnect: true }, () => {});
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    // The same many times: it takes memory only where it is handed over. node:net encodes text at once, and sideloop/net
    // copies Buffers at the call.
    const chunk = name === 'node:net' ? Buffer.alloc(1 << 20) : 'x'.repeat(1 << 20);
    const before = process.memoryUsage.rss();
    socket.cork();
    for (let i = 0; i < 400; i++) socket.write(chunk);
    socket.uncork();
    // What was staged before an echo has been seen by the loop when the echo is back.
    await using other = await echo(net);
    const beside = net.connect(other.port, '127.0.0.1');
    for (let i = 0; i < 100; i++) {
      beside.write('x');
      await once(beside, 'data');
      expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
    }
    beside.destroy();
    socket.destroy();
    await once(socket, 'close');
  });

  test('calls back every write, of a socket that is destroyed too', async () => {
    await using server = await listening(net, { pauseOnConnect: true }, () => {});
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    const outcomes: Promise<unknown>[] = [];
    for (let i = 0; i < 32; i++) {
      outcomes.push(new Promise((resolve) => socket.write(Buffer.alloc(1 << 20), resolve)));
    }
    outcomes.push(new Promise((resolve) => socket.end(resolve as () => void)));
    await outcomes[0];
    socket.destroy();
    const failed = (await Promise.all(outcomes)).filter((error) => error instanceof Error);
    expect(failed.length).toBeGreaterThan(0);
  });

  test('pipeline() ends when both ends are done', async () => {
    await using server = await echo(net);
    const socket = net.connect(server.port, '127.0.0.1');
    const parts: Buffer[] = [];
    await pipeline(
      async function* () {
        for (let i = 0; i < 100; i++) yield Buffer.alloc(10_000, i);
      },
      socket,
      async (source) => {
        for await (const part of source) parts.push(part as Buffer);
      },
    );
    expect(Buffer.concat(parts).length).toBe(1_000_000);
  });

  test('reads its text by setEncoding(), across chunks', async () => {
    const text = '€'.repeat(50_000);
    await using server = await listening(net, {}, (socket) => socket.end(text));
    const socket = net.connect(server.port, '127.0.0.1').setEncoding('utf8');
    let read = '';
    for await (const part of socket) read += part;
    expect(read).toBe(text);
  });

  test('lets promises settle between two of its events', async () => {
    await using server = await listening(net, {}, (socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.alloc(300_000, 'a'));
      socket.end('b');
    });
    const socket = net.connect(server.port, '127.0.0.1');
    let read = 0;
    // Nobody listens from one to the next but the promise's continuation. This thread is busy in between, so that
    // much has come when it looks.
    while (!socket.readableEnded) {
      const [data] = await Promise.race([once(socket, 'data'), once(socket, 'end')]);
      read += data?.length ?? 0;
      await Promise.resolve().then(() => {});
      const until = performance.now() + 2;
      while (performance.now() < until);
    }
    expect(read).toBe(300_001);
  });

  test('goes on when a listener throws', async () => {
    const thrown: string[] = [];
    const catchIt = (error: Error) => thrown.push(error.message);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', catchIt);
    try {
      await using server = await listening(net, {}, (socket) => {
        socket.on('data', (data) => {
          if (data.toString() === 'throw') throw new Error('thrown on purpose');
          socket.end(data);
        });
      });
      const sockets = Array.from({ length: 20 }, () => net.connect(server.port, '127.0.0.1'));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      for (const [i, socket] of sockets.entries()) socket.write(i % 4 === 0 ? 'throw' : 'fine');
      const served = await Promise.all(
        sockets.filter((_, i) => i % 4 !== 0).map((socket) => readAll(socket)),
      );
      expect(served).toEqual(new Array(15).fill('fine'));
      expect(thrown).toEqual(new Array(5).fill('thrown on purpose'));
      for (const socket of sockets) socket.destroy();
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  test('takes every Uint8Array', async () => {
    await using server = await echo(net);
    const socket = net.connect(server.port, '127.0.0.1');
    const backing = Uint8Array.from([0, 65, 66, 67, 0]).subarray(1, 4);
    socket.write(backing);
    socket.end(new Uint8Array(0));
    expect(await readAll(socket)).toBe('ABC');
  });
});
