// Whether a build is newer than what it was made from. A finished build leaves a stamp in out/, since
// compilers leave an output alone when its content would not change.
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './command.mjs';

const BUILDS = {
  native: {
    inputs: ['native', 'binding.gyp', 'package-lock.json'],
    outputs: ['build/Release/sideloop.node'],
  },
  ts: {
    inputs: ['lib', 'tsconfig.base.json', 'tsconfig.build.json', 'package-lock.json'],
    outputs: ['dist/index.js'],
  },
  demo: {
    inputs: ['examples/demo', 'lib', 'tsconfig.base.json', 'package-lock.json'],
    outputs: ['out/demo'],
  },
};

/** True when an input of this build changed, appeared or disappeared after it was made. */
export function isStale(build) {
  const { inputs, outputs } = BUILDS[build];
  if (!outputs.every((path) => existsSync(join(root, path)))) return true;
  const made = statSync(stampPath(build), { throwIfNoEntry: false })?.mtimeMs;
  if (made === undefined) return true;
  return inputs.some((path) => newestChange(join(root, path)) > made);
}

/** Records that this build was made from the inputs as they were at `startedAt` (ms). */
export function markFresh(build, startedAt) {
  const path = stampPath(build);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  // An input that changed while the build ran is newer than the stamp.
  utimesSync(path, startedAt / 1000, startedAt / 1000);
}

const stampPath = (build) => join(root, 'out', 'stamps', build);

function newestChange(path) {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (!entry) return 0;
  if (!entry.isDirectory()) return entry.mtimeMs;
  // A folder's own time changes when one of its files is added or removed.
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestChange(join(path, name))),
    entry.mtimeMs,
  );
}
