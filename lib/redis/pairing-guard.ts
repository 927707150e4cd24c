// Commands after which replies no longer answer commands one by one, or that change the connection under all who share it.

import { SideloopTypeError } from '../errors.js';
import type { Arg } from './sender.js';
import { wordOf } from './word.js';

const SUBSCRIPTION = 'The connection would carry messages in place of replies.';
const BY_OPTION = "Use the client's options, and quit() where it does the same.";
const BY_MULTI =
  'Between two commands of a transaction others could get in, or the connection be lost: make it with multi(), which goes ' +
  'out as one.';
const BY_SCRIPT =
  'What one user of it watches, the transaction of another would answer for: do it in one script, with eval().';
const BY_NODE = 'Make a client for the node itself; commands go to it as they are.';

// By name, or by name and first argument: what to do instead.
const CHANGES = new Map<string, string>(
  Object.entries({
    'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR': SUBSCRIPTION,
    'SYNC PSYNC REPLCONF RESET HELLO QUIT SELECT AUTH': BY_OPTION,
    'MULTI EXEC DISCARD': BY_MULTI,
    'WATCH UNWATCH': BY_SCRIPT,
    'READONLY READWRITE ASKING': BY_NODE,
  }).flatMap(([names, instead]) => names.split(' ').map((name) => [name, instead] as const)),
);

const BY_ITSELF = 'Say it on a connection of its own, with redis-cli.';

const BY_WORD = new Map<string, ReadonlyMap<string, string>>([
  [
    'CLIENT',
    new Map([
      ['REPLY', BY_OPTION],
      ['TRACKING', 'Messages of keys that change would go to nobody.'],
      ['CACHING', 'It belongs to CLIENT TRACKING, which is refused too.'],
      ['CAPA', BY_ITSELF],
    ]),
  ],
  [
    'SCRIPT',
    new Map([['DEBUG', `The debugger would answer for the commands of others. ${BY_ITSELF}`]]),
  ],
]);

/**
 * Refuses such a command. `name` is in upper case.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_REDIS_UNSUPPORTED`.
 */
export function refusePairingChange(name: string, first: Arg | undefined): void {
  let what = name;
  let instead = CHANGES.get(name);
  const words = BY_WORD.get(name);
  if (words !== undefined) {
    // However it is written.
    const word = wordOf(first).toUpperCase();
    what = `${name} ${word}`;
    instead = words.get(word);
  }
  if (instead === undefined) return;
  throw new SideloopTypeError(
    'ERR_SIDELOOP_REDIS_UNSUPPORTED',
    `${what} would change the connection under all that share it. ${instead}`,
  );
}
