// A wrong argument is refused before anything is begun. A failure is a server that listens although listen() threw, or a listener
// that nobody can take away.

import events, { once } from 'node:events';
import nodeNet from 'node:net';
import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { connect, createServer, Server, Socket } from '../../lib/net/index.js';
import { thrownBy } from '../thrown-by.js';
import { echo, freePort, modules, type Net, pipePath, readAll } from './modules.js';

const [[, control]] = modules as [[string, Net]];
const refused = { code: 'ERR_SIDELOOP_ARGUMENT' };

const wrongListens: [name: string, args: unknown[]][] = [
  ['a signal that is a text', [{ signal: 'x' }]],
  ['a signal that is an object', [{ signal: {} }]],
  ['a signal that is a controller', [{ port: 0, signal: new AbortController() }]],
  ['a port that is none', [{ port: 70_000 }]],
  ['a backlog that is a text', [{ port: 0, backlog: 'x' }]],
  ['a backlog below 0', [0, '127.0.0.1', -1]],
  ['a host with a NUL', [{ host: 'a\0b' }]],
  ['a host that is an object', [{ host: {} }]],
  ['a path that is a number', [{ path: 5 }]],
  ['a descriptor', [{ fd: 3 }]],
  ['a misspelt name', [{ prot: 1 }]],
];

describe('listen() refuses, and leaves a server that listens to no one', () => {
  test.each(wrongListens)('%s', async (_name, args) => {
    const server = createServer();
    const listener = () => {};
    expect(thrownBy(() => server.listen(...([...args, listener] as never[])))).toMatchObject(
      refused,
    );
    expect(server.listening).toBe(false);
    expect(server.listenerCount('listening')).toBe(0);
    // It is as it was: it may listen, and be closed.
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  });
});

const wrongConnects: [name: string, options: object][] = [
  ['a signal that is a text', { signal: 'x' }],
  ['a highWaterMark that is a text', { highWaterMark: 'x' }],
  ['a delay below 0', { keepAliveInitialDelay: -1 }],
  ['a port beyond all', { port: 70_000 }],
  ['a lookup that is no function', { lookup: 'x' }],
  ['a family that is none', { family: 5 }],
  ['a local address that is a name', { localAddress: 'localhost' }],
  ['a timeout that is NaN', { timeout: Number.NaN }],
  ['a connectTimeout that is a text', { connectTimeout: '80' }],
  ['an attempt of -1 ms', { autoSelectFamilyAttemptTimeout: -1 }],
  ['autoSelectFamily that is a text', { autoSelectFamily: 'no' }],
  ['hints that are unknown', { hints: 1 << 20 }],
  ['a loop that is none', { loop: {} }],
  ['onread', { onread: {} }],
];

describe('connect() refuses, before it listens to the signal', () => {
  test.each(wrongConnects)('%s', (_name, wrong) => {
    const { signal } = new AbortController();
    const options = { port: 1, host: '127.0.0.1', signal, ...wrong };
    expect(thrownBy(() => connect(options as never))).toMatchObject(refused);
    expect(events.getEventListeners(signal, 'abort')).toEqual([]);
  });

  test.each(wrongConnects)('%s, and the socket connects all the same', async (_name, wrong) => {
    // Those of a socket alone are none of connect()'s.
    if ('highWaterMark' in wrong || 'keepAliveInitialDelay' in wrong || 'signal' in wrong) return;
    await using server = await echo(control);
    const socket = new Socket();
    const options = { port: server.port, host: '127.0.0.1', ...wrong };
    const listener = () => {};
    expect(thrownBy(() => socket.connect(options as never, listener))).toMatchObject(refused);
    expect(socket.connecting).toBe(false);
    expect(socket.listenerCount('connect')).toBe(0);
    expect(socket.timeout).toBeUndefined();
    socket.connect(server.port, '127.0.0.1');
    socket.end('after all');
    expect(await readAll(socket)).toBe('after all');
  });
});

describe('a server refuses what would fail where nobody can catch it', () => {
  test.each([
    ['a highWaterMark below 0', { highWaterMark: -1 }],
    ['a highWaterMark that is a text', { highWaterMark: 'x' }],
    ['a delay that is a text', { keepAlive: true, keepAliveInitialDelay: 'x' }],
    ['a delay that is NaN', { keepAliveInitialDelay: Number.NaN }],
    ['a loop that is none', { loop: 5 }],
    ['a misspelt name', { pauseOnConect: true }],
  ])('%s', (_name, options) => {
    expect(thrownBy(() => new Server(options as never))).toMatchObject(refused);
  });
});

test('null in an option is as good as nothing', async () => {
  const server = createServer({ loop: null, highWaterMark: null, noDelay: null } as never);
  server.on('connection', (socket) => socket.pipe(socket));
  server.listen({ port: null, host: null, backlog: null, signal: null, path: null } as never);
  await once(server, 'listening');
  const { port } = server.address() as nodeNet.AddressInfo;
  const nothing = Object.fromEntries(
    ['path', 'family', 'localAddress', 'localPort', 'lookup', 'signal', 'timeout', 'loop']
      .concat(['highWaterMark', 'connectTimeout', 'autoSelectFamily', 'hints', 'fd', 'onread'])
      .map((name) => [name, null]),
  );
  const socket = connect({ port, host: '127.0.0.1', ...nothing });
  socket.end('nothing');
  expect(await readAll(socket)).toBe('nothing');
  server.close();
  await once(server, 'close');
});

test('a signal of another realm, or of a library, aborts', async () => {
  const target = new EventTarget();
  const signal = Object.assign(target, { aborted: false, reason: undefined });
  const server = createServer().listen({ port: 0, host: '127.0.0.1', signal: signal as never });
  await once(server, 'listening');
  signal.aborted = true;
  signal.dispatchEvent(new Event('abort'));
  await once(server, 'close');
});

const stopped = new EventLoop();
await stopped.stop();
const refusedPort = await freePort();

/** What fails at once, as far as this thread is concerned. */
const failing: [name: string, begin: () => Socket, code: string][] = [
  [
    'a signal that was aborted',
    () => connect({ port: 9, host: '127.0.0.1', signal: AbortSignal.abort() }),
    'ABORT_ERR',
  ],
  ['a loop that was stopped', () => connect({ port: 9, loop: stopped }), 'ERR_SIDELOOP_STOPPED'],
  ['a pipe that is not there', () => connect(pipePath('nobody')), 'ENOENT'],
  ['a pipe whose path is too long', () => connect(`/tmp/${'x'.repeat(200)}`), 'EINVAL'],
  [
    'an address of another machine',
    () => connect({ port: 9, host: '127.0.0.1', localAddress: '192.0.2.1' }),
    'EADDRNOTAVAIL',
  ],
  ['a port at which nobody listens', () => connect(refusedPort, '127.0.0.1'), 'ECONNREFUSED'],
];

describe('an error of a connect comes in a later turn', () => {
  test.each(failing)('%s', async (_name, begin, code) => {
    const socket = begin();
    expect(socket.destroyed).toBe(false);
    // As http does: it listens to its socket in a tick.
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      process.nextTick(() => socket.once('error', resolve));
    });
    expect(error.code).toBe(code);
  });
});

describe.each(modules)('%s: drop', (_name, net) => {
  test.each(['tcp', 'pipe'])('says who was turned away (%s)', async (kind) => {
    const server = net.createServer((socket) => socket.on('error', () => {}).resume());
    server.maxConnections = 1;
    if (kind === 'tcp') server.listen(0, '127.0.0.1');
    else server.listen(pipePath('drop'));
    await once(server, 'listening');
    const address = server.address() as nodeNet.AddressInfo | string;
    const begin = () =>
      (typeof address === 'string'
        ? nodeNet.connect(address)
        : nodeNet.connect(address.port, '127.0.0.1')
      ).on('error', () => {});
    const first = begin();
    await once(server, 'connection');
    const dropped = once(server, 'drop');
    const second = begin();
    const [argument] = await dropped;
    if (kind === 'pipe') expect(argument).toBeUndefined();
    else {
      expect(argument).toMatchObject({
        localAddress: '127.0.0.1',
        localPort: (address as nodeNet.AddressInfo).port,
        localFamily: 'IPv4',
        remoteAddress: '127.0.0.1',
        remoteFamily: 'IPv4',
      });
    }
    first.destroy();
    second.destroy();
    server.close();
    await once(server, 'close');
  });
});
