/**
 * Schedulers that stand on the loop: `sideloop/scheduler`.
 *
 * @module
 */

export type { DagOptions, DagRunOptions } from './dag.js';
export { Dag } from './dag.js';
export { DagAbortedError, DagCycleError } from './dag-errors.js';
export type { CpuNode, IoNode, NodeContext, NodeKind } from './dag-node.js';
export type {
  DagTotals,
  DoneNodeReport,
  FailedNodeReport,
  NodeReport,
  SkippedNodeReport,
} from './dag-report.js';
export { DagReport } from './dag-report.js';
export type { WorkerPool, WorkerPoolOptions } from './worker-pool.js';
