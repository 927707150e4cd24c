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
import { type CheckedOptions, delayOf } from './consumer-options.js';
import { ConsumerStage } from './consumer-stage.js';
import { END_REASONS, type Message, Report } from './consumer-wire.js';
import { Job, type JobKeeper } from './job.js';
import { partitionStream, queueKeys } from './keys.js';

/** What the consumer hears of one of its partitions. */
export interface PartitionListener {
  /** A job is ready to be begun. */
  ready(job: Job): void;
  /** No more reports are at hand for now. */
  settled(): void;
  over(job: Job): void;
  health(partition: ConsumerPartition): void;
  error(error: SideloopError): void;
  closed(): void;
}

export class ConsumerPartition implements JobKeeper {
  /** Why it is unhealthy; undefined: it is healthy. */
  ailment: string | undefined;
  closed = false;
  readonly #native: NativeConsumer;
  readonly #loop: EventLoop;
  readonly #stage: ConsumerStage;
  readonly #streams: readonly string[];
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
    const dead = options.deadLetter ?? keys.dead;
    const { group } = options;
    const texts = [group, options.name, options.start, keys.delayed, keys.history(group), dead];
    const [bytes, sizes] = encode([...texts, ...keys.streams]);
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

  fail(job: Job, delayMs: number, dead: boolean, text: string): void {
    this.#stage.fail(job.handle, job.serial, delayMs, dead, text);
    this.#unsent.push(job);
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
        text = this.#addJob(words, at, message as readonly unknown[] as string[], text);
        at += 5;
      } else if (kind === Report.settled) {
        this.#take(words[at++] as number)?.settled();
      } else if (kind === Report.ended) {
        const job = this.#take(words[at] as number);
        const reason = END_REASONS[words[at + 1] as number] ?? 'lost';
        job?.ended(reason);
        if (reason === 'js-blocked' || reason === 'max-lease') this.#stage.here();
        at += 2;
      } else if (kind === Report.refused) {
        const job = this.#jobs[words[at] as number];
        const [code, why] = [message[text++] as string, message[text++] as string];
        job?.refused(nativeError(code, why, undefined, words[at + 1] === 1));
        at += 2;
      } else if (kind === Report.health) {
        this.ailment = words[at++] === 1 ? undefined : (message[text] as string);
        text++;
        this.listener.health(this);
      } else if (kind === Report.error) {
        const [code, why] = [message[text++] as string, message[text++] as string];
        this.listener.error(nativeError(code, why));
      } else {
        this.#close();
      }
    }
  }

  #addJob(words: Int32Array, at: number, texts: string[], first: number): number {
    const handle = words[at] as number;
    const level = words[at + 3] as number;
    const id = texts[first] as string;
    let next = first + 1;
    const end = next + 2 * (words[at + 4] as number);
    const fields: Record<string, string> = {};
    let meta: string | undefined;
    for (; next < end; next += 2) {
      const name = texts[next] as string;
      if (name === 'sideloop') meta = texts[next + 1];
      else if (name === '__proto__') setOwn(fields, name, texts[next + 1] as string);
      else fields[name] = texts[next + 1] as string;
    }
    const before = meta === undefined ? undefined : parse(meta);
    const job = new Job(
      this,
      handle,
      words[at + 1] as number,
      before?.id ?? id,
      fields,
      (words[at + 2] as number) + (before?.attempt ?? 0),
      this.#streams[level] as string,
      this.options.priorities?.[level],
    );
    this.#jobs[handle] = job;
    this.listener.ready(job);
    return end;
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
      if (job !== undefined) this.#take(job.handle)?.ended('loop-stopped');
    }
    this.listener.closed();
  }
}

/** What an entry says of the job's earlier ones. */
interface Meta {
  id: string | undefined;
  attempt: number;
}

function parse(text: string): Meta | undefined {
  let meta: { id?: unknown; attempt?: unknown };
  try {
    meta = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof meta !== 'object' || meta === null) return undefined;
  return {
    id: typeof meta.id === 'string' ? meta.id : undefined,
    attempt: Number.isSafeInteger(meta.attempt) ? (meta.attempt as number) : 0,
  };
}

function setOwn(fields: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(fields, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

const encoder = new TextEncoder();

/** The texts one after the other, and the size of each. */
function encode(texts: readonly string[]): [bytes: Uint8Array, sizes: Int32Array] {
  const parts = texts.map((text) => encoder.encode(text));
  return [Buffer.concat(parts), Int32Array.from(parts, (part) => part.byteLength)];
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
    options.deleteAcked ? 1 : 0,
  );
}
