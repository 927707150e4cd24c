// A socket sends the bytes of the moment of the call, though the caller fills the same memory anew at once. A failure here is a
// message that arrives with another's bytes in it.

import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect } from '../../lib/net/index.js';
import { listening, modules, type Net } from './modules.js';

const [, [, net]] = modules as [[string, Net], [string, Net]];
const K = 1024;
const COUNT = 12;

const ways: [name: string, write: (socket: Socket, next: () => Buffer) => void][] = [
  [
    'one after the other',
    (socket, next) => {
      for (let i = 0; i < COUNT; i++) socket.write(next());
      socket.end();
    },
  ],
  [
    'corked',
    (socket, next) => {
      socket.cork();
      for (let i = 0; i < COUNT; i++) socket.write(next());
      socket.uncork();
      socket.end();
    },
  ],
  [
    'the last by end()',
    (socket, next) => {
      for (let i = 0; i < COUNT - 1; i++) socket.write(next());
      socket.end(next());
    },
  ],
  [
    'corked, the last by end()',
    (socket, next) => {
      socket.cork();
      for (let i = 0; i < COUNT - 1; i++) socket.write(next());
      socket.end(next());
    },
  ],
  [
    'as other views, behind an empty one',
    (socket, next) => {
      socket.write(Buffer.alloc(0));
      for (let i = 0; i < COUNT; i++) {
        const { buffer, byteOffset, length } = next();
        socket.write(new DataView(buffer, byteOffset, length) as never);
      }
      socket.end();
    },
  ],
];

const moments: [name: string, options: object, begin: (socket: Socket) => Promise<void>][] = [
  [
    'connected',
    {},
    (socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve())),
  ],
  ['connecting', {}, async () => {}],
  [
    'waiting for a resolver of the caller',
    {
      host: 'a.test',
      lookup: (_host: string, _options: object, found: (...args: unknown[]) => void) =>
        setImmediate(() => setImmediate(found, null, [{ address: '127.0.0.1', family: 4 }])),
    },
    async () => {},
  ],
];

describe.each(moments)('%s', (_moment, options, begin) => {
  for (const size of [10, 20 * K, 100 * K]) {
    test.each(ways)(`pieces of ${size} bytes, %s`, async (_name, write) => {
      const received: Buffer[] = [];
      let arrived = () => {};
      const all = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      await using server = await listening(net, {}, (socket) => {
        socket.on('data', (data) => received.push(data)).on('end', arrived);
      });
      const socket = connect({ port: server.port, host: '127.0.0.1', ...options });
      await begin(socket as unknown as Socket);
      const memory = Buffer.alloc(size);
      const expected: Buffer[] = [];
      const next = () => {
        expected.push(Buffer.from(memory.fill(65 + expected.length)));
        return memory;
      };
      write(socket as unknown as Socket, next);
      memory.fill(255);
      await all;
      expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
    });
  }
});
