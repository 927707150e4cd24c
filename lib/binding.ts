// The addon, loaded once in each environment, and the way back from it.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { ReplyError, SideloopError } from './errors.js';
import type {
  NativeConsumer,
  NativeFiles,
  NativeLeases,
  NativeLoop,
  NativeNet,
  NativeRecurring,
  NativeRedis,
  NativeRedisOptions,
  NativeTimers,
} from './native.js';
import { queueMicrotask, setImmediate } from './turns.js';

export type * from './native.js';

/** State of one environment. It is kept on the addon, so that it is one even where this module is evaluated twice. */
interface Shared {
  targets: (Partial<SettlingTarget & MessageTarget> | undefined)[];
  stages: Set<() => void>;
  /** The names that the native side knows by number, and how many of them. */
  commandNames: readonly string[] | undefined;
  commandCount: number;
  /** lib/port-exchange.ts: of the loops of this thread, by their handles. */
  exchanges: Map<string, PortExchange> | undefined;
}

/** Where message ports to the bridges of a loop come in. */
export interface PortExchange {
  /** By service: who takes them, or those that nobody has taken yet. */
  services: Map<string, ((visitor: Visitor) => void) | Visitor[]>;
  /** All that are open, to be closed with the loop. */
  ports: Set<MessagePort>;
}

/** A port of another thread's, or of this one's, and where it comes from. */
export interface Visitor {
  port: MessagePort;
  from: BridgeSource;
}

/** Who is at the other end of a bridge. */
export interface BridgeSource {
  /** The name given there; `main` or `worker <threadId>` where none was. */
  readonly name: string;
  /** The thread's id; 0 is the main thread. */
  readonly threadId: number;
}

interface Hooks {
  settle(target: number, ...values: unknown[]): void;
  fail(target: number, text: string): void;
  failOutOfTurn(target: number, ahead: number, text: string): void;
  event(target: number, name: string, args: (string | number)[]): void;
  messages(target: number, ...values: unknown[]): void;
  later(): void;
  pack(...values: unknown[]): unknown[];
  append(array: unknown[], ...values: unknown[]): void;
  nestedError(text: string): Error;
  bigInt(digits: string): bigint;
}

interface Native {
  shared?: Shared;
  open(hooks: Hooks): void;
  drain(): boolean;
  /** Names, each followed by a line end. */
  setCommands(names: string): void;
  /** One more thing is pending for the target, which keeps the process alive. */
  hold(target: number): void;
  /** One less. */
  release(target: number): void;
  /** Whether what is pending for the target keeps the process alive. */
  setReferenced(target: number, referenced: boolean): void;
  shutdown(): void;
  ConsumerWrap: new (
    redis: NativeRedis,
    bytes: Uint8Array,
    sizes: Int32Array,
    numbers: Float64Array,
  ) => NativeConsumer;
  FilesWrap: new (loop: NativeLoop) => NativeFiles;
  LoopWrap: {
    new (name: string, mailboxCapacity: number): NativeLoop;
    /** One that exists. Throws where none that is open has the handle. */
    new (handle: string): NativeLoop;
  };
  LeaseWrap: new (redis: NativeRedis) => NativeLeases;
  NetWrap: new (loop: NativeLoop) => NativeNet;
  RecurringWrap: new (
    redis: NativeRedis,
    id: number,
    bytes: Uint8Array,
    sizes: Int32Array,
    options: Float64Array,
  ) => NativeRecurring;
  RedisWrap: {
    /** `integers` is an IntegerForm of native/cross/integer_form.h. */
    new (
      loop: NativeLoop,
      options: NativeRedisOptions,
      integers: number,
      maxPendingReplyBytes: number,
      maxThreadReplyBytes: number,
    ): NativeRedis;
    /** One more client of a connection. Throws where none that is open has the handle. */
    new (
      handle: string,
      integers: number,
      maxPendingReplyBytes: number,
      maxThreadReplyBytes: number,
    ): NativeRedis;
  };
  TimersWrap: new (loop: NativeLoop) => NativeTimers;
}

/** What gets the deliveries made out to one native object: settlements and events, or messages. */
export type Target = SettlingTarget | MessageTarget;

/** What has promises to settle. */
export interface SettlingTarget {
  /** Settles as many of the oldest pending as there are values. */
  settle(values: unknown[]): void;
  /** Fails some of the oldest pending; `parseFailure` says how many and why. */
  fail(text: string): void;
  /** Fails some behind the oldest `ahead`. Each is settled again when its turn comes; that means nothing. */
  failOutOfTurn?(ahead: number, text: string): void;
  event(name: string, args: (string | number)[]): void;
}

/** What gets values as they come, in order. */
export interface MessageTarget {
  /** Called outside the drain, where the user's code may run and a throw is the user's to see. */
  messages(values: unknown[]): void;
}

/** The addon. Loaded once in each environment. */
export const native: Native & { shared: Shared } = load();
const { targets, stages } = native.shared;

/** Delivers what is made out to native target `id` from now on to `target`. */
export function receive(id: number, target: Target): void {
  targets[id] = target;
}

/** No more deliveries are expected for `id`. */
export function forget(id: number): void {
  targets[id] = undefined;
}

/** Has `flush` called before a loop of this environment ends, so that what was staged by then is accepted. */
export function addStage(flush: () => void): void {
  stages.add(flush);
}

/** The stage's client is gone. */
export function removeStage(flush: () => void): void {
  stages.delete(flush);
}

/** Tells the native side the names of commands by their numbers, where it does not know them already. */
export function syncCommands(names: readonly string[]): void {
  const { shared } = native;
  if (shared.commandNames === names && shared.commandCount === names.length) return;
  native.setCommands(names.map((name) => `${name}\n`).join(''));
  shared.commandNames = names;
  shared.commandCount = names.length;
}

/** Hands over all that is staged. */
export function flushStages(): void {
  for (const flush of stages) flush();
}

function load(): Native & { shared: Shared } {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const require = createRequire(import.meta.url);
  let loaded: Native;
  try {
    loaded = require('node-gyp-build')(root) as Native;
  } catch (cause) {
    throw new SideloopError(
      'ERR_SIDELOOP_BINDING_MISSING',
      `sideloop's binary could not be loaded, or there is none for this platform (${process.platform}-${process.arch}, Node ${process.version}) ` +
        `in ${root}. Build one there with "npm rebuild sideloop"; it takes Python 3, make and a C++20 compiler ` +
        '(g++ 11, clang 14 or Visual Studio 2022).',
      { cause },
    );
  }
  // Another evaluation of this module (a test runner's registry, a query in the URL) has opened it.
  if (loaded.shared !== undefined) return loaded as Native & { shared: Shared };
  const shared: Shared = {
    targets: [],
    stages: new Set(),
    commandNames: undefined,
    commandCount: 0,
    exchanges: undefined,
  };
  loaded.shared = shared;
  loaded.open({
    settle: (target, ...values) => shared.targets[target]?.settle?.(values),
    fail: (target, text) => shared.targets[target]?.fail?.(text),
    failOutOfTurn: (target, ahead, text) => shared.targets[target]?.failOutOfTurn?.(ahead, text),
    // Listeners are the user's code: they run outside the drain, where a throw is theirs to see.
    event: (target, name, args) =>
      queueMicrotask(() => shared.targets[target]?.event?.(name, args)),
    messages: (target, ...values) =>
      queueMicrotask(() => shared.targets[target]?.messages?.(values)),
    later: () => drainLater(loaded),
    pack: (...values) => values,
    append: (array, ...values) => {
      for (const value of values) array.push(value);
    },
    nestedError: (text) => new ReplyError(text),
    bigInt: (digits) => BigInt(digits),
  });
  // process.exit() runs no cleanup hook, only this: the loop threads must be gone before Node takes libuv down.
  process.on('exit', () => {
    flushStages();
    loaded.shutdown();
  });
  return loaded as Native & { shared: Shared };
}

/** Goes on draining in a later turn, so that timers and I/O of this thread have theirs in between. */
function drainLater(addon: Native): void {
  setImmediate(() => {
    if (addon.drain()) drainLater(addon);
  });
}
