export { RedisError, ReplyError } from '../errors.js';
export type * from './commands/index.js';
export type { RedisOptions } from './options.js';
export { Pipeline, type PipelineResult } from './pipeline.js';
export { Redis, type RedisEvents, type RedisStats, type RedisStatus } from './redis.js';
export type { Arg, Key } from './sender.js';
