// The point of the demo: the JS thread does nothing but burn time for two seconds, while hundreds of
// Redis calls are under way, and the loop's own counters say what became of them meanwhile.
import { setImmediate } from 'node:timers/promises';
import type { EventLoop } from 'sideloop';
import { Redis } from 'sideloop/redis';
import type { CallMeter } from './call-meter.js';
import { clockMs } from './clock.js';

/** What the loop did while the JS thread was blocked. All of it was counted on the loop's thread. */
export interface BlockReport {
  readonly startMs: number;
  readonly endMs: number;
  /** Redis calls under way when the block began. */
  readonly inFlight: number;
  /** Replies that the loop read and parsed during the block. */
  readonly replies: number;
  readonly bytes: number;
  /** Passes through the loop, and what it handled in them. */
  readonly iterations: number;
  readonly events: number;
  /** Times that another thread woke the loop: the JS thread could not. */
  readonly wakeups: number;
  /** Calls under way when the block ended: not yet answered by the server. */
  readonly stillInFlight: number;
  readonly slow: {
    readonly calls: number;
    readonly sentMs: number;
    /** From call to parsed reply by the loop's clock, in ms: when, in the block, they arrived. */
    readonly p50: number;
    readonly p90: number;
    readonly max: number;
    /** Slow calls that had no reply when the block ended. */
    readonly unanswered: number;
  };
}

const connections = 16;
const waitsPerConnection = 16;
// A blocked call holds up those behind it on its connection, so that these come back one by one.
const waitSeconds = 0.095;
// A connection that was lost takes no calls. The report then shows what there was.
const patienceMs = 1000;

/** Blocks the JS thread once, and watches the loop while it does. */
export class JsBlock {
  readonly #loop: EventLoop;
  readonly #redis: Redis;
  readonly #slow: readonly Redis[];
  readonly #meter: CallMeter;
  readonly #neverFilled: string;

  /** `neverFilled` is the key of a list that does not exist. */
  constructor(loop: EventLoop, redis: Redis, url: string, meter: CallMeter, neverFilled: string) {
    this.#loop = loop;
    this.#redis = redis;
    this.#slow = Array.from({ length: connections }, () => new Redis(url, { loop }));
    this.#meter = meter;
    this.#neverFilled = neverFilled;
  }

  /** Connects beforehand, since a connection is not what is shown here. */
  async prepare(): Promise<void> {
    await Promise.all(this.#slow.map((redis) => redis.ping()));
  }

  /** Blocks for so long, with `quickCalls` and the slow calls under way. */
  async run(blockMs: number, quickCalls: () => Promise<unknown>[]): Promise<BlockReport> {
    const earlier = this.#slowCommands();
    const sentMs = clockMs();
    const slow = this.#slow.flatMap((redis) =>
      Array.from({ length: waitsPerConnection }, () =>
        this.#meter.count(redis.blpop(this.#neverFilled, waitSeconds)),
      ),
    );
    const quick = quickCalls();
    // The calls of a turn leave when it ends, so that the block has to begin in a later one.
    do await setImmediate();
    while (this.#slowCommands() < earlier + slow.length && clockMs() < sentMs + patienceMs);

    const before = this.#read();
    const startMs = clockMs();
    while (clockMs() - startMs < blockMs);
    const endMs = clockMs();
    // No reply has reached JS yet: this is still the turn that was blocked.
    const after = this.#read();

    await Promise.all([...slow, ...quick]);
    return {
      startMs,
      endMs,
      inFlight: before.inFlight,
      replies: after.replies - before.replies,
      bytes: after.bytes - before.bytes,
      iterations: after.iterations - before.iterations,
      events: after.events - before.events,
      wakeups: after.wakeups - before.wakeups,
      stillInFlight: after.inFlight,
      slow: { calls: slow.length, sentMs, ...after.slow },
    };
  }

  close(): void {
    for (const redis of this.#slow) redis.disconnect();
  }

  // How many calls the loop has written to the slow connections.
  #slowCommands(): number {
    return this.#slow.reduce((total, redis) => total + redis.stats().commands, 0);
  }

  #read() {
    const slow = this.#slow.map((redis) => redis.stats());
    const all = [this.#redis.stats(), ...slow];
    const { iterations, events, wakeups } = this.#loop.stats();
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const mean = (field: 'p50' | 'p90') =>
      sum(slow.map(({ latency }) => latency[field])) / slow.length / 1000;
    return {
      inFlight: sum(all.map(({ inFlight }) => inFlight)),
      replies: sum(all.map(({ replies }) => replies)),
      bytes: sum(all.map(({ bytesReceived }) => bytesReceived)),
      iterations,
      events,
      wakeups,
      slow: {
        p50: mean('p50'),
        p90: mean('p90'),
        max: Math.max(...slow.map(({ latency }) => latency.max)) / 1000,
        unanswered: sum(slow.map(({ inFlight }) => inFlight)),
      },
    };
  }
}
