// node:net and sideloop/net side by side: what the one does, the other is held to.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import * as nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sideNet from '../../lib/net/index.js';

export type Net = typeof nodeNet;

/** Both modules, node:net first: where a test fails for that one, the test is wrong. */
export const modules: [name: string, net: Net][] = [
  ['node:net', nodeNet],
  ['sideloop/net', sideNet as unknown as Net],
];

/** The path of a pipe that nobody uses. */
export function pipePath(name: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\sideloop-${process.pid}-${name}`;
  const path = join(
    tmpdir(),
    `sideloop-${process.pid}-${Math.random().toString(36).slice(2)}-${name}`,
  );
  rmSync(path, { force: true });
  return path;
}

/** A server of `net` on a free port of the loopback address. */
export async function listening(
  net: Net,
  options: nodeNet.ServerOpts,
  onConnection: (socket: nodeNet.Socket) => void,
): Promise<{ server: nodeNet.Server; port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<nodeNet.Socket>();
  const server = net.createServer(options, (socket) => {
    sockets.add(socket);
    // Many a test resets its connections; whether this end hears of it before it is destroyed is chance.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as nodeNet.AddressInfo;
  return {
    server,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** A server that sends back what it gets. */
export const echo = (net: Net, options: nodeNet.ServerOpts = {}) =>
  listening(net, options, (socket) => {
    socket.pipe(socket);
  });

/** Resolves when a byte has gone to a peer and come back: what was begun before it has been seen by the loop. */
export async function roundTrip(net: Net): Promise<void> {
  await using server = await echo(net);
  const socket = net.connect(server.port, '127.0.0.1');
  socket.write('x');
  await once(socket, 'data');
  socket.destroy();
  await once(socket, 'close');
}

/** Resolves when `figure` has stood still for so long that everybody had many chances to move it. */
export async function standstill(net: Net, figure: () => number): Promise<void> {
  for (let still = 0, before = figure(); still < 30; still++) {
    await roundTrip(net);
    if (figure() === before) continue;
    before = figure();
    still = 0;
  }
}

/** A port of the loopback address at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = nodeNet.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as nodeNet.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** All that arrives until the end, as text. */
export async function readAll(socket: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The names of the events that `emitter` emits, as they come. */
export function recordEvents(
  emitter: nodeNet.Socket | nodeNet.Server,
  ...names: string[]
): string[] {
  const events: string[] = [];
  for (const name of names) emitter.on(name, () => events.push(name));
  return events;
}

/** Of a process: `T` where it is stopped. */
function stateOf(pid: number): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', ['-o', 'stat=', '-p', `${pid}`], (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout.trim());
    });
  });
}

/** A listener that accepts nothing, and whose queue is full: whoever connects now gets no answer. */
export async function unanswering() {
  const program = `
    import { createServer } from 'node:net';
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      process.stdout.write(String(server.address().port), () => process.kill(process.pid, 'SIGSTOP'));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  // Until it is stopped it accepts, and its queue has room again.
  while (!(await stateOf(child.pid as number)).startsWith('T'));
  const filling: nodeNet.Socket[] = [];
  for (let answered = true; answered; ) {
    const socket = nodeNet.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    filling.push(socket);
    answered = await Promise.race([
      once(socket, 'connect').then(() => true),
      // The kernel answers within the call, and connections that began later are heard of later.
      roundTrip(nodeNet).then(() => false),
    ]);
  }
  return {
    port,
    [Symbol.dispose]() {
      for (const socket of filling) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
