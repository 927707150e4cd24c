// Libraries that are preloaded into other processes, to decide what the system tells them: their clocks, their names. For
// tests and for the soak, which plain Node runs. Linux only, and a C compiler has to be there.

import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const canPreload = process.platform === 'linux';

/**
 * Compiles a library of this folder into another, and resolves with its path.
 *
 * @param {string} folder
 * @param {'clock-offset' | 'names'} name
 */
export async function compile(folder, name) {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const library = join(folder, `${name}.so`);
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return library;
}

/**
 * The same, with a file beside it that says what the library does.
 *
 * @param {string} folder where both go
 * @param {'clock-offset' | 'names'} name of the library
 * @param {string} variable of the environment that tells the library where its file is
 * @param {number} size of the file, which is all zeros at first
 */
export async function preload(folder, name, variable, size) {
  const library = await compile(folder, name);
  const path = join(folder, name);
  const file = openSync(path, 'w+');
  const content = new Uint8Array(size);
  /** @param {Uint8Array} bytes */
  const set = (bytes) => {
    content.fill(0).set(bytes);
    writeSync(file, content, 0, size, 0);
  };
  set(new Uint8Array());
  return {
    /** What the process needs in its environment. */
    env: { LD_PRELOAD: library, [variable]: path },
    /** Changes the file, and with that what the process sees. */
    set,
    close: () => closeSync(file),
  };
}
