export type { BridgeSource } from '../binding.js';
export { Caller, type CallerOptions, type CallOptions } from './calls.js';
export { type CallContext, type Exposed, expose } from './expose.js';
export {
  type ForwardedOutput,
  forwardOutput,
  type OutputEntry,
  receiveOutput,
} from './output.js';
export { RemoteError } from './remote-error.js';
export {
  type Emitter,
  Reporter,
  type ReportListener,
  receiveReports,
  type SenderOptions,
} from './reporter.js';
