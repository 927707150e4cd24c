// With captureRejections, an async listener that rejects ends what it was called for. A failure is an unhandled rejection, which
// ends the process.

import events, { once } from 'node:events';
import nodeNet, { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modules } from './modules.js';

beforeAll(() => {
  events.captureRejections = true;
});
afterAll(() => {
  events.captureRejections = false;
});

async function reject(what: string): Promise<never> {
  await null;
  throw new Error(what);
}

/** A client that reads until it is closed. */
async function closedClientOf(server: Server, text = ''): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const client = nodeNet.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.resume();
  if (text !== '') client.write(text);
  await new Promise((resolve) => client.once('close', resolve));
}

describe.each(modules)('%s: a rejection in', (_name, net) => {
  const heard: string[] = [];
  const hear = (what: string) => (error: Error) => heard.push(`${what}: ${error.message}`);

  async function listening(onConnection: (socket: Socket) => unknown): Promise<Server> {
    heard.length = 0;
    const server = net.createServer(onConnection as (socket: Socket) => void);
    server.on('error', hear('server'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  test("'connection' destroys the socket, and the server goes on", async () => {
    const server = await listening((socket) => {
      socket.on('error', hear('socket'));
      return reject('in connection');
    });
    await closedClientOf(server);
    await closedClientOf(server);
    expect(heard).toEqual(['socket: in connection', 'socket: in connection']);
    server.close();
    await once(server, 'close');
  });

  test.each(['data', 'end'])("a socket's '%s' destroys it", async (event) => {
    const server = await listening((socket) => {
      socket.on('error', hear('socket'));
      socket.resume().on(event, () => reject(`in ${event}`));
      if (event === 'end') socket.on('end', () => socket.end());
    });
    if (event === 'data') await closedClientOf(server, 'x');
    else {
      const { port } = server.address() as AddressInfo;
      const client = nodeNet.connect({ port, host: '127.0.0.1' });
      client.on('error', () => {});
      client.resume().end('x');
      await new Promise((resolve) => client.once('close', resolve));
    }
    server.close();
    await once(server, 'close');
    expect(heard).toEqual([`socket: in ${event}`]);
  });

  test("'listening' is an error of the server", async () => {
    heard.length = 0;
    const server = net.createServer();
    server.on('listening', () => reject('in listening'));
    const failed = once(server, 'error');
    server.listen(0, '127.0.0.1');
    const [error] = await failed;
    expect(error.message).toBe('in listening');
    server.close();
    await once(server, 'close');
  });

  test("'connect' destroys the socket that connects", async () => {
    const server = await listening((socket) => socket.resume());
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('connect', () => reject('in connect'));
    const [error] = await once(socket, 'error');
    expect(error.message).toBe('in connect');
    expect(socket.destroyed).toBe(true);
    server.close();
    await once(server, 'close');
  });
});
