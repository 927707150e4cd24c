import type { DemoRun } from './demo-run.js';
import { stageOf } from './hash-dag.js';
import type { NodeBar, Timeline } from './timeline-svg.js';

/** Puts what was measured on one axis that begins with the first run. */
export function timelineOf(runs: readonly DemoRun[], subtitle: string): Timeline {
  const originMs = Math.min(...runs.map(({ startMs }) => startMs));
  const endMs = Math.max(...runs.map((run) => Math.max(run.endMs, run.block?.endMs ?? 0)));
  const workers = new Map<string, NodeBar[]>();
  const nodes: Record<'read' | 'lookup' | 'store', NodeBar[]> = { read: [], lookup: [], store: [] };
  for (const [index, { report, reportOffsetMs }] of runs.entries()) {
    for (const node of report.nodes.values()) {
      if (node.status !== 'done') continue;
      const stage = stageOf(node.name);
      if (stage === 'hash') {
        const hash = report.value(node.name as `hash:${string}`);
        const lane = `run ${index + 1}, Worker ${hash.threadId}`;
        const bars = workers.get(lane) ?? [];
        workers.set(lane, bars);
        const kind = hash.readFiles > 0 ? 'hash' : 'hit';
        bars.push({ kind, startMs: hash.startedAt - originMs, endMs: hash.endedAt - originMs });
      } else {
        const toAxis = reportOffsetMs - originMs;
        const [startMs, barEndMs] = [node.startedAt + toAxis, node.endedAt + toAxis];
        nodes[stage].push({ kind: stage, startMs, endMs: barEndMs });
      }
    }
  }
  return {
    title: 'sideloop demo: hashing node_modules through a cache in Redis',
    subtitle,
    durationMs: endMs - originMs,
    runs: runs.map(({ label, startMs, endMs: runEndMs }) => ({
      label,
      startMs: startMs - originMs,
      endMs: runEndMs - originMs,
    })),
    workers: [...workers].map(([label, bars]) => ({ label, bars })),
    calls: runs.flatMap(({ calls }) =>
      calls.map(({ atMs, calls: inFlight }) => ({ atMs: atMs - originMs, calls: inFlight })),
    ),
    nodes,
    block: blockOf(runs, originMs),
  };
}

function blockOf(runs: readonly DemoRun[], originMs: number): Timeline['block'] {
  const block = runs.find((run) => run.block)?.block;
  if (!block) return undefined;
  const { slow } = block;
  const startMs = block.startMs - originMs;
  const sentMs = slow.sentMs - originMs;
  // The loop keeps no list of its replies' times, but a histogram of how long they took.
  const waiting = [
    { atMs: sentMs, calls: slow.calls },
    { atMs: sentMs + slow.p50, calls: slow.calls * 0.5 },
    { atMs: sentMs + slow.p90, calls: slow.calls * 0.1 },
    { atMs: sentMs + slow.max, calls: slow.unanswered },
  ];
  return { startMs, endMs: block.endMs - originMs, replies: block.replies, waiting };
}
