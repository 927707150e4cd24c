// The read stage: which files a unit has, and a stamp of each that says whether it has changed. No
// content is read, so that a run that is served from the cache costs one lstat per file.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Unit } from './units.js';

/** A file as the read stage sees it. */
export interface ListedFile {
  /** Relative to the project, with '/'. */
  readonly path: string;
  readonly isLink: boolean;
  /**
   * Size, time of change of the content, and time of change of the inode, in nanoseconds. The last
   * can't be set back by a program, so that a rewritten file has another stamp even if its size and
   * its date were restored.
   */
  readonly stamp: string;
  /**
   * False if the file changed just before it was listed. The file system's clock ticks in steps of
   * some milliseconds, and within one step a second change would leave the stamp as it is.
   */
  readonly isSettled: boolean;
}

const settleMs = 1000;

/** Lists the files of all folders of the unit, without the packages inside of them. */
export async function listFiles(project: string, unit: Unit): Promise<ListedFile[]> {
  const lists = await Promise.all(
    unit.folders.map((folder) =>
      // Of the project itself, what decides about node_modules; its sources change all the time.
      folder === ''
        ? Promise.all(['package.json', 'package-lock.json'].map((path) => list(project, path)))
        : walk(project, folder),
    ),
  );
  return lists.flat();
}

async function walk(project: string, folder: string): Promise<ListedFile[]> {
  const entries = await readdir(join(project, folder), { withFileTypes: true });
  const lists = await Promise.all(
    entries.map((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(project, path);
      return entry.isFile() || entry.isSymbolicLink() ? list(project, path) : [];
    }),
  );
  return lists.flat();
}

async function list(project: string, path: string): Promise<ListedFile> {
  const listedAt = Date.now();
  const { size, mtimeNs, ctimeNs, ctimeMs, ...stats } = await lstat(join(project, path), {
    bigint: true,
  });
  return {
    path,
    isLink: (stats.mode & 0o170000n) === 0o120000n,
    stamp: `${size}:${mtimeNs}:${ctimeNs}`,
    isSettled: Number(ctimeMs) < listedAt - settleMs,
  };
}
