import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The Redis that the demo talks to. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** What to call it in the report. */
  readonly label: string;
}

/** The server of REDIS_URL, which is left as it is, or else a private one. */
export async function openRedis(): Promise<RedisServer> {
  const url = process.env.REDIS_URL;
  if (url) return { url, label: 'REDIS_URL', [Symbol.asyncDispose]: async () => {} };
  const attempts = 5;
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const output = await start(port);
    if (output.ready) return output.server;
    // Another process may have taken the port in between. Any other reason is there to stay.
    if (attempt === attempts || !output.text.includes('Address already in use')) {
      throw new Error(`redis-server did not start. Set REDIS_URL, or install it.\n${output.text}`);
    }
  }
}

// The shell ends when its stdin does, and takes the server and the folder along. The kernel closes
// that pipe however this process ends, so that nothing is left behind even after SIGKILL.
const guard = `
folder=$1; shift
redis-server --dir "$folder" "$@" </dev/null 2>&1 &
server=$!
exec >/dev/null 2>&1
cat
kill -KILL $server
wait
rm -rf "$folder"
`;

type Started = { ready: true; server: RedisServer } | { ready: false; text: string };

async function start(port: number): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'sideloop-demo-'));
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const shell = spawn('sh', ['-c', guard, 'sh', folder, ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // In a process group of its own Ctrl-C does not reach it, and the run can end in good order.
    detached: true,
  });
  const ended = once(shell, 'close');
  const stop = async () => {
    shell.ref();
    shell.stdin.end();
    await ended;
  };
  const lines: string[] = [];
  for await (const line of createInterface({ input: shell.stdout })) {
    lines.push(line);
    if (!line.includes('Ready to accept connections')) continue;
    // Nobody reads on, and a full pipe would stop the server.
    shell.stdout.resume();
    // A run that failed shall be able to end the process without stopping the server first.
    shell.unref();
    const url = `redis://127.0.0.1:${port}`;
    const label = 'a private redis-server';
    return { ready: true, server: { url, label, [Symbol.asyncDispose]: stop } };
  }
  await stop();
  return { ready: false, text: lines.join('\n') };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
