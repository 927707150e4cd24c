// One job, as its handler holds it.

import { performance } from 'node:perf_hooks';
import { types } from 'node:util';
import { checkUsable } from '../bytes.js';
import { SideloopError, SideloopTypeError } from '../errors.js';
import { checkedOptions, type OptionNames } from '../options.js';
import { delayOf, whole } from './consumer-options.js';
import { type Entry, rawFieldsOf, valueIn, type Word, wordOf } from './entry.js';
import { type LeaseEndReason, LeaseError } from './lease-error.js';

/** Options of {@link Job.fail}. */
export interface FailOptions {
  /** How long it waits for its next attempt, in ms. Default: as the consumer's `retryDelayMs` says. */
  retryAfterMs?: number;
  /** Makes it a dead letter now, whatever attempts are left. Default false. */
  dead?: boolean;
}

const FAIL_NAMES: OptionNames<FailOptions> = { retryAfterMs: true, dead: true };

/** How an attempt is failed. */
export interface Failure {
  readonly error: unknown;
  readonly delayMs: number;
  /** No more attempts. */
  readonly dead: boolean;
}

/** What a job needs of its partition. */
export interface JobOwner {
  ack(job: Job): void;
  fail(job: Job, failure: Failure, text: string): void;
  extend(job: Job, ms: number): void;
  validForMs(job: Job): number;
  retryDelay(attempt: number): number;
}

/** How a settlement ends. */
export interface Settler {
  resolve(): void;
  /** `isNews`: the server has not said the same of another job before. */
  reject(error: Error, isNews: boolean): void;
}

const LONGEST_TEXT = 1000;

/**
 * A job, and the lease on it: it is this consumer's alone while the lease is valid, and stays in the group's pending list
 * until ack() or fail() has been carried out at the server.
 */
export class Job {
  /** Of the job: that of its first entry, or what the producer's add() has returned. It stays over retries. */
  readonly id: string;
  /**
   * The fields of its entry, as texts: bytes that are no UTF-8 are replaced by U+FFFD, and of fields of the same name the last
   * is here. {@link Job.bytes} and {@link Job.rawFields} have all as it is.
   */
  readonly fields: Record<string, string>;
  /** Which delivery of the job this is, from 1. */
  readonly attempt: number;
  /** @internal */
  settler: Settler | undefined;
  /** @internal Whether it was yielded. */
  begun = false;
  /** @internal Settled, or its lease has ended. */
  over = false;
  /** @internal Whoever is told when it is over. */
  onOver: (() => void) | undefined;
  /** @internal Whoever is told when its settlement was refused, and it is still held. */
  onRefused: (() => void) | undefined;
  /** @internal The last fail(), where it was not followed by an ack(). */
  failure: Failure | undefined;
  /** @internal Whether it was told that this attempt has failed. */
  hasFailed = false;
  /** @internal Why its lease has ended, where that was before it was settled. */
  end: LeaseError | undefined;
  readonly #words: readonly Word[];
  #controller: AbortController | undefined;

  /** @internal */
  constructor(
    /** @internal */
    readonly owner: JobOwner,
    /** @internal */
    readonly handle: number,
    /** @internal */
    readonly serial: number,
    entry: Entry,
    /** The stream that it was read from. */
    readonly stream: string,
    /** Its level, where the consumer has priorities. */
    readonly priority: string | undefined,
  ) {
    this.id = entry.id;
    this.fields = entry.fields;
    this.attempt = entry.attempt;
    this.#words = entry.words;
  }

  /**
   * All fields of its entry in bytes, in their order, those of the same name too. Copies, made at each call.
   *
   * ```ts
   * for (const [name, value] of job.rawFields) console.log(name.toString(), value);
   * ```
   */
  get rawFields(): [name: Buffer, value: Buffer][] {
    return rawFieldsOf(this.#words);
  }

  /**
   * The value of a field in bytes, a copy; undefined where there is no such field. Of fields of the same name the last, as in
   * `fields`. A name that is no UTF-8 is given in bytes.
   *
   * ```ts
   * const image = decode(job.bytes('png'));
   * ```
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the name is neither a string nor bytes.
   */
  bytes(name: string | Uint8Array): Buffer | undefined {
    if (typeof name === 'string') return valueIn(this.#words, name);
    if (types.isUint8Array(name)) {
      checkUsable('name', name);
      return valueIn(this.#words, wordOf(name));
    }
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      "name must be a string, or bytes where the field's name is no UTF-8.",
    );
  }

  /** A fencing token: it grows with each delivery of the job. A store that keeps the last one can refuse older holders. */
  get token(): number {
    return this.attempt;
  }

  /** Aborted with a {@link LeaseError} when the lease ends before the job is settled: stop then, another may have it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.end !== undefined) this.#controller.abort(this.end);
    }
    return this.#controller.signal;
  }

  /** For how long it is ours for certain, in ms, if no renewal succeeds; 0 or less: it is over. Asks nobody. */
  validForMs(): number {
    return this.over ? 0 : this.owner.validForMs(this);
  }

  /**
   * It is done. Resolves when the server has taken it off the pending list.
   *
   * @throws LeaseError `ERR_SIDELOOP_LEASE_ENDED` where the lease is over: another consumer may have the job, or will.
   * @throws SideloopError `ERR_SIDELOOP_JOB_SETTLING` where ack() or fail() was called before, and
   * `ERR_SIDELOOP_JOB_SETTLED` where that has been carried out.
   * @throws ReplyError where the server refuses; then the job is still held, and may be settled again.
   */
  ack(): Promise<void> {
    return new Promise((resolve, reject) => this.ackBy({ resolve, reject }));
  }

  /**
   * It could not be done: it is added again, to be tried at once or after a delay, or becomes a dead letter after its last
   * attempt. `error` goes into its history, cut to 1000 characters.
   *
   * @throws as {@link Job.ack}, and SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong delay.
   */
  async fail(error: unknown, options?: FailOptions): Promise<void> {
    const { retryAfterMs, dead = false } = checkedOptions(options, FAIL_NAMES, 'fail()');
    if (typeof dead !== 'boolean') {
      throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'dead must be true or false.');
    }
    const delayMs =
      retryAfterMs === undefined
        ? this.owner.retryDelay(this.attempt)
        : delayOf(retryAfterMs, 'retryAfterMs');
    return new Promise((resolve, reject) =>
      this.failBy({ resolve, reject }, { error, delayMs, dead }),
    );
  }

  /**
   * Lets the lease last until `ms` from now, if that is later than `maxLeaseMs` allows. Does nothing once it is over.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong time.
   */
  extend(ms: number): void {
    whole('ms', ms, 1, Number.MAX_SAFE_INTEGER);
    if (!this.over) this.owner.extend(this, ms);
  }

  /** @internal */
  ackBy(settler: Settler): void {
    if (!this.#maySettle(settler)) return;
    this.failure = undefined;
    this.owner.ack(this);
  }

  /** @internal */
  failBy(settler: Settler, failure: Failure): void {
    if (!this.#maySettle(settler)) return;
    this.failure = failure;
    this.owner.fail(this, failure, textOf(failure.error));
  }

  /** @internal The server has carried out what settles it. */
  settled(): void {
    this.over = true;
    this.settler?.resolve();
    this.settler = undefined;
    this.onOver?.();
  }

  /** @internal The server, or the loop, said no: it may be tried again. `isNews`: see {@link Settler}. */
  refused(error: Error, isNews = true): void {
    const { settler } = this;
    this.settler = undefined;
    settler?.reject(error, isNews);
    if (!this.over) this.onRefused?.();
  }

  /** @internal Its lease has ended. */
  ended(reason: LeaseEndReason): LeaseError {
    this.over = true;
    const end = new LeaseError(reason, performance.now());
    this.end = end;
    this.refused(end);
    this.#controller?.abort(end);
    this.onOver?.();
    return end;
  }

  #maySettle(settler: Settler): boolean {
    if (this.over) {
      settler.reject(this.end ?? settledError(), true);
      return false;
    }
    if (this.settler !== undefined) {
      settler.reject(
        new SideloopError(
          'ERR_SIDELOOP_JOB_SETTLING',
          'The job is being settled already: call ack() or fail() once, and await it.',
        ),
        true,
      );
      return false;
    }
    this.settler = settler;
    return true;
  }
}

function settledError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_JOB_SETTLED',
    'The job was settled before, and the server has carried that out: call ack() or fail() once.',
  );
}

function textOf(error: unknown): string {
  let text: string;
  try {
    text = String(error);
  } catch {
    text = 'an error that has no text';
  }
  return text.slice(0, LONGEST_TEXT);
}
