// A consumer group without any check of who acknowledges, and a producer without idempotency. It is
// what the ledger is tried with: a run with it must end with violations, or the ledger sees nothing.
import { connectBare } from '../../bare-redis.mjs';
import { pass } from '../../measurement.mjs';

const kAgainMs = 20;

export const streamOf = (stream) => ({ stream });

// Connects anew for each loss of the connection, and does `act` again where that is said to be safe.
function lasting(port) {
  let connection;
  const current = () => {
    connection ??= connectBare(port);
    return connection;
  };
  return async function call(...parts) {
    for (;;) {
      try {
        return await (await current()).call(...parts);
      } catch (error) {
        if (!/ended|ECONN|EPIPE|^LOADING|^BUSY|max number of clients/.test(error.message))
          throw error;
        if (!/^LOADING|^BUSY/.test(error.message)) connection = undefined;
        await pass(kAgainMs);
      }
    }
  };
}

export async function startConsumer({ port, stream, group, name, leaseMs, concurrency }, handle) {
  const call = lasting(port);
  await call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM').catch(() => {});
  let isOpen = true;
  let running = 0;

  async function deliver([id, [, number]]) {
    const [entry] = await call('XPENDING', stream, group, id, id, 1);
    // Somebody else has acknowledged it meanwhile.
    if (entry === undefined) return;
    const [, , , count] = entry;
    running++;
    const done = () => {
      running--;
    };
    handle({
      number: Number(number),
      token: count,
      ack: async () => {
        done();
        await call('XACK', stream, group, id);
      },
      fail: async () => done(),
    });
  }

  async function loop() {
    while (isOpen) {
      const free = concurrency - running;
      if (free > 0) {
        const [, old] = await call('XAUTOCLAIM', stream, group, name, leaseMs, '0', 'COUNT', free);
        const read = ['XREADGROUP', 'GROUP', group, name, 'COUNT', free, 'STREAMS', stream, '>'];
        const reply = old.length > 0 ? null : await call(...read);
        for (const entry of [...old, ...(reply?.[0][1] ?? [])]) await deliver(entry);
      }
      await pass(kAgainMs);
    }
  }
  return {
    wasRefused: () => false,
    failed: loop(),
    async close() {
      isOpen = false;
    },
  };
}

export async function startProducer({ port, stream }) {
  const call = lasting(port);
  return {
    async add(number) {
      await call('XADD', stream, '*', 'number', number);
      return { duplicate: false };
    },
    close: async () => {},
  };
}
