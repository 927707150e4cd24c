import { checkSignal } from '../abort-listeners.js';
import { SideloopError } from '../errors.js';
import type { OptionNames } from '../options.js';
import { findCycle } from './cycle.js';
import { badOption, checkNames, DagCycleError } from './dag-errors.js';
import {
  type CpuNode,
  checkedCpuNode,
  checkedIoNode,
  type DagNode,
  type IoNode,
  type NodeKind,
} from './dag-node.js';
import type { DagReport, NodeReport } from './dag-report.js';
import { DagRun, type RunPlan } from './dag-run.js';
import { checkedPool, RunPool, type WorkerPool, type WorkerPoolOptions } from './worker-pool.js';

type Limits = RunPlan['limits'];

/** How a Dag runs its nodes. */
export interface DagOptions {
  /**
   * How many nodes may run at a time, of each kind. Default: no limit for `io`, and for `cpu` as
   * many as the Workers take at a time: a pool that was given, one for each of its `maxThreads`.
   */
  readonly concurrency?: number | { readonly io?: number; readonly cpu?: number };
  /**
   * A piscina pool to borrow for CPU nodes, or the options of one that each run makes with its
   * first CPU node and ends when it ends.
   */
  readonly pool?: WorkerPool | WorkerPoolOptions;
}

const NAMES: OptionNames<DagOptions> = { concurrency: true, pool: true };
const CONCURRENCY_NAMES: Record<NodeKind, true> = { io: true, cpu: true };

/** What one run is given. */
export interface DagRunOptions {
  /** Aborts the run. */
  readonly signal?: AbortSignal;
  /** Aborts the run after so many milliseconds. Default: never. */
  readonly deadlineMs?: number;
  /** Called once for each node when it settles. If it throws, the run is aborted with that. */
  readonly onSettle?: (report: NodeReport) => void;
}

const RUN_NAMES: OptionNames<DagRunOptions> = { signal: true, deadlineMs: true, onSettle: true };

/**
 * A directed acyclic graph of nodes: I/O nodes run on this JS thread, CPU nodes in Workers. A node
 * starts as soon as everything that it needs is done. A Dag can run any number of times, also at
 * the same time, and each run calls every node anew.
 *
 * Name the results in the type parameter, and names, inputs and values are checked:
 *
 * ```ts
 * const dag = new Dag<{ page: string; digest: string }>();
 * dag.io('page', { run: async () => (await redis.get('page')) ?? '' });
 * dag.cpu('digest', {
 *   needs: ['page'],
 *   module: new URL('./digest.js', import.meta.url),
 *   export: 'sha256',
 *   input: ({ inputs }) => inputs.page,
 * });
 * const report = await dag.run({ deadlineMs: 5000 });
 * console.log(report.value('digest'));
 * ```
 */
export class Dag<Results extends object = Record<string, unknown>> {
  readonly #nodes = new Map<string, DagNode>();
  readonly #limits: Partial<Limits>;
  readonly #pool: WorkerPool | WorkerPoolOptions | undefined;

  /** @throws SideloopTypeError `ERR_SIDELOOP_DAG_BAD_OPTION` */
  constructor(options: DagOptions = {}) {
    checkNames(options, NAMES, 'Dag');
    const { concurrency, pool } = options;
    this.#limits = checkedLimits(concurrency);
    this.#pool = checkedPool(pool);
  }

  /** How many nodes the Dag has. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * Adds a node that runs on this JS thread.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_DAG_BAD_NODE` if the definition is malformed.
   * @throws SideloopError `ERR_SIDELOOP_DAG_DUPLICATE_NODE` if the name is taken.
   */
  io<Name extends keyof Results & string, const Needs extends keyof Results & string = never>(
    name: Name,
    node: IoNode<Results, Name, Needs>,
  ): this {
    return this.#add(checkedIoNode(name, node));
  }

  /**
   * Adds a node that runs in a Worker. Its value is the structured clone of what the function
   * returns; that this is a `Results[Name]` can't be checked across the thread.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_DAG_BAD_NODE` if the definition is malformed.
   * @throws SideloopError `ERR_SIDELOOP_DAG_DUPLICATE_NODE` if the name is taken.
   */
  cpu<const Needs extends keyof Results & string = never>(
    name: keyof Results & string,
    node: CpuNode<Results, Needs>,
  ): this {
    return this.#add(checkedCpuNode(name, node));
  }

  /**
   * Checks the graph as it stands. `run` does so too.
   *
   * @throws SideloopError `ERR_SIDELOOP_DAG_UNKNOWN_NODE` if a node needs one that was not added.
   * @throws DagCycleError `ERR_SIDELOOP_DAG_CYCLE` if nodes need each other; `path` names them.
   */
  validate(): void {
    for (const { name, needs } of this.#nodes.values()) {
      const unknown = needs.find((need) => !this.#nodes.has(need));
      if (unknown === undefined) continue;
      const message = `Node '${name}' needs '${unknown}', which is not in this Dag. Add it, or correct the name.`;
      throw new SideloopError('ERR_SIDELOOP_DAG_UNKNOWN_NODE', message);
    }
    const path = findCycle(this.#nodes);
    if (path) throw new DagCycleError(path);
  }

  /**
   * Runs every node once. A node that fails does not reject the run: what needs it is skipped, the
   * rest goes on, and the report names both.
   *
   * An abort takes effect at once. Nothing new starts; running nodes get the signal and count as
   * failed, whatever they do then; their Workers are terminated; then the promise rejects.
   * An I/O node that does not listen to its signal may go on, but its outcome is dropped.
   *
   * @throws DagAbortedError `ERR_SIDELOOP_DAG_ABORTED` with the signal's reason as its cause, or a
   *   SideloopError `ERR_SIDELOOP_DAG_DEADLINE`, and with the report so far.
   * @throws SideloopTypeError `ERR_SIDELOOP_DAG_BAD_OPTION`, and whatever `validate` throws.
   */
  async run(options: DagRunOptions = {}): Promise<DagReport<Results>> {
    checkNames(options, RUN_NAMES, 'run()');
    const { signal, onSettle } = options;
    checkSignal(signal, badOption);
    if (onSettle !== undefined && typeof onSettle !== 'function') {
      throw badOption("'onSettle' must be a function");
    }
    const deadlineMs = checkedDeadline(options.deadlineMs);
    this.validate();
    const pool = new RunPool(this.#pool);
    const limits = { io: Number.POSITIVE_INFINITY, cpu: pool.capacity, ...this.#limits };
    const plan = { nodes: this.#nodes, limits, pool, signal, deadlineMs, onSettle };
    return new DagRun<Results>(plan).execute();
  }

  #add(node: DagNode): this {
    if (this.#nodes.has(node.name)) {
      const message = `There is a node '${node.name}' already. Give each node a name of its own.`;
      throw new SideloopError('ERR_SIDELOOP_DAG_DUPLICATE_NODE', message);
    }
    this.#nodes.set(node.name, node);
    return this;
  }
}

function checkedLimits(concurrency: DagOptions['concurrency']): Partial<Limits> {
  if (concurrency !== undefined && typeof concurrency !== 'number') {
    checkNames(concurrency, CONCURRENCY_NAMES, 'concurrency');
  }
  const given =
    typeof concurrency === 'number' ? { io: concurrency, cpu: concurrency } : concurrency;
  const limits: Partial<Record<NodeKind, number>> = {};
  for (const kind of ['io', 'cpu'] as const) {
    const limit = given?.[kind];
    if (limit === undefined) continue;
    const whole = Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY;
    if (!whole || limit < 1) throw badOption("'concurrency' must be a whole number from 1");
    limits[kind] = limit;
  }
  return limits;
}

// A longer timeout than this, Node runs at once.
const maxTimeoutMs = 2 ** 31 - 1;

function checkedDeadline(deadlineMs: number | undefined): number | undefined {
  if (deadlineMs === undefined) return undefined;
  if (typeof deadlineMs === 'number' && deadlineMs > 0 && deadlineMs <= maxTimeoutMs) {
    return deadlineMs;
  }
  throw badOption(
    `'deadlineMs' must be a number of milliseconds above 0 and up to ${maxTimeoutMs}`,
  );
}
