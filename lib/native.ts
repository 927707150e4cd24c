// The addon's objects as TypeScript sees them: what native/binding/*_wrap.cc define.

/** Latencies, in microseconds. Percentiles are at most 6.25 % above the true value. */
export interface HistogramSnapshot {
  count: number;
  min: number;
  mean: number;
  max: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
}

export interface NativeLoopStats {
  iterations: number;
  wakeups: number;
  events: number;
  postsAccepted: number;
  postsRejected: number;
  pending: number;
  uptime: number;
  idleTime: number;
  lateness: HistogramSnapshot;
  acceptToRun: HistogramSnapshot;
  callbackTime: HistogramSnapshot;
}

export interface NativeLoop {
  readonly target: number;
  readonly name: string;
  /** From now on `new LoopWrap(handle)` finds it, in any thread of the process. */
  share(handle: string): void;
  /** False once anybody has asked for the end. */
  isOpen(): boolean;
  post(task: number, lane: number): boolean;
  stop(deadlineMs: number): boolean;
  join(): boolean;
  destroy(): void;
  setReferenced(referenced: boolean): void;
  stats(): NativeLoopStats;
}

/** Times in ms; null: no limit. */
export interface NativeRedisOptions {
  host: string;
  port: number;
  /** Of the host's addresses: 4, 6, or 0 for both. */
  family: number;
  path: string;
  username: string;
  password: string;
  db: number;
  clientName: string;
  protocol: number;
  connectTimeout: number | null;
  silenceTimeout: number | null;
  commandTimeout: number | null;
  keepAlive: number | null;
  readyCheck: boolean;
  readyCheckMax: number;
  reconnect: boolean;
  backoffMin: number;
  backoffMax: number;
  maxRetriesPerRequest: number;
}

export interface NativeRedisStats {
  commands: number;
  replies: number;
  failed: number;
  pushes: number;
  inFlight: number;
  peakInFlight: number;
  waiting: number;
  bytesSent: number;
  bytesReceived: number;
  writes: number;
  reads: number;
  connects: number;
  latency: HistogramSnapshot;
}

export interface NativeRedis {
  readonly target: number;
  /** From now on `new RedisWrap(handle)` finds its connection, in any thread of the process. */
  share(handle: string): void;
  open(): boolean;
  submit(
    text: string,
    units: number,
    heads: Int32Array,
    headLength: number,
    count: number,
    bytes: readonly Uint8Array[] | undefined,
    alone: boolean,
  ): boolean;
  quit(): boolean;
  close(): boolean;
  /** Drops the connection, which is then lost like any other. */
  drop(): boolean;
  /** One more thing is pending for it, which keeps the process alive. */
  hold(): void;
  /** One less. */
  release(): void;
  setReferenced(referenced: boolean): void;
  stats(): NativeRedisStats;
}

/** What a recurring command did so far. Every run is counted once in `ok`, `failed` or `late`, when it is over. */
export interface NativeRecurringStats {
  /** Runs that were handed to the connection. */
  sent: number;
  /** Answered in time, and not by an error. */
  ok: number;
  /** Answered by an error, lost with the connection, or not sent because it was down. */
  failed: number;
  /** Without an answer when their time was up. */
  late: number;
  /** Left out, because the loop thread was busy when they and a later one came due. */
  skipped: number;
  /** From when a run was due until it was sent, in microseconds. */
  jitter: HistogramSnapshot;
}

export interface NativeRecurring {
  start(): boolean;
  stop(): void;
  stats(): NativeRecurringStats;
}

/** The leases of one Redis client. */
export interface NativeLeases {
  readonly target: number;
  /** False where the loop takes it not. `options` are those of lib/lease/acquire-options.ts. */
  acquire(
    id: number,
    lease: string,
    fence: string,
    queue: string,
    turn: string,
    options: Float64Array,
  ): boolean;
  /** Nobody wants it any more: it is given back where it was granted. */
  cancel(id: number): void;
  release(id: number): void;
  extend(id: number, ms: number): void;
  /** The client has ended. */
  close(): void;
  /** Its figures are not asked for any more. */
  forget(id: number): void;
  validFor(id: number): number;
  stats(id: number): { renewals: number; failed: number; late: number };
  /** Of all of them. */
  jitter(): HistogramSnapshot;
}

/** Each of a partition of a consumer; lib/lease/consumer-stats.ts says what they mean. */
export interface NativeConsumerStats {
  held: number;
  delivered: number;
  acked: number;
  retried: number;
  dead: number;
  recovered: number;
  lost: number;
  expired: number;
  handedBack: number;
  unconfirmed: number;
  moved: number;
  reads: number;
  healthy: number;
  renewals: number;
  renewalsRefused: number;
  renewalsFailed: number;
  renewalsLate: number;
  renewalCommands: number;
  jitter: HistogramSnapshot;
}

/** A consumer of one partition. */
export interface NativeConsumer {
  readonly target: number;
  /** Call once. False where the loop takes it no more; then nothing happens. */
  start(): boolean;
  /** Commands as lib/lease/consumer-stage.ts lays them out. False where the loop takes none of them. */
  submit(words: Int32Array, wordCount: number, bytes: Uint8Array, byteCount: number): boolean;
  /** Begins a job. False where its lease is over: then it must not be begun. */
  begin(handle: number, serial: number): boolean;
  /** 0 or less: its lease is over. */
  validForMs(handle: number, serial: number): number;
  stats(): NativeConsumerStats;
}

export interface NativeFiles {
  readonly target: number;
  /** Requests as lib/fs/file-stage.ts lays them out. False where the loop takes none: none is carried out. */
  submit(numbers: Float64Array, length: number, values: readonly (string | Uint8Array)[]): boolean;
}

/** All sockets of one environment on one loop. lib/net/stage.ts fills its batches. */
export interface NativeNet {
  readonly target: number;
  /** False where the loop takes none of it. */
  submit(
    words: Int32Array,
    wordCount: number,
    bytes: Uint8Array,
    byteCount: number,
    large: Uint8Array | undefined,
    isControl: boolean,
  ): boolean;
}

export interface NativeTimerStats {
  /** On the loop thread, at the moment. */
  pending: number;
  fired: number;
  ticks: number;
  merged: number;
  bytes: number;
  loopLateness: HistogramSnapshot;
  jsLateness: HistogramSnapshot;
}

export interface NativeTimers {
  readonly target: number;
  /**
   * Has the loop thread execute the first `count` orders, of four elements each (native/timers/timer_queue.h), once there
   * are no `more` to come in this turn.
   */
  submit(orders: Float64Array, count: number, more: boolean): boolean;
  /** The report was read: ticks that come from now on are reported anew. */
  read(report: number): void;
  /** So many callbacks ran so many ms after they were due. */
  recordLateness(ms: Float64Array, count: number): void;
  /** Nothing more is wanted of it: the loop thread closes its side, and no message comes. */
  detach(): void;
  stats(): NativeTimerStats;
}
