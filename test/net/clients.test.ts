// Well-known packages, unchanged, over these sockets: ws on both sides, undici as a client; and node:tls on both sides.

import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import * as tls from 'node:tls';
import { Client } from 'undici';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { connect, createServer } from '../../lib/net/index.js';

describe('ws', () => {
  test('exchanges messages of all sizes, both ways', async () => {
    const httpServer = http.createServer();
    const webSockets = new WebSocketServer({ noServer: true });
    httpServer.on('upgrade', (request, socket, head) =>
      webSockets.handleUpgrade(request, socket, head, (client) => {
        client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
      }),
    );
    const server = createServer((socket) => httpServer.emit('connection', socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}`, {
      createConnection: () => connect(port, '127.0.0.1') as never,
    });
    await once(client, 'open');
    const sizes = [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 1 << 20];
    for (const size of sizes) {
      const sent = Buffer.alloc(size, size % 251);
      const answer = once(client, 'message');
      client.send(sent);
      const [received] = (await answer) as [Buffer];
      expect(received.equals(sent)).toBe(true);
    }
    const many = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        received.push(data.toString());
        if (received.length === many.length) resolve();
      });
    });
    for (const text of many) client.send(text);
    await all;
    expect(received).toEqual(many);
    client.close(1000, 'done');
    expect((await once(client, 'close'))[0]).toBe(1000);
    server.close();
    await once(server, 'close');
  });
});

describe('undici', () => {
  test('gets and posts over one connection, pipelined', async () => {
    const server = http
      .createServer((request, response) => {
        request.pipe(response.setHeader('x-url', request.url ?? ''));
      })
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    let connections = 0;
    const client = new Client(`http://127.0.0.1:${port}`, {
      pipelining: 4,
      connect: (_options, callback) => {
        connections++;
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => callback(null, socket as never));
        socket.once('error', (error) => callback(error, null));
      },
    });
    const bodies = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const { body, headers } = await client.request({
          path: `/${i}`,
          method: 'PUT',
          body: `body ${i} ${'x'.repeat(i * 1000)}`,
        });
        return [headers['x-url'], (await body.text()).length];
      }),
    );
    expect(bodies).toEqual(
      Array.from({ length: 50 }, (_, i) => [`/${i}`, `body ${i} `.length + i * 1000]),
    );
    expect(connections).toBe(1);
    await client.close();
    server.close();
  });
});

test('node:tls goes on top, as client and as server', async () => {
  const psk = Buffer.alloc(16, 'k');
  const shared = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };
  const tlsServer = tls.createServer({ ...shared, pskCallback: () => psk }, (secure) => {
    secure.pipe(secure);
  });
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    tlsServer.emit('connection', socket),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const secure = tls.connect({
    ...shared,
    socket: connect((server.address() as AddressInfo).port, '127.0.0.1') as never,
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  });
  await once(secure, 'secureConnect');
  const sent = Buffer.alloc(3 << 20, 'secret');
  secure.end(sent);
  expect((await buffer(secure)).equals(sent)).toBe(true);
  secure.destroy();
  server.close();
  await once(server, 'close');
});
