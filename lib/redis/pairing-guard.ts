// Commands after which replies no longer answer commands one by one, or that change the connection under all who share it.

import { isUint8Array } from 'node:util/types';
import { SideloopTypeError } from '../errors.js';
import type { Arg } from './sender.js';

const PAIRING_CHANGES = new Set(
  (
    'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR SYNC PSYNC REPLCONF ' +
    'RESET HELLO QUIT SELECT AUTH'
  ).split(' '),
);

/**
 * Refuses such a command. `name` is in upper case.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_REDIS_UNSUPPORTED`.
 */
export function refusePairingChange(name: string, first: Arg | undefined): void {
  if (!PAIRING_CHANGES.has(name) && !(name === 'CLIENT' && isReply(first))) return;
  throw new SideloopTypeError(
    'ERR_SIDELOOP_REDIS_UNSUPPORTED',
    `${name} would change the connection under all that share it. Use the client's options and quit() where they do ` +
      'the same.',
  );
}

// CLIENT REPLY, however its word is written.
function isReply(word: Arg | undefined): boolean {
  const text = isUint8Array(word) ? Buffer.from(word).toString('latin1') : String(word);
  return text.toUpperCase() === 'REPLY';
}
