export type { HistogramSnapshot } from './binding.js';
export { SideloopError, SideloopTypeError } from './errors.js';
export {
  EventLoop,
  type EventLoopOptions,
  type PostOptions,
  type Priority,
  type StopOptions,
} from './event-loop.js';
export type { LoopHandle } from './handle.js';
export type { LoopStats } from './loop-stats.js';
