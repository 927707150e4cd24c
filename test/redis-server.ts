import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** A private redis-server on a free port of 127.0.0.1, without persistence, in a temporary folder. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** The server's own process: SIGSTOP makes it silent, SIGKILL makes it die without a word. */
  readonly pid: number;
  /** Settles once the server's process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Runs redis-cli against the server and resolves with what it prints, trimmed. */
  cli(...args: string[]): Promise<string>;
  /** Kills the server and removes its folder. May be called again. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Further arguments, as on redis-server's command line: `['--requirepass', 'secret']`. */
  args?: readonly string[];
  /** A port that was free a moment ago; by default any. It fails if someone else has it. */
  port?: number;
  /** Further variables of its environment. */
  env?: Readonly<Record<string, string>>;
}

// The shell outlives the test only as long as the test holds its stdin: when the test's process is
// gone, by whatever signal, the pipe closes, `cat` ends and the server is killed. The shell lets go
// of stdout, so that the end of stdout is the end of the server. SIGKILL also ends a stopped server,
// and nothing of its data is worth a clean exit.
const GUARD = `
folder=$1
shift
redis-server --dir "$folder" "$@" </dev/null &
server=$!
echo "pid $server"
exec >/dev/null 2>&1
cat
kill -KILL $server
wait
rm -rf "$folder"
`;

const ATTEMPTS = 5;

/** Starts a server and resolves when it accepts connections. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await startOn(port, options.args ?? [], options.env ?? {});
    } catch (error) {
      // Between the probe and the start another process may have taken the port.
      const portWasTaken = String(error).includes('Address already in use');
      if (!portWasTaken || options.port !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOn(
  port: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sideloop-redis-'));
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''];
  const guard = spawn(
    '/bin/sh',
    ['-c', GUARD, 'redis-guard', folder, ...settings, '--appendonly', 'no', ...args],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  const guardEnded = new Promise<void>((resolve) => guard.once('close', () => resolve()));

  async function stop(): Promise<void> {
    guard.stdin.end();
    await guardEnded;
  }

  try {
    const { pid, exited } = await accepting(guard);
    return {
      port,
      url: `redis://127.0.0.1:${port}`,
      pid,
      exited,
      stop,
      [Symbol.asyncDispose]: stop,
      async cli(...command) {
        const run = promisify(execFile);
        const { stdout } = await run('redis-cli', ['-p', `${port}`, ...command]);
        return stdout.trimEnd();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Follows the server's log until it accepts connections; rejects with the log if it ends first. */
function accepting(guard: ChildProcess): Promise<{ pid: number; exited: Promise<void> }> {
  const { stdin, stdout, stderr } = guard;
  if (!stdin || !stdout || !stderr) throw new Error('the guard has no pipes');
  // Killing a guard that has already gone is what stop() is for, not an error.
  stdin.on('error', () => {});
  const log: string[] = [];
  stderr.on('data', (chunk) => log.push(String(chunk)));

  return new Promise((resolve, reject) => {
    let pid = 0;
    const lines = createInterface({ input: stdout });
    const exited = new Promise<void>((settle) => lines.once('close', settle));
    guard.once('error', reject);
    exited.then(() =>
      reject(new Error(`redis-server ended before it was ready:\n${log.join('\n')}`)),
    );
    lines.on('line', (line) => {
      log.push(line);
      if (line.startsWith('pid ')) pid = Number(line.slice('pid '.length));
      if (line.includes('Ready to accept connections')) resolve({ pid, exited });
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address && typeof address === 'object') resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}
