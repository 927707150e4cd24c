// What of a socket or server holds the process, with node:net as the control. A failure is a process that never ends, as nobody
// reads what a paused socket has, or one that ends before its server listens.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '../net/modules.js';

const program = fileURLToPath(new URL('children/net-hold.mjs', import.meta.url));
// A hang ends as a SIGKILL that no test expects. None takes a second on a quiet machine.
const HANGS_AFTER_MS = 40_000;

const servers: Server[] = [];

async function peer(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Something at a time when a process that nothing holds has ended. Where it has not by then, the test proves less. */
const later = (action: () => void) => void setTimeout(action, 300);

const ports = {
  silent: await peer(() => {}),
  refused: await freePort(),
  sendsOne: await peer((socket) => socket.write('x')),
  sendsMuch: await peer((socket) => socket.write(Buffer.alloc(1e6))),
  sendsOneAndEnds: await peer((socket) => socket.end('x')),
  sendsMuchAndEnds: await peer((socket) => socket.end(Buffer.alloc(1e6))),
  readsLate: await peer((socket) => later(() => socket.resume())),
  sendsLater: await peer((socket) => later(() => socket.write('x'))),
  closesLater: await peer((socket) => later(() => socket.end())),
};

afterAll(() => {
  for (const server of servers) server.close();
});

/** How it ended, and what it said. */
function endOf(module: string, name: string): Promise<string> {
  const args = [program, module, name, JSON.stringify(ports)];
  return new Promise((resolve) => {
    const options = { timeout: HANGS_AFTER_MS, killSignal: 'SIGKILL' as const };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const { code = 0, signal = null } = error ?? {};
      resolve(`${stdout.trim()}${stderr} ${signal ?? code}`);
    });
  });
}

const expected = {
  pausedBeforeItConnects: 'connected',
  pausedByItsListener: 'paused',
  unreadMuch: 'connected',
  unreadBeforeTheEnd: 'connected',
  unreadMuchBeforeTheEnd: 'connected',
  pausedConnectionOfAServer: 'accepted',
  unreadConnectionOfAServer: 'accepted',
  unreferencedServerBeforeItListens: 'listening',
  unreferencedServerByName: 'listening',
  serverUnreferencedBeforeListen: 'listening',
  unreferencedServerThatFails: 'EADDRNOTAVAIL',
  unreferencedServerThatCloses: 'closed',
  unreferencedWhileItConnects: 'connected',
  unreferencedWhileItFails: 'ECONNREFUSED',
  unreferencedWithBytesToSend: 'written',
  pausedWithBytesToSend: 'written',
  heldByReading: 'heard',
  heldByBeingUnread: 'closed',
  heldAgainByResume: 'heard',
};

describe.each(['node:net', 'sideloop/net'])('%s: the process', { timeout: 60_000 }, (module) => {
  test.each(Object.entries(expected))('%s', async (name, said) => {
    expect(await endOf(module, name)).toBe(`${said} 0`);
  });
});
