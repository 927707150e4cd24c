// Commands that the loop thread repeats by itself: what this thread holds of them, and hears of their end.

import { checkSignal, listenToAbort } from '../abort-listeners.js';
import {
  type NativeRecurring,
  type NativeRecurringStats,
  type NativeRedis,
  native,
} from '../binding.js';
import { AbortError, nativeError, type SideloopError, SideloopTypeError } from '../errors.js';
import { checkNames, type OptionNames, wholeNumber } from '../options.js';
import { resolveCall } from './call.js';
import { measure } from './command-stage.js';
import { waits } from './commands/blocking.js';
import { blockingError } from './refusals.js';
import { type Arg, namedBy, RUNS_CODE, textOf } from './sender.js';

/** How a command is repeated. Times are in whole ms. */
export interface RepeatOptions {
  /** From one run to the next, 1 or more. */
  everyMs: number;
  /** From the call to the first run. Default: `everyMs`. */
  firstAfterMs?: number;
  /** How long a run may take; then it counts as late, and its answer is dropped. Default: `everyMs`. */
  timeoutMs?: number;
  /** Ends after so many runs, 1 or more. Default: no limit. */
  count?: number;
  /** No run begins later than this after the call. Default: no limit. */
  forMs?: number;
  /** Ends at the first run that the server answers by an error. Default false: it counts as failed. */
  endOnError?: boolean;
  /** Stops it when aborted. */
  signal?: AbortSignal;
}

const NAMES: OptionNames<RepeatOptions> = {
  everyMs: true,
  firstAfterMs: true,
  timeoutMs: true,
  count: true,
  forMs: true,
  endOnError: true,
  signal: true,
};

/** What ended a recurring command. */
export interface RepeatEnd {
  /**
   * `count` and `time` as its options said; `error`: the server's, with `endOnError`, or that others share the connection
   * since `handle` was read, and the command waits at the server; `stopped` by stop(), the signal, or
   * the client's quit() or disconnect(); `connection`: it was closed for good; `loop`: it was stopped or destroyed.
   */
  reason: 'count' | 'time' | 'error' | 'stopped' | 'connection' | 'loop';
  /** The error of reason `error`. */
  error?: SideloopError;
}

/** What a recurring command did so far. */
export type RepeatStats = NativeRecurringStats;

/** A Redis command that the loop thread repeats, whatever this thread does meanwhile. */
export class RecurringCommand implements Disposable {
  /** Resolves at its end; never rejects. */
  readonly ended: Promise<RepeatEnd>;
  readonly #native: NativeRecurring;
  readonly #holder: Pick<NativeRedis, 'hold' | 'release'>;
  #resolve: (end: RepeatEnd) => void = () => {};
  #running = true;
  #referenced = true;

  /** @internal Made by Redis.repeat(). */
  constructor(
    recurring: NativeRecurring,
    holder: Pick<NativeRedis, 'hold' | 'release'>,
    /** @internal See RUNS_CODE of sender.ts. */
    readonly runsCode = false,
  ) {
    this.#native = recurring;
    this.#holder = holder;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    holder.hold();
  }

  /** Ends it. A run that is under way may still take place; its answer is dropped. */
  stop(): void {
    if (this.#running) this.#native.stop();
  }

  /** What it did so far. Cheap: it asks nobody and waits for nothing. */
  stats(): RepeatStats {
    return this.#native.stats();
  }

  /** Has it keep the process alive until its end, as it does at first. */
  ref(): this {
    if (this.#running && !this.#referenced) this.#holder.hold();
    this.#referenced = true;
    return this;
  }

  /** Lets the process exit while it recurs. */
  unref(): this {
    if (this.#running && this.#referenced) this.#holder.release();
    this.#referenced = false;
    return this;
  }

  /** Whether it keeps the process alive. */
  hasRef(): boolean {
    return this.#running && this.#referenced;
  }

  /** `using renewal = redis.repeat(...)`: stops it. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** @internal */
  end(end: RepeatEnd): void {
    if (!this.#running) return;
    this.#running = false;
    if (this.#referenced) this.#holder.release();
    this.#resolve(end);
  }
}

/** Those of one client. */
export class RecurringCommands {
  readonly #redis: NativeRedis;
  readonly #running = new Map<number, RecurringCommand>();
  /** The names of those that wait at the server. */
  readonly #waiting = new Map<RecurringCommand, string>();
  #lastId = 0;

  constructor(redis: NativeRedis) {
    this.#redis = redis;
  }

  /** See Redis.repeat(). */
  start(
    command: readonly [name: string, ...args: (Arg | readonly Arg[])[]],
    options: RepeatOptions,
    connection: { isShared: boolean; refused: (command?: string) => SideloopError },
  ): RecurringCommand {
    if (!Array.isArray(command)) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        "A recurring command must be an array of its name and arguments: ['PEXPIRE', key, 3000].",
      );
    }
    const [first, ...rest] = command;
    const { opcode, args } = resolveCall(first, rest);
    const [name, words] = namedBy(opcode, args);
    measure(name, words);
    const wait = waits(name, words);
    if (connection.isShared && wait !== undefined) throw blockingError(name);
    const numbers = toNumbers(options, wait);
    const signal = checkSignal(options.signal);
    if (signal?.aborted) throw new AbortError(signal);
    const [bytes, sizes] = encode([name, ...words]);
    const id = ++this.#lastId;
    const recurring = new native.RecurringWrap(this.#redis, id, bytes, sizes, numbers);
    if (!recurring.start()) throw connection.refused(name);
    const started = new RecurringCommand(recurring, this.#redis, (opcode & RUNS_CODE) !== 0);
    this.#running.set(id, started);
    if (wait !== undefined) this.#waiting.set(started, name);
    if (signal !== undefined) {
      started.ended.then(listenToAbort(signal, () => started.stop()));
    }
    return started;
  }

  /** Others may use the connection from now on, whom each run of one that waits would hold up. */
  endWaiting(): void {
    for (const [command, name] of this.#waiting) {
      command.stop();
      command.end({ reason: 'error', error: blockingError(name) });
    }
    this.#waiting.clear();
  }

  /** The client leaves its connection. */
  stopAll(): void {
    for (const command of this.#running.values()) command.stop();
  }

  /** One has ended: `[id, reason, code, message]`, as native/links/recurring_link.cc tells it. */
  onEnd(values: readonly (string | number)[]): void {
    const [id, reason, code, message] = values as [number, RepeatEnd['reason'], string, string];
    const command = this.#running.get(id);
    this.#running.delete(id);
    if (command === undefined) return;
    this.#waiting.delete(command);
    const toError = () => nativeError(code, message, undefined, false, command.runsCode);
    command.end(code === '' ? { reason } : { reason, error: toError() });
  }

  /** The client has ended, and nothing is heard any more. */
  endAll(loopIsOpen: boolean): void {
    for (const command of this.#running.values()) {
      command.end({ reason: loopIsOpen ? 'connection' : 'loop' });
    }
    this.#running.clear();
    this.#waiting.clear();
  }
}

const encoder = new TextEncoder();

/** The words of a command one after the other, and the size of each. */
function encode(words: readonly Arg[]): [bytes: Uint8Array, sizes: Int32Array] {
  const parts = words.map((word) =>
    typeof word === 'object' ? word : encoder.encode(textOf(word)),
  );
  return [Buffer.concat(parts), Int32Array.from(parts, (part) => part.byteLength)];
}

/** As native/binding/recurring_wrap.cc takes them; -1: none. */
function toNumbers(options: RepeatOptions, wait: number | undefined): Float64Array {
  checkNames(options, NAMES, 'repeat()');
  const { endOnError = false } = options;
  if (typeof endOnError !== 'boolean') {
    throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'endOnError must be true or false.');
  }
  return Float64Array.of(
    whole('everyMs', options.everyMs ?? Number.NaN, 1),
    whole('firstAfterMs', options.firstAfterMs, 0),
    whole('timeoutMs', options.timeoutMs, 1),
    whole('count', options.count, 1),
    whole('forMs', options.forMs, 0),
    endOnError ? 1 : 0,
    wait === undefined ? 0 : 1,
    wait ?? 0,
  );
}

function whole(name: string, value: number | undefined, least: number): number {
  if (value === undefined) return -1;
  if (!Number.isSafeInteger(value) || value < least) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      `${name} must be ${wholeNumber(name)}, ${least} or more.`,
    );
  }
  return value;
}
