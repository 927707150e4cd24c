// The harness's connection to a server that is restarted, full, loading or busy: what it asks is asked again until the server
// has answered. `path` is that of the server's Unix socket: what comes over it is left alone by the other faults.
import { connectBare } from '../bare-redis.mjs';
import { pass } from '../measurement.mjs';

const kAgainMs = 20;
const kNotNow = /ended|ECONN|EPIPE|ENOENT|^LOADING|^BUSY|max number of clients/;

export function lastingConnection(path) {
  let connection;
  let isUp = false;
  let isOpen = true;

  async function current() {
    connection ??= connectBare(path);
    try {
      const made = await connection;
      isUp = true;
      return made;
    } catch (error) {
      connection = undefined;
      throw error;
    }
  }

  // `partsOf` gets whether it may have been done already, and whether it comes later than it was asked.
  async function ask(partsOf) {
    const hadToWait = !isUp;
    for (let isAgain = false; ; isAgain = true) {
      const used = connection;
      try {
        return await (await current()).call(...partsOf(isAgain, isAgain || hadToWait));
      } catch (error) {
        if (!isOpen || !kNotNow.test(error.message)) throw error;
        if (!/^LOADING|^BUSY/.test(error.message) && connection === used) {
          connection = undefined;
          isUp = false;
        }
        await pass(kAgainMs);
      }
    }
  }

  return {
    ask,
    call: (...parts) => ask(() => parts),
    close() {
      isOpen = false;
      connection?.then(({ close }) => close()).catch(() => {});
    },
  };
}
