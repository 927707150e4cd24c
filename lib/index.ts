export type { HistogramSnapshot } from './binding.js';
export { SideloopError, SideloopTypeError } from './errors.js';
export {
  EventLoop,
  type EventLoopOptions,
  type LoopStats,
  type PostOptions,
  type Priority,
  type StopOptions,
} from './event-loop.js';
