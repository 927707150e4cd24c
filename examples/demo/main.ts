// Hashes everything in this project's node_modules, twice: the first run fills the cache in Redis,
// and the second is served from it. `npm run demo` builds and runs it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { EventLoop } from 'sideloop';
import { blockText, demoTable } from './demo-report.js';
import { type DemoRun, demoRun } from './demo-run.js';
import { contentHash } from './merkle.js';
import { type Lockfile, packageGraph } from './package-graph.js';
import { openRedis } from './redis-server.js';
import { failures, summarize } from './run-summary.js';
import { timelineOf } from './timeline.js';
import { timelineSvg } from './timeline-svg.js';
import { type Unit, unitsOf } from './units.js';

const blockMs = 2000;

/** Resolves with the exit code. */
export async function main(project: string, pictureFile: string): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (name: NodeJS.Signals) => interrupted.abort(name);
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const units = unitsOf(readGraph(project));
  const server = await openRedis();
  const loop = new EventLoop({ name: 'demo' });
  try {
    console.log(`${units.length} packages or circles of packages, cached in ${server.label}`);
    const shared = { project, units, loop, url: server.url, signal: interrupted.signal };
    // Two checkouts that share a server have files of their own.
    const prefix = `sideloop:demo:${contentHash(project).slice(0, 12)}:`;
    const runs = [
      await demoRun({ ...shared, prefix, label: 'first run', blockMs }),
      await demoRun({ ...shared, prefix, label: 'second run', blockMs: 0 }),
    ];
    const isGood = show(runs, units);
    mkdirSync(dirname(pictureFile), { recursive: true });
    const subtitle = `${new Date().toISOString()}, node ${process.version}, ${server.label}`;
    writeFileSync(pictureFile, timelineSvg(timelineOf(runs, subtitle)));
    console.log(`\nTimeline of all nodes: ${relative(process.cwd(), pictureFile)}`);
    return isGood ? 0 : 1;
  } catch (error) {
    const { aborted, reason } = interrupted.signal;
    if (!aborted) throw error;
    console.log(`\nEnded by ${reason}.`);
    return reason === 'SIGINT' ? 130 : 143;
  } finally {
    await loop.stop();
    await server[Symbol.asyncDispose]();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function readGraph(project: string) {
  const lockfile = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as Lockfile;
  return packageGraph(lockfile, (folder) => existsSync(join(project, folder, 'package.json')));
}

// Returns whether all went well: no node failed, and the cache gives what the files do.
function show(runs: readonly DemoRun[], units: readonly Unit[]): boolean {
  const summaries = runs.map((run) => summarize(run, units));
  console.log(`\n${demoTable(runs, summaries)}`);
  const block = runs.find((run) => run.block)?.block;
  if (block) console.log(`\n${blockText(block)}`);

  const failed = runs.flatMap(failures);
  for (const failure of failed) console.error(`FAILED: ${failure}`);
  const [first, second] = summaries.map(({ rootHash }) => rootHash);
  const isSame = first !== undefined && first === second;
  console.log(`\nRoot hash ${first}, ${isSame ? 'the same in both runs' : `but then ${second}`}`);
  return failed.length === 0 && isSame;
}
