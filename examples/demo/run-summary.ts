// What the table and the last lines say of a run.
import type { DemoRun } from './demo-run.js';
import { stageOf } from './hash-dag.js';
import type { Unit } from './units.js';

export interface RunSummary {
  readonly rootHash: string | undefined;
  readonly files: number;
  readonly fileHits: number;
  /** Units of which no file had to be read. */
  readonly unitHits: number;
  readonly readBytes: number;
  /** Units whose hash is not what it was at the last run, by their own files or by a dependency. */
  readonly changed: { readonly own: number; readonly needs: number };
}

export function summarize({ report }: DemoRun, units: readonly Unit[]): RunSummary {
  let [files, fileHits, unitHits, readBytes] = [0, 0, 0, 0];
  const changed = { own: 0, needs: 0 };
  for (const { name } of units) {
    const lookup = report.nodes.get(`lookup:${name}`);
    const hash = report.nodes.get(`hash:${name}`);
    if (lookup?.status !== 'done' || hash?.status !== 'done') continue;
    const found = report.value(`lookup:${name}`);
    const result = report.value(`hash:${name}`);
    files += result.hashes.length;
    fileHits += result.hashes.length - result.readFiles;
    readBytes += result.readBytes;
    if (result.readFiles === 0) unitHits += 1;
    if (found.merkle !== null && found.merkle !== result.merkle) {
      changed[result.readFiles > 0 ? 'own' : 'needs'] += 1;
    }
  }
  const root = report.nodes.get('hash:.');
  const rootHash = root?.status === 'done' ? report.value('hash:.').merkle : undefined;
  return { rootHash, files, fileHits, unitHits, readBytes, changed };
}

/** How many nodes of each stage failed, for the one line that says so. */
export function failures({ report }: DemoRun): string[] {
  return report.failed.map(({ name, error }) => `${stageOf(name)} of ${name}: ${String(error)}`);
}
