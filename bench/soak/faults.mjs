// What happens to a soak, by the seed: one thing after another, on workers, the producer, connections and
// the server. Times are in leases, so that stops and blocks shorter and longer than one occur.
import { setTimeout as pass } from 'node:timers/promises';
import { connectBare } from '../bare-redis.mjs';

// The harness's own, and the ledger's.
const kOverUnixSocket = / flags=\w*U/;
const kShortestPause = 0.1;
const kLongestPause = 0.6;

async function killConnections({ control, random }, most) {
  const list = await control.call('CLIENT', 'LIST');
  const ids = list
    .split('\n')
    .filter((line) => !kOverUnixSocket.test(line))
    .flatMap((line) => /^id=(\d+)/.exec(line)?.[1] ?? []);
  const count = Math.min(ids.length, Math.ceil(random.between(0, most)));
  for (let killed = 0; killed < count; killed++) {
    const [id] = ids.splice(Math.floor(random.next() * ids.length), 1);
    await control.call('CLIENT', 'KILL', 'ID', id).catch(() => 0);
  }
}

// A script that has not been busy for long enough can't be killed yet.
async function killScript(control) {
  await control.call('SCRIPT', 'KILL').catch(() => {});
  await pass(10);
}

// `act` resolves with false where there was nothing to do it to.
const faults = [
  {
    name: 'kill -9 of a worker',
    weight: 2,
    async act({ crew, random }) {
      await crew.replaceWorker(random.oneOf(crew.workers()));
    },
  },
  {
    name: 'SIGSTOP of a worker',
    weight: 2,
    async act({ crew, random, leaseMs, background }) {
      const worker = random.oneOf(crew.workers().filter((one) => !one.isStopped()));
      const lengthMs = random.between(0.3, 2.5) * leaseMs;
      if (worker === undefined) return false;
      worker.stop();
      // The next faults come while it stands still.
      background(
        pass(lengthMs).then(() => {
          if (!worker.isGone()) worker.resume();
        }),
      );
      return true;
    },
  },
  {
    name: 'JS of a worker blocked',
    weight: 3,
    async act({ crew, random, leaseMs }) {
      crew.tell(random.oneOf(crew.workers()), `block ${random.between(0.1, 3) * leaseMs}`);
    },
  },
  { name: 'CLIENT KILL of one', weight: 3, act: (soak) => killConnections(soak, 1) },
  { name: 'CLIENT KILL of many', weight: 1, act: (soak) => killConnections(soak, 100) },
  {
    name: 'CLIENT PAUSE',
    weight: 1,
    async act({ control, random, leaseMs }) {
      const lengthMs = Math.ceil(random.between(0.05, 1.2) * leaseMs);
      await control.call('CLIENT', 'PAUSE', lengthMs, random.oneOf(['ALL', 'WRITE']));
    },
  },
  {
    name: 'restart that loads',
    weight: 1,
    async act({ control, server, random, leaseMs }) {
      const lengthUs = random.between(0.2, 2) * leaseMs * 1000;
      const keys = await control.call('DBSIZE');
      await server.restart('--key-load-delay', Math.ceil(lengthUs / Math.max(keys, 1)));
    },
  },
  {
    name: 'BUSY script',
    weight: 1,
    async act({ control, server, random, leaseMs }) {
      const script = await connectBare(server.path).catch(() => undefined);
      if (script === undefined) return false;
      const ended = script.call('EVAL', 'while true do end', 0).catch(() => {});
      await pass(random.between(0.1, 1.5) * leaseMs);
      // It is not known as busy before its time is over.
      let isOver = false;
      ended.then(() => {
        isOver = true;
      });
      while (!isOver) await killScript(control);
      script.close();
      return true;
    },
  },
  {
    name: 'maxclients',
    weight: 1,
    async act(soak) {
      const { control, random, leaseMs, background } = soak;
      await control.call('CONFIG', 'SET', 'maxclients', 3);
      await killConnections(soak, 100);
      const over = pass(random.between(0.1, 1.5) * leaseMs);
      background(over.then(() => control.call('CONFIG', 'SET', 'maxclients', 10_000)));
    },
  },
  {
    name: "step of the server's clock",
    weight: 2,
    isPossible: ({ clock }) => clock !== undefined,
    async act({ clock, random, leaseMs }) {
      clock.step(random.between(-10, 10) * leaseMs);
    },
  },
  {
    name: 'dead DNS',
    weight: 1,
    isPossible: ({ names }) => names !== undefined,
    async act(soak) {
      const { names, random, leaseMs, background } = soak;
      names.be(random.oneOf(['failing', 'hanging']));
      await killConnections(soak, 100);
      background(pass(random.between(0.2, 2) * leaseMs).then(() => names.be('working')));
    },
  },
  { name: 'kill -9 of the producer', weight: 1, act: ({ crew }) => crew.replaceProducer() },
];

// Goes on until the signal says that it is enough. Resolves with how often each thing was done.
export async function injectFaults(soak, signal) {
  const counts = Object.fromEntries(faults.map(({ name }) => [name, 0]));
  const { random, leaseMs } = soak;
  const possible = faults.filter(({ isPossible }) => isPossible?.(soak) ?? true);
  const wheel = possible.flatMap((fault) => Array(fault.weight).fill(fault));
  const running = new Set();
  const background = (promise) => {
    running.add(promise);
    promise.finally(() => running.delete(promise));
  };
  while (!signal.aborted) {
    const pauseMs = random.between(kShortestPause, kLongestPause) * leaseMs;
    await pass(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const fault = random.oneOf(wheel);
    if ((await fault.act({ ...soak, background })) !== false) counts[fault.name]++;
  }
  await Promise.all(running);
  return counts;
}
