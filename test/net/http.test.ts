// HTTP/1.1 of node:http, unchanged, over these sockets: as its client, as its server, and both. A failure means that what the
// ecosystem expects of a socket is missing.

import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, createServer, type Server } from '../../lib/net/index.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** node:http's server behind a server of ours. */
async function serve(listener: http.RequestListener): Promise<{ port: number; server: Server }> {
  const httpServer = http.createServer({ keepAliveTimeout: 2000 }, listener);
  const server = createServer((socket) => httpServer.emit('connection', socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    httpServer.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

/** node:http's server as it is. */
async function serveNatively(listener: http.RequestListener): Promise<{ port: number }> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

/** An agent whose connections are ours. */
class Agent extends http.Agent {
  connections = 0;
  override createConnection(options: http.ClientRequestArgs) {
    this.connections++;
    return connect({ host: options.host ?? '127.0.0.1', port: Number(options.port) });
  }
}

async function get(port: number, options: http.RequestOptions = {}): Promise<http.IncomingMessage> {
  const request = http.get({ host: '127.0.0.1', port, ...options });
  const [response] = await once(request, 'response');
  return response as http.IncomingMessage;
}

const kinds = [
  ['its client', serveNatively, true],
  ['its server', serve, false],
  ['both', serve, true],
] as const;

describe.each(kinds)('node:http with these sockets as %s', (_name, start, isClient) => {
  const options = isClient
    ? {
        createConnection: ({ port, timeout }: http.ClientRequestArgs) =>
          connect({ port: Number(port), host: '127.0.0.1', timeout }),
      }
    : {};

  test('gets', async () => {
    const { port } = await start((request, response) => {
      response.setHeader('x-path', request.url ?? '');
      response.end(`hello ${request.socket.remoteAddress}`);
    });
    const response = await get(port, { ...options, path: '/a?b' });
    expect([response.statusCode, response.headers['x-path']]).toEqual([200, '/a?b']);
    expect(await text(response)).toBe('hello 127.0.0.1');
  });

  test('uses a connection many times', async () => {
    const { port } = await start((request, response) => {
      request.resume();
      response.end(request.url);
    });
    const agent = isClient
      ? new Agent({ keepAlive: true, maxSockets: 4 })
      : new http.Agent({ keepAlive: true, maxSockets: 4 });
    closers.push(() => agent.destroy());
    const bodies = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => text(await get(port, { agent, path: `/${i}` }))),
    );
    expect(bodies).toEqual(Array.from({ length: 200 }, (_, i) => `/${i}`));
    if (agent instanceof Agent) expect(agent.connections).toBeLessThanOrEqual(4);
  });

  test('sends bodies of unknown length, in chunks', async () => {
    const { port } = await start(async (request, response) => {
      const body = await text(request);
      for (const part of body.split(',')) {
        response.write(part);
        await new Promise(setImmediate);
      }
      response.end();
    });
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', ...options });
    const response = once(request, 'response');
    for (const part of ['a,', 'b,', 'c']) {
      request.write(part);
      await new Promise(setImmediate);
    }
    request.end();
    const [message] = await response;
    expect(message.headers['transfer-encoding']).toBe('chunked');
    expect(await text(message)).toBe('abc');
  });

  test('uploads and downloads megabytes under back-pressure', async () => {
    const size = 16 << 20;
    const { port } = await start(async (request, response) => {
      const body = await buffer(request);
      response.setHeader('x-length', body.length);
      Readable.from(slices(body)).pipe(response);
    });
    const request = http.request({ host: '127.0.0.1', port, method: 'PUT', ...options });
    const body = Buffer.alloc(size, 'abcdefghijk');
    Readable.from(slices(body)).pipe(request);
    const [response] = await once(request, 'response');
    expect(response.headers['x-length']).toBe(String(size));
    expect((await buffer(response)).equals(body)).toBe(true);
  });

  test('times a silent server out', async () => {
    const { port } = await start(() => {});
    const request = http.get({ host: '127.0.0.1', port, timeout: 50, ...options });
    const failure = once(request, 'error');
    await once(request, 'timeout');
    request.destroy(new Error('too slow'));
    await expect(failure).resolves.toMatchObject([{ message: 'too slow' }]);
  });

  test('is aborted', async () => {
    const { port } = await start((_request, response) => {
      response.write('begun');
    });
    const controller = new AbortController();
    const response = await get(port, { ...options, signal: controller.signal });
    const failure = text(response);
    controller.abort();
    await expect(failure).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

function* slices(body: Buffer) {
  for (let at = 0; at < body.length; at += 50_000) yield body.subarray(at, at + 50_000);
}
