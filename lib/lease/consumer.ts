// A consumer of jobs: what the partitions hold ready, and who gets it.

import { checkSignal, listenToAbort } from '../abort-listeners.js';
import { AbortError, SideloopError, SideloopTypeError } from '../errors.js';
import { checkedOptions, type OptionNames } from '../options.js';
import type { Redis } from '../redis/redis.js';
import {
  type ConsumerEvents,
  type ConsumerHealth,
  ConsumerListeners,
  type Listener,
} from './consumer-events.js';
import {
  type CheckedOptions,
  type ConsumerOptions,
  checkOptions,
  whole,
} from './consumer-options.js';
import { ConsumerPartition } from './consumer-partition.js';
import { ConsumerRun, type Handler } from './consumer-run.js';
import { type ConsumerStats, sumOf } from './consumer-stats.js';
import type { Job } from './job.js';
import { JobQueue } from './job-queue.js';

/** Options of {@link Consumer.run}. */
export interface RunOptions {
  /** Has it begin no more jobs when aborted; those that were begun go on. */
  signal?: AbortSignal;
}

/** Options of {@link Consumer.close}. */
export interface CloseOptions {
  /** How long jobs that were begun may take, in ms; then others get them. Default: `leaseMs`. */
  deadlineMs?: number;
}

const RUN_NAMES: OptionNames<RunOptions> = { signal: true };
const CLOSE_NAMES: OptionNames<CloseOptions> = { deadlineMs: true };

/**
 * Takes jobs from a Redis stream, as one of a group. The leases on its jobs are renewed by the loop thread while this
 * thread computes, and end when the server has answered to the ack. It begins to read when it is first asked for a job, and
 * keeps the process alive from then until it is closed.
 *
 * ```ts
 * const consumer = new Consumer(redis, { stream: 'jobs', group: 'workers', concurrency: 10 });
 * await consumer.run(async (job) => resize(job.fields.image, { signal: job.signal }));
 * ```
 */
export class Consumer implements AsyncIterable<Job>, AsyncDisposable {
  readonly #options: CheckedOptions;
  readonly #partitions: readonly ConsumerPartition[];
  readonly #listeners = new ConsumerListeners();
  readonly #ready = new JobQueue();
  readonly #waiters: Waiter[] = [];
  readonly #runs: ConsumerRun[] = [];
  #nextRun = 0;
  #active = 0;
  #state: 'idle' | 'open' | 'closing' | 'closed' = 'idle';
  #health: ConsumerHealth = { healthy: true };
  #open: number;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};

  /**
   * `redis` says where the server is: the consumer makes connections of its own, on the client's loop. With partitions it
   * may be a function that gives the client of each.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
   */
  constructor(redis: Redis | ((partition: string) => Redis), options: ConsumerOptions) {
    this.#options = checkOptions(options);
    const { partitions, concurrency, prefetch } = this.#options;
    const names: readonly (string | undefined)[] = partitions ?? [undefined];
    const room = Math.ceil((concurrency + prefetch) / names.length);
    const listener = {
      ready: (job: Job) => this.#ready.push(job),
      settled: () => this.#pump(),
      over: (job: Job) => this.#over(job),
      health: () => this.#onHealth(),
      closed: () => this.#onClosed(),
    };
    this.#partitions = names.map((name) => {
      const client = typeof redis === 'function' && name !== undefined ? redis(name) : redis;
      // Whatever else it is, the partition finds out.
      return new ConsumerPartition(
        client as Redis,
        name,
        room,
        this.#options,
        listener,
        this.#listeners,
      );
    });
    this.#open = this.#partitions.length;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Its name in the group. */
  get name(): string {
    return this.#options.name;
  }

  /** Whether it can do its work. */
  get health(): ConsumerHealth {
    return this.#health;
  }

  /** Jobs, while fewer than `concurrency` are begun and not settled. Leaving the loop stops taking; close() closes. */
  [Symbol.asyncIterator](): AsyncIterator<Job, undefined> {
    const mine = new Set<Waiter>();
    let left = false;
    return {
      next: async () => {
        if (left || !this.#begin()) return DONE;
        return new Promise<IteratorResult<Job, undefined>>((resolve) => {
          const waiter: Waiter = (job) => {
            mine.delete(waiter);
            resolve(job === undefined ? DONE : { done: false, value: job });
          };
          mine.add(waiter);
          this.#waiters.push(waiter);
          this.#pump();
        });
      },
      return: () => {
        left = true;
        for (const waiter of mine) {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          waiter(undefined);
        }
        return Promise.resolve(DONE);
      },
    };
  }

  /**
   * Calls `handler` for each job, `concurrency` at a time, in the async context of this call; acks the job when it returns
   * or its promise resolves, and fails it when it throws. What a handler has settled itself is left at that. Resolves when
   * the signal is aborted or the consumer closed, and all that was begun is over: settled, or its lease has ended. For a
   * handler that never returns it does not wait beyond that.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the handler is no function.
   * @throws SideloopError `ERR_SIDELOOP_STOPPED` where the client's loop was stopped, and AbortError where the signal is
   * aborted already.
   */
  async run(handler: Handler, options?: RunOptions): Promise<void> {
    if (typeof handler !== 'function') {
      throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'A handler must be a function.');
    }
    const { signal } = checkedOptions(options, RUN_NAMES, 'run()');
    checkSignal(signal);
    if (signal?.aborted) throw new AbortError(signal);
    if (!this.#begin()) return;
    const run = new ConsumerRun(handler, (error) => this.#listeners.tell('error', error as Error));
    const unlisten = listenToAbort(signal, () => this.#stopRun(run));
    this.#runs.push(run);
    this.#pump();
    await run.ended;
    unlisten();
  }

  /**
   * Takes nothing more. What was not begun others get at once, and it counts as no attempt; what was begun may go on until
   * the deadline, and is settled as ever. What is left then others get; their signals are aborted, reason `released`.
   * Calling it again gives the same promise; a nearer deadline then has no effect.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong deadline.
   */
  close(options?: CloseOptions): Promise<void> {
    const { deadlineMs = this.#options.leaseMs } = checkedOptions(options, CLOSE_NAMES, 'close()');
    whole('deadlineMs', deadlineMs, 0);
    if (this.#state === 'idle' || this.#state === 'open') {
      this.#state = 'closing';
      for (const partition of this.#partitions) partition.close(deadlineMs);
      this.#stopTaking();
    }
    return this.#closed;
  }

  /** What it did so far. Cheap: it asks nobody and waits for nothing. */
  stats(): ConsumerStats {
    return sumOf(
      this.#partitions.map((partition) => partition.stats()),
      this.#active,
    );
  }

  /** Has it keep the process alive until it is closed, as it does at first. */
  ref(): this {
    for (const partition of this.#partitions) partition.hold(true);
    return this;
  }

  /** Lets the process exit although it is open. */
  unref(): this {
    for (const partition of this.#partitions) partition.hold(false);
    return this;
  }

  /** Calls `listener` at each `event`. */
  on<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): this {
    this.#listeners.on(event, listener);
    return this;
  }

  /** Calls `listener` at the next `event`. */
  once<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): this {
    this.#listeners.once(event, listener);
    return this;
  }

  /** Stops calling `listener`. */
  off<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): this {
    this.#listeners.off(event, listener);
    return this;
  }

  /** `await using consumer = new Consumer(...)`: closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Begins to read, where it has not. False where it is closed. */
  #begin(): boolean {
    if (this.#state === 'open') return true;
    if (this.#state !== 'idle') return false;
    this.#state = 'open';
    const started = this.#partitions.map((partition) => partition.start());
    if (started.includes(false)) {
      this.close({ deadlineMs: 0 });
      throw new SideloopError(
        'ERR_SIDELOOP_STOPPED',
        'The loop of the Redis client was stopped: make a consumer with a client of another loop.',
      );
    }
    return true;
  }

  #pump(): void {
    while (this.#active < this.#options.concurrency) {
      if (this.#waiters.length === 0 && this.#runs.length === 0) return;
      const job = this.#take();
      if (job === undefined) return;
      const waiter = this.#waiters.shift();
      if (waiter !== undefined) waiter(job);
      else this.#pickRun().start(job);
    }
  }

  /** The next job that still is ours. The others their ends tell of, or have. */
  #take(): Job | undefined {
    if (this.#state !== 'open') return undefined;
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      if (job.over || !(job.owner as ConsumerPartition).begin(job)) continue;
      job.begun = true;
      this.#active++;
      return job;
    }
    return undefined;
  }

  #pickRun(): ConsumerRun {
    this.#nextRun = (this.#nextRun + 1) % this.#runs.length;
    return this.#runs[this.#nextRun] as ConsumerRun;
  }

  #over(job: Job): void {
    if (job.begun) this.#active--;
  }

  #stopRun(run: ConsumerRun): void {
    const at = this.#runs.indexOf(run);
    if (at !== -1) this.#runs.splice(at, 1);
    run.stop();
  }

  #stopTaking(): void {
    this.#ready.clear();
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
    for (const run of [...this.#runs]) this.#stopRun(run);
  }

  #onHealth(): void {
    const ailing = this.#partitions.find(({ ailment }) => ailment !== undefined);
    const health = healthOf(ailing);
    if (health.reason === this.#health.reason) return;
    this.#health = health;
    this.#listeners.tell('health', health);
  }

  #onClosed(): void {
    if (--this.#open > 0) return;
    this.#state = 'closed';
    this.#stopTaking();
    this.#resolveClosed();
  }
}

function healthOf(ailing: ConsumerPartition | undefined): ConsumerHealth {
  if (ailing === undefined) return { healthy: true };
  const { name, ailment = '' } = ailing;
  return { healthy: false, reason: name === undefined ? ailment : `${name}: ${ailment}` };
}

/** Gets a job, or nothing where there will be none. */
type Waiter = (job: Job | undefined) => void;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
