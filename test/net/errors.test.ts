// What goes wrong goes wrong in the same way as in node:net: the same code, system call, address and port. Code that tells
// errors apart would take a wrong turn otherwise.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { freePort, listening, modules, type Net, pipePath } from './modules.js';

interface SystemError extends Error {
  code: string;
  syscall?: string;
  address?: string;
  port?: number;
  hostname?: string;
}

/** What of an error code looks at. */
function shapeOf(error: SystemError) {
  const { code, syscall, address, port, hostname } = error;
  return { code, syscall, address, port, hostname };
}

async function errorOf(emitter: NodeJS.EventEmitter): Promise<SystemError> {
  const [error] = await once(emitter, 'error', { signal: AbortSignal.timeout(15_000) }).catch(
    (e) => [e],
  );
  return error as SystemError;
}

const refusedPort = await freePort();
const usedPipe = pipePath('used');
writeFileSync(usedPipe, '');

const cases: [name: string, fail: (net: Net) => Promise<SystemError>][] = [
  [
    'connect to a port at which nobody listens',
    (net) => errorOf(net.connect(refusedPort, '127.0.0.1')),
  ],
  [
    'connect to an IPv6 port at which nobody listens',
    (net) => errorOf(net.connect(refusedPort, '::1')),
  ],
  [
    'connect to a name that does not resolve',
    (net) => errorOf(net.connect(refusedPort, 'nobody.invalid')),
  ],
  [
    'connect to a list of addresses at which nobody listens',
    async (net) => {
      const socket = net.connect({
        port: refusedPort,
        host: 'list.test',
        autoSelectFamily: true,
        lookup: (_host, _options, callback) =>
          callback(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '127.0.0.2', family: 4 },
          ]),
      });
      const error = (await errorOf(socket)) as unknown as AggregateError & SystemError;
      const errors = error.errors.map((each) => shapeOf(each));
      return Object.assign(new Error(), { ...shapeOf(error), hostname: JSON.stringify(errors) });
    },
  ],
  [
    'connect with a lookup that fails',
    (net) => {
      const failure = Object.assign(new Error('no'), { code: 'ENOANSWER' });
      return errorOf(
        net.connect({
          port: refusedPort,
          host: 'a.test',
          lookup: (_h, _o, done) => done(failure, []),
        }),
      );
    },
  ],
  [
    'connect to a pipe that is not there',
    (net) => errorOf(net.connect('/tmp/sideloop/nowhere.sock')),
  ],
  ['connect to a pipe that is a file', (net) => errorOf(net.connect(usedPipe))],
  [
    'connect from an address of another machine',
    (net) =>
      errorOf(net.connect({ port: refusedPort, host: '127.0.0.1', localAddress: '192.0.2.1' })),
  ],
  [
    'have the connection reset by the peer',
    async (net) => {
      await using server = await listening(net, {}, (socket) => {
        socket.once('data', () => socket.resetAndDestroy());
      });
      const socket = net.connect(server.port, '127.0.0.1');
      const error = errorOf(socket);
      socket.write('x');
      return await error;
    },
  ],
  [
    'go on writing to a peer that is gone',
    async (net) => {
      await using server = await listening(net, {}, (socket) => socket.destroy());
      const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
      const error = errorOf(socket);
      await once(socket, 'connect');
      const more = () => {
        if (socket.writable) socket.write('x', () => setImmediate(more));
      };
      more();
      const failure = await error;
      // Which of the two it is depends on how far the reset has come.
      expect(['ECONNRESET', 'EPIPE']).toContain(failure.code);
      return Object.assign(new Error(), { code: 'gone' });
    },
  ],
  [
    'write to a socket that was never connected',
    (net) => {
      const socket = new net.Socket();
      const error = errorOf(socket);
      socket.write('x');
      return error;
    },
  ],
  [
    'reset a socket that was never connected',
    (net) => {
      const socket = new net.Socket();
      const error = errorOf(socket);
      socket.resetAndDestroy();
      return error;
    },
  ],
  [
    'write after end()',
    async (net) => {
      await using server = await listening(net, {}, (socket) => socket.resume());
      const socket = net.connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      const error = errorOf(socket);
      socket.end();
      socket.write('x');
      return await error;
    },
  ],
  [
    'abort while connecting',
    (net) => {
      const controller = new AbortController();
      const socket = net.connect({
        port: refusedPort,
        host: '192.0.2.1',
        signal: controller.signal,
      } as never);
      controller.abort();
      return errorOf(socket);
    },
  ],
  [
    'listen on a port that is taken',
    async (net) => {
      await using taken = await listening(net, {}, () => {});
      const error = await errorOf(net.createServer().listen(taken.port, '127.0.0.1'));
      expect(error.port).toBe(taken.port);
      return Object.assign(error, { port: 0 });
    },
  ],
  [
    'listen on a port that is taken, at every address',
    async (net) => {
      const taken = net.createServer().listen(0);
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const error = await errorOf(net.createServer().listen(port));
      taken.close();
      return Object.assign(error, { port: error.port === port ? 0 : error.port });
    },
  ],
  [
    'listen on an address of another machine',
    (net) => errorOf(net.createServer().listen(0, '192.0.2.1')),
  ],
  [
    'listen on a name that does not resolve',
    (net) => errorOf(net.createServer().listen(0, 'nobody.invalid')),
  ],
  [
    'listen on a pipe whose path is taken',
    async (net) => {
      const error = await errorOf(net.createServer().listen(usedPipe));
      // node:net says -1, which is no port.
      return Object.assign(error, { port: undefined });
    },
  ],
  [
    'listen on a pipe in no folder',
    async (net) => {
      const error = await errorOf(net.createServer().listen('/tmp/sideloop/nowhere.sock'));
      return Object.assign(error, { port: undefined });
    },
  ],
  [
    'close a server that does not listen',
    (net) =>
      new Promise((resolve) => {
        net.createServer().close((error) => resolve(error as SystemError));
      }),
  ],
  [
    'listen twice',
    async (net) => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        server.listen(0);
      } catch (error) {
        return error as SystemError;
      } finally {
        server.close();
      }
      return new Error('nothing was thrown') as SystemError;
    },
  ],
];

describe('errors are those of node:net', () => {
  test.each(cases)('%s', async (_name, fail) => {
    const [[, control], [, ours]] = modules as [[string, Net], [string, Net]];
    expect(shapeOf(await fail(ours))).toEqual(shapeOf(await fail(control)));
  });
});

describe('a message says where', () => {
  const [, [, net]] = modules as [[string, Net], [string, Net]];

  test.each([
    ['127.0.0.1', `127.0.0.1:${refusedPort}`],
    ['::1', `[::1]:${refusedPort}`],
    ['nobody.invalid', 'nobody.invalid'],
  ])('%s', async (host, said) => {
    const { message } = await errorOf(net.connect(refusedPort, host));
    expect(message.endsWith(` ${said}`)).toBe(true);
  });

  test('a path', async () => {
    const path = pipePath('nowhere');
    expect((await errorOf(net.connect(path))).message).toContain(path);
  });

  test('all addresses of a name', async () => {
    const addresses = ['127.0.0.1', '::1', '127.0.0.2'];
    const found = addresses.map((address) => ({ address, family: address === '::1' ? 6 : 4 }));
    const { message } = await errorOf(
      net.connect({
        port: refusedPort,
        host: 'list.test',
        autoSelectFamily: true,
        lookup: (_host, _options, callback) => callback(null, found),
      }),
    );
    for (const at of ['127.0.0.1', '[::1]', '127.0.0.2']) {
      expect(message).toContain(` ${at}:${refusedPort}`);
    }
  });
});

describe('wrong arguments', () => {
  const [, [, net]] = modules as [[string, Net], [string, Net]];
  const wrong: [name: string, call: () => unknown, message: RegExp][] = [
    ['port', () => net.connect(70_000), /port/],
    ['port text', () => net.connect({ port: 'x' as never }), /port/],
    ['no port', () => net.connect({} as never), /port/],
    ['localPort', () => net.connect({ port: 1, localPort: -1 }), /localPort/],
    ['localAddress', () => net.connect({ port: 1, localAddress: 'localhost' }), /localAddress/],
    ['family', () => net.connect({ port: 1, family: 5 as never }), /family/],
    [
      'connectTimeout',
      () => net.connect({ port: 1, connectTimeout: -1 } as never),
      /connectTimeout/,
    ],
    ['host', () => net.connect({ port: 1, host: 'a\0b' }), /host/],
    ['loop', () => net.connect({ port: 1, loop: {} } as never), /loop/],
    ['onread', () => net.connect({ port: 1, onread: {} as never }), /onread/],
    ['fd', () => new net.Socket({ fd: 0 }), /fd/],
    ['timeout', () => new net.Socket().setTimeout(Number.NaN), /timeout/],
    ['listener', () => net.createServer({}, 5 as never), /listener/],
    ['listen port', () => net.createServer().listen(-1), /port/],
    ['backlog', () => net.createServer().listen({ port: 0, backlog: 1.5 }), /backlog/],
    ['listen fd', () => net.createServer().listen({ fd: 3 }), /descriptors/],
    ['maxConnections', () => Object.assign(net.createServer(), { maxConnections: -1 }), /maxConn/],
  ];
  test.each(wrong)('%s', (_name, call, message) => {
    expect(call).toThrow(
      expect.objectContaining({
        code: 'ERR_SIDELOOP_ARGUMENT',
        message: expect.stringMatching(message),
      }),
    );
  });
});
