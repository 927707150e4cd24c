import { SideloopError } from '../errors.js';
import type { NodeKind } from './dag-node.js';

interface NodeReportBase {
  readonly name: string;
  readonly kind: NodeKind;
}

/** All times are milliseconds on the clock of `performance.now()`. */
interface StartedNodeReport extends NodeReportBase {
  /** When the last of its dependencies was done. */
  readonly readyAt: number;
  /** When its function was called, or its task handed to the Workers. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failedDependency: undefined;
}

/** A node that ran and has a value. */
export interface DoneNodeReport<Value = unknown> extends StartedNodeReport {
  readonly status: 'done';
  readonly value: Value;
  readonly error: undefined;
}

/** A node that ran and failed. */
export interface FailedNodeReport extends StartedNodeReport {
  readonly status: 'failed';
  readonly value: undefined;
  /** What it threw or rejected with, or a SideloopError if its Worker died. */
  readonly error: unknown;
}

/** A node that never ran. */
export interface SkippedNodeReport extends NodeReportBase {
  readonly status: 'skipped';
  readonly value: undefined;
  readonly error: undefined;
  readonly readyAt: undefined;
  readonly startedAt: undefined;
  /** When it was given up. */
  readonly endedAt: number;
  /** The failed node that it needed, perhaps through others. Undefined: the run was aborted. */
  readonly failedDependency: string | undefined;
}

/** What became of one node. */
export type NodeReport<Value = unknown> =
  | DoneNodeReport<Value>
  | FailedNodeReport
  | SkippedNodeReport;

/** The run in numbers. Every node is counted in exactly one of `done`, `failed`, `skipped`. */
export interface DagTotals {
  readonly nodes: number;
  readonly io: number;
  readonly cpu: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What one run of a Dag did, node by node. */
export class DagReport<Results extends object = Record<string, unknown>> {
  /** Every node, in the order in which they were added. */
  readonly nodes: ReadonlyMap<string, NodeReport>;
  readonly failed: readonly FailedNodeReport[];
  readonly skipped: readonly SkippedNodeReport[];
  readonly totals: DagTotals;
  /** When the run began, on the clock of `performance.now()`. */
  readonly startedAt: number;
  /** When its last node settled. */
  readonly endedAt: number;

  constructor(nodes: readonly NodeReport[], startedAt: number, endedAt: number) {
    this.nodes = new Map(nodes.map((node) => [node.name, node]));
    this.failed = nodes.filter((node) => node.status === 'failed');
    this.skipped = nodes.filter((node) => node.status === 'skipped');
    this.startedAt = startedAt;
    this.endedAt = endedAt;
    const cpu = nodes.filter((node) => node.kind === 'cpu').length;
    this.totals = {
      nodes: nodes.length,
      io: nodes.length - cpu,
      cpu,
      done: nodes.length - this.failed.length - this.skipped.length,
      failed: this.failed.length,
      skipped: this.skipped.length,
    };
  }

  /**
   * The value of a node that is done.
   *
   * @throws SideloopError `ERR_SIDELOOP_DAG_NO_VALUE` if it failed, was skipped or does not exist;
   *   `cause` is the error of the node that failed.
   */
  value<Name extends keyof Results & string>(name: Name): Results[Name] {
    const node = this.nodes.get(name);
    if (node?.status === 'done') return node.value as Results[Name];
    const culprit =
      node?.failedDependency === undefined ? node : this.nodes.get(node.failedDependency);
    throw new SideloopError(
      'ERR_SIDELOOP_DAG_NO_VALUE',
      `Node '${name}' has no value: ${explain(node)}. Look at its status before you take its value.`,
      { cause: culprit?.error },
    );
  }
}

function explain(node: NodeReport | undefined): string {
  if (node === undefined) return 'there is no such node';
  if (node.status === 'failed') return 'it failed';
  if (node.failedDependency === undefined) return 'the run was aborted before it started';
  return `it was skipped because '${node.failedDependency}' failed`;
}
