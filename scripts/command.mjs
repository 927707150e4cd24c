// Running other programs from the repository's root, and finding them on the PATH.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Runs a program with this terminal's output, or with its errors alone when `quiet`, and returns its
 * exit code.
 */
export function run(program, args, { cwd = root, env = {}, quiet = false } = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
  });
  if (error) {
    console.error(`${program} did not start: ${error.message}`);
    return 127;
  }
  if (signal) console.error(`${program} was ended by ${signal}`);
  return status ?? 1;
}

/** Like run(), but ends this process with the program's exit code when it failed. */
export function mustRun(program, args, options) {
  const status = run(program, args, options);
  if (status !== 0) process.exit(status);
}

/** Runs a program quietly and returns its trimmed output, or undefined when it failed. */
export function output(program, args) {
  const { status, stdout } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** The path of a file inside an installed package, such as `typescript/bin/tsc`. */
export function installed(path) {
  return join(root, 'node_modules', path);
}

/** The full path of the first of these programs that is on the PATH. */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
