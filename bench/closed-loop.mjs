// A closed loop over one Redis client: a fixed number of commands in flight, each awaited by an
// async worker of its own before its next one. The same for all clients, and on any thread.

// One worker in 16 (at least one) takes the time of each of its commands: reading the clock twice
// costs about 0.1 us, which would be a third of a fast client's whole cost for a command.
const kTimedWorkerEvery = 16;
// The last of them are kept. More would be memory that counts as a client's where that is measured.
const kSampleCapacity = 1 << 18;

// `count[0]` is the number of replies so far: memory that another thread may look at.
export function closedLoop({ name, client, operation, keys, values, inFlight, count }) {
  const isGet = operation === 'get';
  const expectedLength = isGet ? values[0].length : 'OK'.length;
  const samples = new Float64Array(kSampleCapacity);
  samples.fill(0); // Touches every page now, not while measuring.
  let sampleCount = 0;
  let running = true;

  const command = isGet
    ? (index) => client.get(keys[index])
    : (index) => client.set(keys[index], values[index]);

  // The length is looked at on every reply, so that no client is measured while it fails.
  function account(reply) {
    if (reply.length !== expectedLength) throw new Error(`${name}: unexpected reply '${reply}'`);
    count[0]++;
  }

  async function work(first) {
    let index = first;
    while (running) {
      account(await command(index));
      index = index + 1 === keys.length ? 0 : index + 1;
    }
  }

  async function workTimed(first) {
    let index = first;
    while (running) {
      const begun = performance.now();
      account(await command(index));
      samples[sampleCount++ & (kSampleCapacity - 1)] = performance.now() - begun;
      index = index + 1 === keys.length ? 0 : index + 1;
    }
  }

  return {
    // Before anything is measured each reply is compared with what the server must have said: the
    // seeded value for GET, OK for SET (whose values the parent process reads back itself).
    async check() {
      let next = 0;
      const checkSome = async () => {
        while (next < keys.length) {
          const index = next++;
          const reply = await command(index);
          const expected = isGet ? values[index] : 'OK';
          if (reply !== expected) throw new Error(`${name}: ${keys[index]} gave '${reply}'`);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, checkSome));
    },

    // Resolves once stop() was called and the last reply is here. A worker that fails ends the
    // process at once, since a loop that is one short would be measured as if it were whole.
    run() {
      const workers = Array.from({ length: inFlight }, (_, index) =>
        index % kTimedWorkerEvery === 0 ? workTimed(index) : work(index),
      );
      const finished = Promise.all(workers);
      finished.catch((error) => {
        console.error(error);
        process.exit(1);
      });
      return finished;
    },

    stop() {
      running = false;
    },

    forgetLatencies() {
      sampleCount = 0;
    },

    // In ms, in ascending order.
    latencies() {
      return samples.slice(0, Math.min(sampleCount, kSampleCapacity)).sort();
    },
  };
}
