// What a soak moves under running processes: the clock of the server, and the resolver of the workers. Linux only: a library is
// preloaded that looks into a file. Elsewhere, and without a C compiler, these faults are left out.
import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const kClockSource = new URL('../../test/support/clock-offset.c', import.meta.url);
const kNamesSource = new URL('names.c', import.meta.url);

async function compile(source, library) {
  const args = ['-shared', '-fPIC', '-O1', '-o', library, fileURLToPath(source), '-ldl'];
  await promisify(execFile)('cc', args);
}

// Undefined where it can't be had. `env` is for the process; `set` writes the bytes of the file.
async function preloaded(folder, name, source, variable, size) {
  if (process.platform !== 'linux') return undefined;
  const library = join(folder, `${name}.so`);
  try {
    await compile(source, library);
  } catch {
    return undefined;
  }
  const path = join(folder, name);
  const file = openSync(path, 'w+');
  const set = (bytes) => writeSync(file, bytes, 0, bytes.length, 0);
  set(new Uint8Array(size));
  return { env: { LD_PRELOAD: library, [variable]: path }, set, close: () => closeSync(file) };
}

// The server's wall clock: `step` sets it so many ms off.
export async function movableClock(folder) {
  const clock = await preloaded(folder, 'clock', kClockSource, 'CLOCK_OFFSET_FILE', 16);
  if (clock === undefined) return undefined;
  const step = (ms) => {
    clock.set(new Uint8Array(new BigInt64Array([BigInt(Math.round(ms)) * 1_000_000n, 0n]).buffer));
  };
  return { env: clock.env, step, close: clock.close };
}

// The workers' resolver: it works, fails, or hangs.
export async function mortalNames(folder) {
  const names = await preloaded(folder, 'names', kNamesSource, 'NAMES_FILE', 1);
  if (names === undefined) return undefined;
  const be = (state) => names.set(Uint8Array.of({ working: 0, failing: 1, hanging: 2 }[state]));
  return { env: names.env, host: 'server.soak', be, close: names.close };
}
