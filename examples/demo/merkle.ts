// The hashes. Whatever they depend on is in their input, in a fixed order, and nothing else is: no
// time, no inode, no absolute path. The same files give the same hash on every machine.
import { createHash } from 'node:crypto';

/** A file's path, relative to the project and with '/', and the hash of its content. */
export interface HashedFile {
  readonly path: string;
  readonly hash: string;
}

/** A unit that another one depends on. */
export interface HashedUnit {
  readonly name: string;
  readonly merkle: string;
}

export function contentHash(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The hash of a unit's own files, in whatever order they are given. */
export function filesHash(files: readonly HashedFile[]): string {
  return listHash(files.map(({ path, hash }) => [path, hash]));
}

/** The hash of a unit: of its own files and of every unit that it depends on. */
export function merkleHash(own: string, needs: readonly HashedUnit[]): string {
  return contentHash(`${own}\n${listHash(needs.map(({ name, merkle }) => [name, merkle]))}`);
}

// JSON keeps apart what plain joining would run together: a path may hold any character.
function listHash(pairs: [name: string, hash: string][]): string {
  const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return contentHash(JSON.stringify(sorted));
}
