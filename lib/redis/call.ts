// Commands by name: `redis.call('GET', 'k')`.

import { SideloopTypeError } from '../errors.js';
import { UNNAMED } from './command-stage.js';
import { mayWait } from './commands/blocking.js';
import { refusePairingChange } from './pairing-guard.js';
import { type Arg, MAY_BLOCK, type Opcode, opcodeOfAny, RUNS_CODE } from './sender.js';

/**
 * The opcode and the flat arguments of a command called by name.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong name, `ERR_SIDELOOP_REDIS_UNSUPPORTED` for a command that a
 * shared connection can't have.
 */
export function resolveCall(
  name: string,
  args: readonly (Arg | readonly Arg[])[],
): { opcode: Opcode; args: readonly Arg[] } {
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9._-]*$/.test(name)) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      `A command's name must be one word such as 'GET'; its arguments follow separately: call('GET', 'key').`,
    );
  }
  const upper = name.toUpperCase();
  const flat = args.flat() as Arg[];
  refusePairingChange(upper, flat[0]);
  const opcode = opcodeOfAny(upper);
  if (opcode !== undefined) return { opcode, args: flat };
  return { opcode: UNNAMED | RUNS_CODE | (mayWait(upper) ? MAY_BLOCK : 0), args: [upper, ...flat] };
}
