import { once } from 'node:events';
import type { EventLoop, LoopStats } from 'sideloop';
import { Redis, type RedisStats } from 'sideloop/redis';
import type { DagReport } from 'sideloop/scheduler';
import { Cache } from './cache.js';
import { CallMeter, type InFlight } from './call-meter.js';
import { clockMs } from './clock.js';
import { hashDag, type Results } from './hash-dag.js';
import { type BlockReport, JsBlock } from './js-block.js';
import { Progress } from './progress.js';
import type { Unit } from './units.js';

/** What a run is given. */
export interface DemoRunOptions {
  readonly label: string;
  readonly project: string;
  readonly units: readonly Unit[];
  readonly loop: EventLoop;
  readonly url: string;
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** How long to block the JS thread half way, in ms. 0: not at all. */
  readonly blockMs: number;
}

/** One run of the job, and everything that was measured. Times are of clockMs(). */
export interface DemoRun {
  readonly label: string;
  readonly report: DagReport<Results>;
  readonly startMs: number;
  readonly endMs: number;
  /** Add it to a time of the report to get one of clockMs(). */
  readonly reportOffsetMs: number;
  readonly calls: readonly InFlight[];
  readonly peakInFlight: number;
  readonly redis: RedisStats;
  readonly loop: { readonly before: LoopStats; readonly after: LoopStats };
  readonly block: BlockReport | undefined;
}

export async function demoRun(options: DemoRunOptions): Promise<DemoRun> {
  const { label, project, units, loop, url, prefix, signal, blockMs } = options;
  const redis = new Redis(url, { loop });
  const meter = new CallMeter();
  const jsBlock =
    blockMs > 0 ? new JsBlock(loop, redis, url, meter, `${prefix}never-filled`) : undefined;
  try {
    await connected(redis, signal);
    await jsBlock?.prepare();

    const cache = new Cache(redis, prefix, meter);
    const dag = hashDag(project, units, cache);
    const progress = new Progress(label, dag.size, () => meter.inFlight);
    // Half way, and with the Workers at work, who go on while the JS thread does not.
    const half = Math.floor(dag.size / 2);
    let block: Promise<BlockReport> | undefined;

    const before = loop.stats();
    const startMs = clockMs();
    const report = await dag.run({
      signal,
      onSettle: ({ name }) => {
        progress.settle(name);
        if (!jsBlock || block || progress.settled < half || progress.done('hash') === 0) return;
        progress.note(`${label}: now the JS thread is blocked for ${blockMs} ms`);
        block = jsBlock.run(blockMs, () => units.flatMap((unit) => cache.poll(unit)));
        // It is awaited below, but if the run is aborted nobody does.
        block.catch(() => {});
      },
    });
    const endMs = clockMs();
    return {
      label,
      report,
      startMs,
      endMs,
      reportOffsetMs: clockMs() - performance.now(),
      block: await block,
      calls: meter.steps,
      peakInFlight: meter.peak,
      redis: redis.stats(),
      loop: { before, after: loop.stats() },
    };
  } finally {
    jsBlock?.close();
    redis.disconnect();
  }
}

const patienceMs = 5000;

// A client goes on trying to connect for as long as it lives. The demo does not.
async function connected(redis: Redis, signal: AbortSignal): Promise<void> {
  const patience = new AbortController();
  const giveUp = () => patience.abort(new Error('Redis does not answer. Check REDIS_URL.'));
  const timer = setTimeout(giveUp, patienceMs);
  const interrupt = () => patience.abort(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const givenUp = once(patience.signal, 'abort').then(() => patience.signal.throwIfAborted());
    await Promise.race([redis.ping(), givenUp]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
  }
}
