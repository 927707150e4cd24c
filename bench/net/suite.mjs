// TCP servers. It exists because a server's JS thread has better things to do than to be told about
// each read: what sideloop/net leaves of the main thread is its reason, and the throughput must
// not be the price. The clients are one process in C++, the same and equally cheap for both.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { buildFolder } from '../native/suites.mjs';

const serverScript = fileURLToPath(new URL('./server.mjs', import.meta.url));
const kStartAndStopMs = 20_000;
const kServerMs = 10_000;
// Of the measured time that is asked for, since tens of thousands of echoes are enough.
const kShare = 0.6;
const kBulkBytes = 64 * 1024;

const echoMetrics = [
  { key: 'echoesPerSecond', title: 'echoes/s', better: 'higher' },
  { key: 'mainMicros', title: 'main us/echo', better: 'lower' },
  { key: 'totalMicros', title: 'total us/echo', better: 'lower' },
  { key: 'p50Micros', title: 'p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
];
const bulkMetrics = [
  { key: 'mebibytesPerSecond', title: 'MiB/s', better: 'higher' },
  { key: 'mainMicros', title: 'main us/MiB', better: 'lower' },
  { key: 'totalMicros', title: 'total us/MiB', better: 'lower' },
];
const bulk = { connections: 1, bytes: kBulkBytes, metrics: bulkMetrics };

function cases(quick) {
  const echoes = (quick ? [64] : [64, 1024]).flatMap((bytes) =>
    [1, 10, 100].map((connections) => ({
      id: `echo-${bytes}-${connections}`,
      title: `echo of ${bytes} bytes, ${connections} connection${connections > 1 ? 's' : ''}`,
      way: 'echo',
      connections,
      bytes,
      metrics: echoMetrics,
    })),
  );
  return [
    ...echoes,
    { id: 'upload', title: 'one connection, 64 KiB writes to the server', way: 'upload', ...bulk },
    { id: 'download', title: 'one connection, 64 KiB writes by it', way: 'download', ...bulk },
  ];
}

// The server's process, once it listens or has failed to: its port, and a way to end it that tells
// what was wrong with it. It gets a fixed time for either, or is killed.
async function startServer(contestant, way) {
  const args = [serverScript, '--server', contestant, '--way', way];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  // It may be gone already when it is asked to go.
  child.stdin.on('error', () => {});
  const withinTime = async (promise) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), kServerMs);
    const result = await promise;
    clearTimeout(timer);
    return result;
  };
  const line = once(createInterface(child.stdout), 'line');
  const [announced] = await withinTime(Promise.race([line, ended.then(() => ['{}'])]));
  return {
    ...JSON.parse(announced),
    pid: child.pid,
    async stop() {
      child.stdin.end();
      const [code, signal] = await withinTime(ended);
      if (code === 0) return undefined;
      return `the server ended with ${signal ?? `code ${code}`}: ${complaint.trim()}`;
    },
  };
}

async function measure({ way, connections, bytes }, contestant, { seconds }) {
  const server = await startServer(contestant, way);
  if (server.port === undefined) return { error: await server.stop() };
  const args = [way, server.port, server.pid, connections, bytes, seconds * kShare].map(String);
  const timeoutMs = kStartAndStopMs + seconds * 3000;
  const run = await measureInChild(`${buildFolder}bench_net_load`, args, timeoutMs);
  const failure = await server.stop();
  const errors = [run.error, failure].filter(Boolean);
  if (errors.length > 0) return { error: errors.join('; ') };
  return { result: { client: contestant, version: server.version, ...run.result } };
}

export const net = {
  name: 'net',
  about: 'TCP servers under the load of one C++ process, closed loop',
  product: ['net/index.js'],
  needsNative: true,
  contestants: ['sideloop', 'node-net'],
  cases,
  measure,
};
