import { SideloopError, SideloopTypeError } from '../errors.js';
import { complaintOf } from '../options.js';
import type { DagReport } from './dag-report.js';

/** Some nodes need each other in a circle, so that none of them could ever start. */
export class DagCycleError extends SideloopError {
  /** The circle: each node needs the next one, and the last is the first again. */
  readonly path: readonly string[];

  constructor(path: readonly string[]) {
    super(
      'ERR_SIDELOOP_DAG_CYCLE',
      `The nodes need each other in a circle: ${path.join(' -> ')}. Remove one of these needs.`,
    );
    this.name = 'DagCycleError';
    this.path = path;
  }
}

/** The run was aborted by its signal or its deadline. `cause` is the signal's reason. */
export class DagAbortedError<
  Results extends object = Record<string, unknown>,
> extends SideloopError {
  /** How far the run came: what was running is failed, and what had not started is skipped. */
  readonly report: DagReport<Results>;

  constructor(report: DagReport<Results>, reason: unknown) {
    const { nodes, done } = report.totals;
    super(
      'ERR_SIDELOOP_DAG_ABORTED',
      `The run was aborted after ${done} of ${nodes} nodes. The cause says why, and the report what was done.`,
      { cause: reason },
    );
    this.name = 'DagAbortedError';
    this.report = report;
  }
}

/** @throws SideloopTypeError `ERR_SIDELOOP_DAG_BAD_OPTION` where `given` has a name that is not among `names`. */
export function checkNames(given: unknown, names: object, of: string, others?: object): void {
  const complaint = complaintOf(given, names, of, others);
  if (complaint === undefined) return;
  throw new SideloopTypeError('ERR_SIDELOOP_DAG_BAD_OPTION', complaint);
}

export function badOption(fact: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_DAG_BAD_OPTION', `Dag: ${fact}.`);
}
