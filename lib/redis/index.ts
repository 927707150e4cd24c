export { RedisError, ReplyError, TransactionError } from '../errors.js';
export type { RedisHandle } from '../handle.js';
export type * from './commands/index.js';
export type { RedisEvents, RedisStatus } from './events.js';
export type { AttachOptions, RedisOptions } from './options.js';
export { Pipeline, type PipelineCommand, type PipelineResult } from './pipeline.js';
export {
  RecurringCommand,
  type RepeatEnd,
  type RepeatOptions,
  type RepeatStats,
} from './recurring.js';
export { Redis } from './redis.js';
export type { Arg, Key } from './sender.js';
export type { RedisStats } from './stats.js';
