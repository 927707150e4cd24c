import { SideloopError } from '../errors.js';
import type { DagNode } from './dag-node.js';
import type { NodeReport } from './dag-report.js';

/** How a node can end. */
export type FinalStatus = 'done' | 'failed' | 'skipped';

/** Where one node stands in one run. */
export class NodeState {
  readonly node: DagNode;
  readonly dependencies: NodeState[] = [];
  readonly dependents: NodeState[] = [];
  /** How many dependencies are not done yet. */
  unfinished: number;
  status: 'waiting' | 'ready' | 'running' | FinalStatus = 'waiting';
  readyAt = 0;
  startedAt = 0;
  endedAt = 0;
  value: unknown;
  error: unknown;
  failedDependency: string | undefined;

  constructor(node: DagNode) {
    this.node = node;
    this.unfinished = node.needs.length;
  }

  /** What its dependencies gave. It has no prototype, so that every name is an ordinary one. */
  inputs(): Record<string, unknown> {
    const inputs: Record<string, unknown> = Object.create(null);
    for (const { node, value } of this.dependencies) inputs[node.name] = value;
    return inputs;
  }

  /** Requires: the node has settled. */
  report(): NodeReport {
    const { name, kind } = this.node;
    const { status, readyAt, startedAt, endedAt, value, error, failedDependency } = this;
    const none = undefined;
    const times = { readyAt, startedAt, endedAt, failedDependency: none };
    switch (status) {
      case 'done':
        return { name, kind, status, value, error: none, ...times };
      case 'failed':
        return { name, kind, status, value: none, error, ...times };
      case 'skipped':
        return {
          name,
          kind,
          status,
          value: none,
          error: none,
          readyAt: none,
          startedAt: none,
          endedAt,
          failedDependency,
        };
      default:
        throw new SideloopError(
          'ERR_SIDELOOP_INTERNAL',
          `Node '${name}' is reported while it is ${status}. Please report this as a defect.`,
        );
    }
  }
}
