import { setMaxListeners } from 'node:events';
import { listenToAbort } from '../abort-listeners.js';
import { SideloopError } from '../errors.js';
import { DagAbortedError } from './dag-errors.js';
import type { DagNode, NodeKind } from './dag-node.js';
import { DagReport, type NodeReport } from './dag-report.js';
import { type FinalStatus, NodeState } from './node-state.js';
import { ReadyQueue } from './ready-queue.js';
import type { RunPool } from './worker-pool.js';

/** What a run is made of, checked. */
export interface RunPlan {
  readonly nodes: ReadonlyMap<string, DagNode>;
  /** How many nodes of each kind may run at a time. */
  readonly limits: Readonly<Record<NodeKind, number>>;
  readonly pool: RunPool;
  readonly signal: AbortSignal | undefined;
  readonly deadlineMs: number | undefined;
  readonly onSettle: ((report: NodeReport) => void) | undefined;
}

/**
 * One run of a Dag, on one JS thread.
 *
 *     waiting ---> ready ---> running ---> done
 *        |           |           '-------> failed
 *        '-----------'-------------------> skipped
 *
 * Invariant: a node leaves `waiting` only when its counter of unfinished dependencies is zero, when
 * one of them, near or far, failed, or when the run is aborted.
 */
export class DagRun<Results extends object> {
  readonly #plan: RunPlan;
  readonly #states: readonly NodeState[];
  readonly #queues: Readonly<Record<NodeKind, ReadyQueue>>;
  readonly #controller = new AbortController();
  readonly #startedAt = performance.now();
  #unsettled: number;
  #aborting = false;
  #end: (() => void) | undefined;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#states = linkedStates(plan.nodes);
    this.#queues = { io: new ReadyQueue(plan.limits.io), cpu: new ReadyQueue(plan.limits.cpu) };
    this.#unsettled = this.#states.length;
    // Every node may listen, and a thousand listeners are no leak.
    setMaxListeners(0, this.#controller.signal);
  }

  async execute(): Promise<DagReport<Results>> {
    const { signal, deadlineMs, pool } = this.#plan;
    const unlisten = listenToAbort(signal, () => this.#abort(signal?.reason));
    const timer = deadlineMs === undefined ? undefined : this.#startDeadline(deadlineMs);
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      if (signal?.aborted) this.#abort(signal.reason);
      else this.#begin();
    });
    clearTimeout(timer);
    unlisten();

    const reports = this.#states.map((state) => state.report());
    const report = new DagReport<Results>(reports, this.#startedAt, performance.now());
    await pool.close();
    if (this.#aborting) throw new DagAbortedError(report, this.#controller.signal.reason);
    return report;
  }

  #begin(): void {
    if (this.#unsettled === 0) this.#end?.();
    for (const state of this.#states) if (state.unfinished === 0) this.#ready(state);
    this.#startReady();
  }

  #startDeadline(deadlineMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const message = `The run has not ended within ${deadlineMs} ms. Allow it more, or see in the report what it waited for.`;
      this.#abort(new SideloopError('ERR_SIDELOOP_DAG_DEADLINE', message));
    }, deadlineMs);
  }

  #ready(state: NodeState): void {
    state.status = 'ready';
    state.readyAt = performance.now();
    this.#queues[state.node.kind].push(state);
  }

  #startReady(): void {
    for (const queue of [this.#queues.io, this.#queues.cpu]) {
      for (let state = queue.take(); state !== undefined; state = queue.take()) {
        void this.#runNode(state);
      }
    }
  }

  async #runNode(state: NodeState): Promise<void> {
    state.status = 'running';
    state.startedAt = performance.now();
    try {
      this.#done(state, await this.#call(state));
    } catch (error) {
      this.#failed(state, error);
    }
  }

  // Being async, this turns an exception into a rejection, so that no node settles while another
  // one is being started.
  async #call(state: NodeState): Promise<unknown> {
    const { node } = state;
    const { signal } = this.#controller;
    const context = { name: node.name, inputs: state.inputs(), signal };
    if (node.kind === 'io') return node.run(context);
    return this.#plan.pool.run(node.input(context), node.filename, node.exportName, signal);
  }

  #done(state: NodeState, value: unknown): void {
    if (state.status !== 'running') return;
    state.value = value;
    this.#settle(state, 'done');
    for (const dependent of state.dependents) {
      dependent.unfinished -= 1;
      if (dependent.unfinished === 0 && dependent.status === 'waiting') this.#ready(dependent);
    }
    this.#queues[state.node.kind].release();
    this.#startReady();
  }

  #failed(state: NodeState, error: unknown): void {
    if (state.status !== 'running') return;
    state.error = error;
    this.#settle(state, 'failed');
    this.#skipDependents(state);
    this.#queues[state.node.kind].release();
    this.#startReady();
  }

  #skipDependents(failed: NodeState): void {
    const open = [failed];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (const dependent of state.dependents) {
        if (dependent.status !== 'waiting') continue;
        dependent.failedDependency = failed.node.name;
        this.#settle(dependent, 'skipped');
        open.push(dependent);
      }
    }
  }

  /** The one place where a node gets its final status. */
  #settle(state: NodeState, status: FinalStatus): void {
    state.status = status;
    state.endedAt = performance.now();
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#end?.();
    try {
      this.#plan.onSettle?.(state.report());
    } catch (error) {
      this.#abort(error);
    }
  }

  // Everything settles before the nodes hear of it, so that nothing that they do in answer to the
  // signal can start or settle a node.
  #abort(reason: unknown): void {
    if (this.#aborting) return;
    this.#aborting = true;
    const message = 'The run was aborted while this node was running. The cause says why.';
    const error = new SideloopError('ERR_SIDELOOP_DAG_ABORTED', message, { cause: reason });
    this.#queues.io.close();
    this.#queues.cpu.close();
    for (const state of this.#states) {
      if (state.status === 'running') {
        state.error = error;
        this.#settle(state, 'failed');
      } else if (state.status === 'waiting' || state.status === 'ready') {
        this.#settle(state, 'skipped');
      }
    }
    this.#controller.abort(reason);
    this.#end?.();
  }
}

// Requires: every dependency is one of the nodes.
function linkedStates(nodes: ReadonlyMap<string, DagNode>): NodeState[] {
  const states = new Map<string, NodeState>();
  for (const node of nodes.values()) states.set(node.name, new NodeState(node));
  for (const state of states.values()) {
    for (const need of state.node.needs) {
      const dependency = states.get(need) as NodeState;
      state.dependencies.push(dependency);
      dependency.dependents.push(state);
    }
  }
  return [...states.values()];
}
