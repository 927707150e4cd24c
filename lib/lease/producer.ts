// Adds jobs to a queue: at once or delayed, by an idempotency key once only, and no faster than it is told.

import { randomBytes } from 'node:crypto';
import { AbortError, RedisError } from '../errors.js';
import { checkedOptions, checkNames } from '../options.js';
import { type CheckedJob, checkJob } from './new-job.js';
import { type Partition, Partitions, type RedisSource } from './partitions.js';
import {
  AddManyError,
  backlogError,
  closedError,
  strangeAnswer,
  wrong,
} from './producer-errors.js';
import {
  ADD_NAMES,
  type Added,
  type AddOptions,
  checkOptions,
  JOB_NAMES,
  type JobFields,
  type NewJob,
  type ProducerOptions,
  type ProducerSettings,
} from './producer-options.js';
import { ADD, ADD_DELAYED, CANCEL } from './producer-scripts.js';
import { Room } from './room.js';

/** How often an add with an idempotency key is repeated when its reply was lost. */
const MOST_REPEATS = 10;

/** What a producer has to do at present, and did. */
export interface ProducerStats {
  /** Adds under way: sent, and not settled. */
  pending: number;
  /** Adds that wait for their turn, as there are `maxPending` under way. */
  waiting: number;
  /** Jobs added, duplicates not counted. */
  added: number;
  /** Adds that found their idempotency key known. */
  duplicates: number;
  /** Times that an add was sent again, as its reply was lost. */
  repeats: number;
}

/**
 * Adds jobs to a queue, for its {@link Consumer}s. It uses the Redis clients that it is given, and leaves them open.
 *
 * Jobs of one producer are added in the order of the calls, within a partition and a priority, except where one is repeated.
 */
export class Producer implements AsyncDisposable {
  readonly #settings: ProducerSettings;
  readonly #partitions: Partitions;
  readonly #room: Room;
  /** Tells this producer's adds from those of all others. */
  readonly #name = randomBytes(6).toString('hex');
  #lastNumber = 0;
  #added = 0;
  #duplicates = 0;
  #repeats = 0;
  #underWay = 0;
  #closing: Promise<void> | undefined;
  #onIdle = () => {};

  /**
   * `redis`: a client, or with partitions a function that returns the client of each; it is called once for each.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
   */
  constructor(redis: RedisSource, options: ProducerOptions) {
    this.#settings = checkOptions(options);
    this.#partitions = new Partitions(
      redis,
      options.stream,
      options.partitions,
      this.#settings.priorities,
    );
    this.#room = new Room(this.#settings.maxPending);
  }

  /**
   * Adds a job; resolves when the server has it.
   *
   * With an idempotency key an add whose reply was lost with the connection is repeated, up to ten times and for half of
   * `dedupeMs`. Without one it rejects, and the error's `mayHaveRun` says that the job may be there all the same.
   *
   * Rejects with `ERR_SIDELOOP_ARGUMENT`, `ERR_SIDELOOP_BACKLOG_FULL` and `ERR_SIDELOOP_PRODUCER_CLOSED`, an AbortError of
   * the signal, and the errors of {@link Redis}.
   */
  async add(fields: JobFields, options?: AddOptions): Promise<Added> {
    return this.#add(this.#check(fields, checkedOptions(options, ADD_NAMES, 'add()')));
  }

  /**
   * Adds jobs in the order given, each by itself: they are sent together, but are no transaction. If one is wrong, none is
   * added, and it rejects with `ERR_SIDELOOP_ARGUMENT`.
   *
   * Rejects with an {@link AddManyError} when all are settled and some have failed: its `results` tell which.
   */
  async addMany(jobs: Iterable<NewJob>): Promise<Added[]> {
    if (typeof jobs?.[Symbol.iterator] !== 'function') throw wrong('jobs', 'an array of jobs');
    const checked = Array.from(jobs, (job) => {
      if (typeof job !== 'object' || job === null) throw wrong('A job', 'an object with fields');
      checkNames(job, JOB_NAMES, 'a job');
      return this.#check(job.fields, job);
    });
    const results = await Promise.allSettled(checked.map((job) => this.#add(job)));
    const added = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
    if (added.length < results.length) throw new AddManyError(results);
    return added;
  }

  /**
   * Takes a delayed job back, by the id that `add()` returned. True: nobody will ever get it. False: it was due and has been
   * moved to its stream, or there is no such job. A partition saves asking all of them. Its idempotency key stays known.
   *
   * Rejects with `ERR_SIDELOOP_ARGUMENT` and `ERR_SIDELOOP_PRODUCER_CLOSED`, and with the errors of {@link Redis}.
   */
  async cancel(id: string, partition?: string): Promise<boolean> {
    if (typeof id !== 'string') throw wrong('id', 'the id that add() returned');
    const asked = this.#partitions.all.filter((p) => (partition ?? p.name) === p.name);
    if (asked.length === 0) throw wrong('partition', "one of the producer's partitions");
    if (this.#closing !== undefined) throw closedError();
    const due = /^(\d{1,16})-[0-9a-z]+-[0-9a-f]+$/.exec(id)?.[1];
    if (due === undefined) return false;
    return this.#track(async () => {
      const replies = await Promise.allSettled(
        asked.map(({ redis, keys }) => CANCEL.run(redis, [keys.delayed], [id, due])),
      );
      // Where one has taken it back, what another failed at does not matter.
      if (replies.some((reply) => reply.status === 'fulfilled' && Number(reply.value) === 1))
        return true;
      for (const reply of replies) if (reply.status === 'rejected') throw reply.reason;
      return false;
    });
  }

  /** What it does and did. Cheap: it asks nobody. */
  stats(): ProducerStats {
    return {
      pending: this.#room.inside,
      waiting: this.#room.waiting,
      added: this.#added,
      duplicates: this.#duplicates,
      repeats: this.#repeats,
    };
  }

  /** Takes no more, and resolves when all adds under way are settled, those that wait for their turn included. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#underWay === 0) resolve();
    });
    return this.#closing;
  }

  /** `await using producer = new Producer(...)`: closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(fields: JobFields, options: AddOptions): CheckedJob {
    return checkJob(fields, options, this.#settings, this.#partitions);
  }

  async #add(job: CheckedJob): Promise<Added> {
    if (this.#closing !== undefined) throw closedError();
    if (job.signal?.aborted) throw new AbortError(job.signal);
    return this.#track(() => this.#room.run(() => this.#sendAndCount(job), job.signal));
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      if (--this.#underWay === 0) this.#onIdle();
    }
  }

  async #sendAndCount(job: CheckedJob): Promise<Added> {
    const added = await this.#send(job);
    if (added.duplicate) this.#duplicates++;
    else this.#added++;
    return added;
  }

  async #send(job: CheckedJob): Promise<Added> {
    const { partition, stream, words, idempotencyKey, due } = job;
    const { maxLength, minAgeMs, maxBacklog } = this.#settings;
    if (idempotencyKey === undefined && due === undefined && minAgeMs < 0 && maxBacklog < 0) {
      const id = await partition.redis.call('XADD', stream, maxLength, '*', words);
      if (typeof id !== 'string') throw strangeAnswer('XADD');
      return addedTo(partition, id, false);
    }
    // Of one width, so that jobs of this producer that are due in the same ms are in the order of their adds.
    const tag = `${(++this.#lastNumber).toString(36).padStart(11, '0')}-${this.#name}`;
    const run = () => this.#runScript(job, tag);
    const reply = await (idempotencyKey === undefined ? run() : this.#repeat(run, job.signal));
    const [idOrLength, code] = Array.isArray(reply) ? reply : [];
    // With stringNumbers, integers come as strings.
    const outcome = Number(code ?? Number.NaN);
    if (outcome === 2 && Number.isInteger(Number(idOrLength))) {
      const full = due === undefined ? stream : partition.keys.delayed;
      throw backlogError(full, Number(idOrLength), maxBacklog);
    }
    if (typeof idOrLength !== 'string' || (outcome !== 0 && outcome !== 1)) {
      throw strangeAnswer('EVAL');
    }
    return addedTo(partition, idOrLength, outcome === 1);
  }

  #runScript({ partition, stream, words, idempotencyKey, due }: CheckedJob, tag: string) {
    const { dedupeMs, maxLength, minAgeMs, exact, maxBacklog } = this.#settings;
    const { redis, keys } = partition;
    const once = idempotencyKey === undefined ? [] : [keys.once(idempotencyKey)];
    const common = [tag, dedupeMs, maxBacklog];
    if (due === undefined) {
      const trim = minAgeMs < 0 ? maxLength : ['MINID', exact ? '=' : '~'];
      const args = [...common, minAgeMs, trim.length, ...trim, ...words];
      return ADD.run(redis, [stream, ...once], args);
    }
    const when = 'at' in due ? ['', due.at] : [due.delayMs, ''];
    const first = keys.streams[0] as string;
    const args = [...common, ...when, stream, ...words];
    return ADD_DELAYED.run(redis, [first, keys.delayed, ...once], args);
  }

  /** Runs a script that is safe to run again until a reply arrives. */
  async #repeat(run: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    // Past half of dedupeMs the first add's memory might be gone before the repeat arrives.
    const until = performance.now() + this.#settings.dedupeMs / 2;
    let lost: RedisError | undefined;
    for (let repeats = 0; ; repeats++) {
      try {
        return await run();
      } catch (error) {
        const mayHaveRun = error instanceof RedisError && error.mayHaveRun;
        // Once it may have run, no later refusal makes that untrue.
        if (!mayHaveRun) throw lost ?? error;
        lost ??= error;
        const over = repeats === MOST_REPEATS || performance.now() >= until;
        if (over || signal?.aborted) throw lost;
        this.#repeats++;
      }
    }
  }
}

function addedTo({ name }: Partition, id: string, duplicate: boolean): Added {
  return name === undefined ? { id, duplicate } : { id, duplicate, partition: name };
}
