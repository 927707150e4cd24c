// The arguments that a client is made of, and what each of them says.

import { SideloopTypeError } from '../errors.js';
import { checkNames } from '../options.js';
import { OPTION_RULES } from './option-rules.js';
import type { RedisOptions } from './options.js';
import { optionsOfText } from './target.js';

/**
 * What a client is made of: `(options)`, `(url, options)`, `(port, host, options)`, `('/a/socket', options)`, where each may be
 * missing, undefined or null. Of an option that is in several of them, the first counts; but a port, or a text, that says again
 * what one before it said is refused.
 */
export type RedisArguments =
  | [options?: RedisOptions | null]
  | [target: string | number | null | undefined, options?: RedisOptions | null]
  | [port: number | string | null | undefined, host?: string | null, options?: RedisOptions | null];

/**
 * What each of the arguments says.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT`, which repeats nothing of a text.
 */
export function optionsOf(args: readonly unknown[]): RedisOptions[] {
  const all: RedisOptions[] = [];
  for (const [index, argument] of args.entries()) {
    if (argument === undefined || argument === null) continue;
    if (typeof argument === 'number' || typeof argument === 'string') {
      const said = typeof argument === 'number' ? { port: argument } : optionsOfText(argument);
      checkNew(said, all, index);
      all.push(said);
    } else {
      checkNames(argument, OPTION_RULES, 'Redis');
      all.push(argument as RedisOptions);
    }
  }
  return all;
}

/**
 * Options that count less may stand in an object of defaults. A second port, or a second host, can't be meant so: it would be
 * one that nobody honours.
 */
function checkNew(said: RedisOptions, before: readonly RedisOptions[], index: number): void {
  const has = (name: keyof RedisOptions) =>
    before.some((options) => (options[name] ?? undefined) !== undefined);
  const again = (Object.keys(said) as (keyof RedisOptions)[]).find(has);
  if (again !== undefined) {
    throw surplus(index, `says ${again}, which an argument before it says: give it once`);
  }
  const isSocket = said.path !== undefined;
  if (isSocket ? has('host') || has('port') : has('path') && (said.host ?? said.port)) {
    throw surplus(
      index,
      'gives the path of a socket beside a host or a port: give the one or the other',
    );
  }
}

function surplus(index: number, what: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `Argument ${index + 1} of Redis ${what}.`);
}
