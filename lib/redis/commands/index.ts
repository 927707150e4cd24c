// All typed commands, as one chain of classes with a link for each family: a client and a pipeline
// extend the last one.

import { nestStreams } from '../replies.js';
import { type Context, define } from '../sender.js';
import { ConnectionCommands } from './connection.js';

// These have no typed method yet, but `call` must give them the same shape on either protocol.
define('XREAD', nestStreams);
define('XREADGROUP', nestStreams);

/** Every typed command. */
export abstract class Commands<C extends Context> extends ConnectionCommands<C> {}

export { mayWait } from './blocking.js';
export type { ExpireCondition } from './keys.js';
export type { End, LposOption, LposReply } from './lists.js';
export type { ZaddFlag } from './sorted-sets.js';
export type { GetexOption, LcsOption, LcsReply, SetOption, SetReply } from './strings.js';
export type { Decimal, Int64, Integer } from './variadic-sender.js';
