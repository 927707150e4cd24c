// A private redis-server for one sitting: free port, temporary folder, no persistence. It speaks
// to the server over a bare socket, so that the data every contestant is checked against was
// neither written nor read by a contestant.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { connectBare } from './bare-redis.mjs';

const kReadyDeadlineMs = 60_000;
const kAgainMs = 20;

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function bulkCommand(parts) {
  return parts.reduce(
    (text, part) => `${text}$${Buffer.byteLength(part)}\r\n${part}\r\n`,
    `*${parts.length}\r\n`,
  );
}

// Resolves when the server says that it is ready, rejects with its output if it ends first.
function untilReady(server) {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`redis-server was not ready in ${kReadyDeadlineMs} ms:\n${output}`)),
      kReadyDeadlineMs,
    );
    const settle = (action, value) => {
      clearTimeout(timer);
      action(value);
    };
    server.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ready to accept connections')) settle(resolve);
    });
    server.once('error', (error) =>
      settle(
        reject,
        error.code === 'ENOENT'
          ? new Error('redis-server was not found. Install it (Debian: apt install redis-server).')
          : error,
      ),
    );
    server.once('exit', () => settle(reject, new Error(`redis-server ended:\n${output}`)));
  });
}

// `hosts` are further addresses to listen on. A `dump` is a file that another server has saved: it is
// copied, and what was in it is there. It also listens on a Unix socket, for connections of a harness that
// must be told apart from a contestant's from their first moment. `settings` are further arguments, and `env` gets the folder and
// gives further variables of its environment.
export async function startRedisServer({ hosts = [], dump, settings = [], env } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sideloop-bench-'));
  const variables = { ...process.env, ...(await env?.(folder)) };
  if (dump !== undefined) await copyFile(dump, join(folder, 'dump.rdb'));
  const port = await freePort();
  const path = join(folder, 'socket');
  const args = ['--port', port, '--bind', '127.0.0.1', ...hosts, '--dir', folder];
  args.push('--unixsocket', path);
  args.push('--save', '', '--appendonly', 'no', '--daemonize', 'no');
  if (hosts.length > 0) args.push('--protected-mode', 'no');
  args.push(...settings);
  const start = (...more) =>
    spawn('redis-server', [...args, ...more].map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: variables,
    });
  let server = start();
  const killWithUs = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  // An interrupted sitting must leave nothing behind: a signal alone would skip the 'exit' event.
  const leave = () => process.exit(130);
  process.once('exit', killWithUs).once('SIGINT', leave).once('SIGTERM', leave);
  try {
    await untilReady(server);
  } catch (error) {
    killWithUs();
    throw error;
  }
  return {
    port,
    path,
    folder,
    pid: server.pid,
    // Saves what it has, ends, and begins anew with `more` arguments. Resolves when it has loaded all.
    async restart(...more) {
      let isGone = false;
      server.once('exit', () => {
        isGone = true;
      });
      // It may have no room for one more connection just now.
      while (!isGone) {
        const control = await connectBare(path).catch(() => undefined);
        await control?.call('SHUTDOWN', 'SAVE').catch(() => {});
        control?.close();
        await pass(kAgainMs);
      }
      server = start(...more);
      await untilReady(server);
    },
    async stop() {
      process.off('exit', killWithUs).off('SIGINT', leave).off('SIGTERM', leave);
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGTERM');
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// Sends all commands at once and resolves with everything that the server answered until it
// closed the connection, which the QUIT at the end asks it to do.
async function exchange(port, commands) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write([...commands, ['QUIT']].map(bulkCommand).join(''));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

export async function seed(port, keys, values) {
  const commands = [['FLUSHALL'], ...keys.map((key, index) => ['SET', key, values[index]])];
  const answer = await exchange(port, commands);
  if (answer !== '+OK\r\n'.repeat(commands.length + 1)) {
    throw new Error(`The server refused the seed: ${answer.slice(0, 200)}`);
  }
}

// Throws unless each key holds exactly its value.
export async function verify(port, keys, values) {
  const answer = await exchange(
    port,
    keys.map((key) => ['GET', key]),
  );
  const expected = values.map((value) => `$${value.length}\r\n${value}\r\n`).join('');
  if (answer !== `${expected}+OK\r\n`) {
    throw new Error('The server does not hold the values that the contestant says it has set.');
  }
}

// How many connections the server has, without the one that asks.
export async function countConnections(port) {
  const answer = await exchange(port, [['INFO', 'clients']]);
  return Number(/connected_clients:(\d+)/.exec(answer)[1]) - 1;
}
