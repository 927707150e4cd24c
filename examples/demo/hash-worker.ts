// What the CPU nodes run in their Workers: read and hash the files that the cache does not know, and
// put the unit's hash together.
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { clockMs } from './clock.js';
import { contentHash, filesHash, type HashedUnit, merkleHash } from './merkle.js';

export interface HashTask {
  readonly project: string;
  readonly files: readonly {
    readonly path: string;
    readonly isLink: boolean;
    /** From the cache, if it is there. */
    readonly hash: string | undefined;
  }[];
  readonly needs: readonly HashedUnit[];
}

export interface HashResult {
  /** In the order of the task's files. */
  readonly hashes: readonly string[];
  readonly merkle: string;
  /** How much was read because the cache did not know it. */
  readonly readFiles: number;
  readonly readBytes: number;
  readonly threadId: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

export function hashUnit({ project, files, needs }: HashTask): HashResult {
  const startedAt = clockMs();
  let readFiles = 0;
  let readBytes = 0;
  const hashed = files.map(({ path, isLink, hash }) => {
    if (hash !== undefined) return { path, hash };
    const file = join(project, path);
    const content = isLink ? `link to ${readlinkSync(file)}` : readFileSync(file);
    readFiles += 1;
    readBytes += content.length;
    return { path, hash: contentHash(content) };
  });
  const merkle = merkleHash(filesHash(hashed), needs);
  const hashes = hashed.map(({ hash }) => hash);
  return { hashes, merkle, readFiles, readBytes, threadId, startedAt, endedAt: clockMs() };
}
