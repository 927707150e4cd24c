// One partition of a consumer: its native side, and the jobs that it holds.

import {
  forget,
  type NativeConsumer,
  type NativeConsumerStats,
  native,
  receive,
} from '../binding.js';
import { nativeError, SideloopError, SideloopTypeError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { redisInternalsOf } from '../redis/internals.js';
import type { Redis } from '../redis/redis.js';
import { queueMicrotask } from '../turns.js';
import type { ConsumerListeners, FailedEvent } from './consumer-events.js';
import { type CheckedOptions, delayOf } from './consumer-options.js';
import { ConsumerStage } from './consumer-stage.js';
import { END_REASONS, type Message, Outcome, Report } from './consumer-wire.js';
import { readEntry, type Word } from './entry.js';
import { type Failure, Job, type JobOwner } from './job.js';
import { partitionStream, queueKeys } from './keys.js';
import type { LeaseEndReason } from './lease-error.js';

/** What the consumer hears of one of its partitions. */
export interface PartitionListener {
  /** A job is ready to be begun. */
  ready(job: Job): void;
  /** No more reports are at hand for now. */
  settled(): void;
  over(job: Job): void;
  health(partition: ConsumerPartition): void;
  closed(): void;
}

export class ConsumerPartition implements JobOwner {
  /** Why it is unhealthy; undefined: it is healthy. */
  ailment: string | undefined;
  closed = false;
  readonly #native: NativeConsumer;
  readonly #loop: EventLoop;
  readonly #stage: ConsumerStage;
  readonly #streams: readonly string[];
  readonly #deadLetters: string;
  // By handle.
  readonly #jobs: (Job | undefined)[] = [];
  // Whose settlement is staged.
  readonly #unsent: Job[] = [];
  #started = false;
  #holds = true;
  #loopHolds = true;

  /** `room`: entries held at a time. */
  constructor(
    redis: Redis,
    readonly name: string | undefined,
    room: number,
    private readonly options: CheckedOptions,
    private readonly listener: PartitionListener,
    private readonly listeners: ConsumerListeners,
  ) {
    const client = redisInternalsOf(redis)?.native;
    if (client === undefined) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'redis must be a Redis client of sideloop/redis, or a function that gives one for each partition.',
      );
    }
    const queue = name === undefined ? options.stream : partitionStream(options.stream, name);
    const keys = queueKeys(queue, options.priorities);
    this.#deadLetters = options.deadLetter ?? keys.dead;
    const { group, start } = options;
    const books = [keys.delayed, keys.history(group), this.#deadLetters];
    const [bytes, sizes] = encode([group, options.name, start, ...books, ...keys.streams]);
    this.#streams = keys.streams;
    this.#loop = redis.loop;
    this.#native = new native.ConsumerWrap(client, bytes, sizes, numbersOf(options, room));
    this.#stage = new ConsumerStage(this.#native, (accepted) => this.#onSent(accepted));
  }

  /** False where the loop takes nothing any more. */
  start(): boolean {
    if (!this.#native.start()) {
      this.#close();
      return false;
    }
    const { target } = this.#native;
    this.#started = true;
    this.#stage.open();
    receive(target, { messages: (values) => this.#read(values as Message[]) });
    native.hold(target);
    internalsOf(this.#loop).join(this);
    return true;
  }

  /** Begins the job, if it still is ours. */
  begin(job: Job): boolean {
    return this.#native.begin(job.handle, job.serial);
  }

  ack(job: Job): void {
    this.#stage.ack(job.handle, job.serial);
    this.#unsent.push(job);
  }

  fail(job: Job, failure: Failure, text: string): void {
    this.#stage.fail(job.handle, job.serial, failure.delayMs, failure.dead, text);
    this.#unsent.push(job);
    this.#tellFailed(job, failure.error);
  }

  /** Its handler threw when there was nothing left to fail, which is heard all the same. */
  threwLate(job: Job, error: unknown): void {
    // It is what was told already. An undefined that was thrown is not the lack of either.
    if (job.end !== undefined && error === job.end) return;
    if (job.failure !== undefined && error === job.failure.error) return;
    if (job.end !== undefined && !job.hasFailed) this.#tellFailed(job, error);
    else this.listeners.tell('error', error as Error);
  }

  extend(job: Job, ms: number): void {
    this.#stage.extend(job.handle, job.serial, ms);
  }

  /** Lets others have it, though it was begun. */
  giveBack(job: Job): void {
    this.#stage.giveBack(job.handle, job.serial);
  }

  validForMs(job: Job): number {
    return this.#native.validForMs(job.handle, job.serial);
  }

  retryDelay(attempt: number): number {
    const { retryDelayMs } = this.options;
    return typeof retryDelayMs === 'number'
      ? Math.ceil(retryDelayMs)
      : delayOf(retryDelayMs(attempt), 'what retryDelayMs returns');
  }

  close(deadlineMs: number): void {
    if (!this.#started) this.#close();
    else this.#stage.close(deadlineMs);
  }

  stats(): NativeConsumerStats {
    return this.#native.stats();
  }

  /** Whether it keeps the process alive until it is closed. */
  hold(holds: boolean): void {
    this.#holds = holds;
    this.setReferenced(this.#loopHolds);
  }

  /** The loop says whether what is on it does. */
  setReferenced(referenced: boolean): void {
    this.#loopHolds = referenced;
    native.setReferenced(this.#native.target, referenced && this.#holds);
  }

  #read(messages: Message[]): void {
    for (const message of messages) this.#readOne(message);
    this.listener.settled();
  }

  #readOne(message: Message): void {
    const words = message[0];
    let text = 1;
    for (let at = 0; at < words.length; ) {
      const kind = words[at++] as number;
      if (kind === Report.job) {
        this.#addJob(message, at, text);
        text += 1 + 2 * (words[at + 4] as number);
        at += 5;
      } else if (kind === Report.dead) {
        this.#onDead(message, at, text);
        text += 1 + 2 * (words[at + 2] as number);
        at += 3;
      } else if (kind === Report.settled) {
        this.#onSettled(words[at] as number, words[at + 1] as number);
        at += 2;
      } else if (kind === Report.ended) {
        const reason = END_REASONS[words[at + 1] as number] ?? 'lost';
        this.#onEnded(words[at] as number, reason);
        if (reason === 'js-blocked' || reason === 'max-lease') this.#stage.here();
        at += 2;
      } else if (kind === Report.refused) {
        const job = this.#jobs[words[at] as number];
        const [code, why] = [message[text++] as string, message[text++] as string];
        const error = nativeError(code, why, undefined, words[at + 1] === 1);
        job?.refused(error, words[at + 2] === 1);
        at += 3;
      } else if (kind === Report.health) {
        this.ailment = words[at++] === 1 ? undefined : (message[text] as string);
        text++;
        this.listener.health(this);
      } else if (kind === Report.error) {
        const [code, why] = [message[text++] as string, message[text++] as string];
        if (code === 'ACKED_KEPT') process.emitWarning(`${why}.`, { code: 'SIDELOOP_ACKED_KEPT' });
        else this.listeners.tell('error', nativeError(code, why));
      } else {
        this.#close();
      }
    }
  }

  #addJob(message: Message, at: number, text: number): void {
    const words = message[0];
    const [handle, serial, deliveries] = [words[at], words[at + 1], words[at + 2]] as [
      number,
      number,
      number,
    ];
    const job = this.#newJob(message, handle, serial, deliveries, at + 3, text);
    this.#jobs[handle] = job;
    if (deliveries > 1 && this.listeners.has('stalled')) {
      this.#tellStalled(job);
      // Its handler runs when that has been heard.
      queueMicrotask(() => {
        this.listener.ready(job);
        this.listener.settled();
      });
    } else {
      this.listener.ready(job);
    }
  }

  /** `at`: of the words for its level and how many fields it has. */
  #newJob(
    message: Message,
    handle: number,
    serial: number,
    deliveries: number,
    at: number,
    text: number,
  ): Job {
    const words = message[0];
    const level = words[at] as number;
    // The words are never looked at as a text.
    const texts = message as readonly unknown[] as readonly Word[];
    return new Job(
      this,
      handle,
      serial,
      readEntry(texts, text, words[at + 1] as number, deliveries),
      this.#streams[level] as string,
      this.options.priorities?.[level],
    );
  }

  #onSettled(handle: number, outcome: number): void {
    const job = this.#take(handle);
    if (job === undefined) return;
    job.settled();
    const { attempt, failure } = job;
    if (failure === undefined) {
      this.listeners.tell('completed', { job, attempt });
      return;
    }
    const { error, delayMs } = failure;
    // As the script decides it.
    const wasLast = failure.dead || attempt >= this.options.maxAttempts;
    if (outcome === Outcome.dead || (outcome === Outcome.unknown && wasLast)) {
      this.#tellDead({ job, attempt, error });
    } else {
      this.listeners.tell('retrying', { job, attempt, error, delayMs });
    }
  }

  #onEnded(handle: number, reason: LeaseEndReason): void {
    const job = this.#take(handle);
    if (job === undefined) return;
    const error = job.ended(reason);
    if (job.begun) this.listeners.tell('lost', { job, attempt: job.attempt, error });
  }

  /** Its last holder has let its lease run out, and tells nobody. */
  #onDead(message: Message, at: number, text: number): void {
    const deliveries = message[0][at] as number;
    const job = this.#newJob(message, NO_HANDLE, 0, deliveries, at + 1, text);
    job.ended('expired');
    this.#tellDead({ job, attempt: job.attempt, error: stalledError(job.attempt) });
  }

  #tellStalled(job: Job): void {
    const attempt = job.attempt - 1;
    this.listeners.tell('stalled', { job, attempt, error: stalledError(attempt) });
  }

  #tellFailed(job: Job, error: unknown): void {
    if (job.hasFailed) return;
    job.hasFailed = true;
    this.listeners.tell('failed', { job, attempt: job.attempt, error });
  }

  /** No error's words, and no field: either may hold what a log must not. */
  #tellDead(event: FailedEvent): void {
    this.listeners.tell('dead', event);
    if (this.listeners.has('dead')) return;
    const { job, attempt } = event;
    const name = `${JSON.stringify(job.id)} of ${JSON.stringify(job.stream)}`;
    console.error(
      `sideloop: the job ${name} is a dead letter after attempt ${attempt}. It is in ` +
        `${JSON.stringify(this.#deadLetters)}, with its history. Listen to the consumer's event 'dead' to see to it.`,
    );
  }

  #take(handle: number): Job | undefined {
    const job = this.#jobs[handle];
    this.#jobs[handle] = undefined;
    if (job !== undefined) this.listener.over(job);
    return job;
  }

  #onSent(accepted: boolean): void {
    if (!accepted) {
      // The loop takes nothing any more: its end is on the way, and with it that of all leases.
      const error = new SideloopError(
        'ERR_SIDELOOP_STOPPED',
        'The loop was stopped. The job was not settled: close() the consumer before you stop its loop.',
      );
      for (const job of this.#unsent) job.refused(error);
    }
    this.#unsent.length = 0;
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#stage.end();
    if (this.#started) {
      native.release(this.#native.target);
      internalsOf(this.#loop).leave(this);
      forget(this.#native.target);
    }
    // Nothing is heard of these any more.
    for (const job of this.#jobs) {
      if (job !== undefined) this.#onEnded(job.handle, 'loop-stopped');
    }
    this.listener.closed();
  }
}

/** Of a job that is no place of the native side's any more. */
const NO_HANDLE = -1;

function stalledError(attempt: number): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_JOB_STALLED',
    `Attempt ${attempt} was delivered and not settled: its process has died, was away for longer than a lease, or had ` +
      'closed its consumer before it was done. Nobody knows whether it was begun.',
  );
}

const encoder = new TextEncoder();

/** The texts one after the other, and the size of each. */
function encode(texts: readonly string[]): [bytes: Uint8Array, sizes: Int32Array] {
  const parts = texts.map((text) => encoder.encode(text));
  return [Buffer.concat(parts), Int32Array.from(parts, (part) => part.byteLength)];
}

function dropOf({ deleteAcked, keepAcked }: CheckedOptions): number {
  if (keepAcked !== undefined) return keepAcked + 2;
  if (deleteAcked === undefined) return -1;
  return deleteAcked ? 1 : 0;
}

/** As native/binding/consumer_wrap.cc takes them. */
function numbersOf(options: CheckedOptions, room: number): Float64Array {
  return Float64Array.of(
    options.leaseMs,
    options.renewEveryMs,
    options.maxLeaseMs,
    options.maxBlockMs,
    options.recoverEveryMs,
    options.maxAttempts,
    room,
    dropOf(options),
  );
}
