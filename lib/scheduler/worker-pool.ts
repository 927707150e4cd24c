import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { SideloopError } from '../errors.js';
import { badOption, checkNames } from './dag-errors.js';

/** The part of a piscina pool that a Dag uses. Any `Piscina` instance fits. */
export interface WorkerPool {
  run(
    task: unknown,
    options: { filename: string; name: string; signal?: AbortSignal },
  ): Promise<unknown>;
  destroy(): Promise<void>;
  readonly threads: readonly Worker[];
  readonly maxThreads: number;
  on(event: string, listener: (argument: Error) => void): unknown;
  off(event: string, listener: (argument: Error) => void): unknown;
}

/** How to make the pool. Other options of piscina are passed on to it. */
export interface WorkerPoolOptions {
  /** Workers started with the pool. Default: 1. */
  readonly minThreads?: number;
  /** Workers at most. Default: the number of processors. */
  readonly maxThreads?: number;
  /**
   * Tasks handed to one Worker at a time. Default: 1. With more, a Worker has its next tasks at hand
   * while the JS thread is busy, but if it dies it takes all of them with it.
   */
  readonly concurrentTasksPerWorker?: number;
  readonly [option: string]: unknown;
}

// Those of piscina, which says nothing of one that it does not know.
const NAMES: Record<string, true> = {
  argv: true,
  atomics: true,
  closeTimeout: true,
  concurrentTasksPerWorker: true,
  env: true,
  execArgv: true,
  filename: true,
  idleTimeout: true,
  loadBalancer: true,
  maxQueue: true,
  maxThreads: true,
  minThreads: true,
  name: true,
  niceIncrement: true,
  recordTiming: true,
  resourceLimits: true,
  stricterFIFO: true,
  taskQueue: true,
  trackUnmanagedFds: true,
  workerData: true,
  workerHistogram: true,
};

/**
 * The Workers of one run. They start with the first CPU node, so that a Dag without one costs none.
 * A pool that was given is borrowed; one that was made here ends with the run.
 */
export class RunPool {
  /** How many tasks can be with the Workers at a time. */
  readonly capacity: number;
  readonly #given: WorkerPool | undefined;
  readonly #options: WorkerPoolOptions;
  readonly #watched = new Set<Worker>();
  readonly #deaths = new Set<unknown>();
  #opening: Promise<WorkerPool> | undefined;
  #pool: WorkerPool | undefined;

  /** Requires: the argument has passed checkedPool. */
  constructor(pool: WorkerPool | WorkerPoolOptions = {}) {
    if (isPool(pool)) {
      this.#given = pool;
      this.#options = {};
      // piscina gives a task that can be aborted a Worker of its own.
      this.capacity = Math.floor(pool.maxThreads);
    } else {
      const { maxThreads = availableParallelism(), concurrentTasksPerWorker = 1 } = pool;
      this.#options = { minThreads: 1, ...pool, maxThreads, concurrentTasksPerWorker };
      this.capacity = maxThreads * concurrentTasksPerWorker;
    }
  }

  /**
   * Calls `name` of the module `filename` with `task` in a Worker. When the signal is aborted, a
   * borrowed pool ends the task's Worker. A pool of ours ends with the run anyway, and is not told:
   * it would give the Worker no second task.
   */
  async run(task: unknown, filename: string, name: string, signal: AbortSignal): Promise<unknown> {
    this.#opening ??= this.#open();
    const pool = await this.#opening;
    const options = pool === this.#given ? { filename, name, signal } : { filename, name };
    try {
      return await pool.run(task, options);
    } catch (error) {
      if (!this.#isDeath(error)) throw error;
      if (isNothing(error)) {
        throw new SideloopError(
          'ERR_SIDELOOP_DAG_NOT_CLONEABLE',
          `What '${name}' of ${filename} returned, or threw, can't go from one thread to another: functions, symbols, ` +
            'promises and the like can not be cloned. Return plain data.',
          { cause: error },
        );
      }
      throw new SideloopError(
        'ERR_SIDELOOP_DAG_WORKER_DIED',
        `The Worker that ran '${name}' of ${filename} died. The cause says of what.`,
        { cause: error },
      );
    }
  }

  /** Ends the Workers, or gives the borrowed pool back as it was. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    this.#pool?.off('workerCreate', this.#watchWorkers);
    for (const worker of this.#watched) worker.off('error', this.#onWorkerError);
    if (this.#pool !== this.#given) await this.#pool?.destroy();
  }

  async #open(): Promise<WorkerPool> {
    this.#pool = this.#given ?? (await makePool(this.#options));
    this.#pool.on('workerCreate', this.#watchWorkers);
    this.#watchWorkers();
    return this.#pool;
  }

  // piscina announces a Worker before it gives it a task, but does not say which Worker it is.
  readonly #watchWorkers = (): void => {
    for (const worker of this.#pool?.threads ?? []) {
      if (this.#watched.has(worker)) continue;
      this.#watched.add(worker);
      worker.on('error', this.#onWorkerError);
    }
  };

  // piscina hands the error that killed a Worker to its tasks as if they had thrown it. The Worker
  // itself announces that error too, and that tells the two cases apart.
  readonly #onWorkerError = (error: unknown): void => {
    this.#deaths.add(error);
  };

  // A Worker that ends by process.exit() or by terminate() announces no error; piscina makes one.
  #isDeath(error: unknown): boolean {
    if (this.#deaths.has(error)) return true;
    return (
      error instanceof Error &&
      /^(worker exited with code: \d+|Terminating worker thread)$/.test(error.message)
    );
  }
}

/**
 * A Worker whose result can't be sent dies of a DataCloneError, and of that kind of error Node leaves an object without
 * anything in it on the way to this thread.
 */
function isNothing(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    !(error instanceof Error) &&
    Object.keys(error).length === 0
  );
}

/** Checks the option, which may come from untyped code. */
export function checkedPool(pool: unknown): WorkerPool | WorkerPoolOptions | undefined {
  if (pool === undefined) return undefined;
  if (typeof pool !== 'object' || pool === null) {
    throw badOption("'pool' must be a piscina pool or the options of one");
  }
  if (isPool(pool)) return pool;
  // A later piscina may have more of them.
  checkNames(pool, NAMES, 'pool', {});
  const { maxThreads, concurrentTasksPerWorker } = pool as WorkerPoolOptions;
  for (const count of [maxThreads, concurrentTasksPerWorker]) {
    if (count === undefined || (Number.isInteger(count) && count > 0)) continue;
    throw badOption(
      "the pool's 'maxThreads' and 'concurrentTasksPerWorker' must be whole numbers from 1",
    );
  }
  return pool as WorkerPoolOptions;
}

function isPool(pool: object): pool is WorkerPool {
  return 'run' in pool && typeof pool.run === 'function';
}

async function makePool(options: WorkerPoolOptions): Promise<WorkerPool> {
  try {
    const { Piscina } = await import('piscina');
    const pool = new Piscina(options);
    // A Worker that dies between two tasks fails no node, and without a listener it would kill the
    // process.
    pool.on('error', (error: Error) => process.emitWarning(error));
    return pool as WorkerPool;
  } catch (error) {
    throw new SideloopError(
      'ERR_SIDELOOP_DAG_NO_WORKERS',
      "The Workers for CPU nodes could not be started. Check the Dag's 'pool' options and that piscina is installed.",
      { cause: error },
    );
  }
}
