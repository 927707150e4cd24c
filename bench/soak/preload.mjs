// What a soak moves under running processes: the clock of the server, and the resolver of the workers. Elsewhere than on
// Linux, and without a C compiler, these faults are left out.
import { canPreload, preload } from '../../test/support/preload.mjs';

// Undefined where it can't be had.
async function preloaded(folder, name, variable, size) {
  if (!canPreload) return undefined;
  return preload(folder, name, variable, size).catch(() => undefined);
}

// The server's wall clock: `step` sets it so many ms off.
export async function movableClock(folder) {
  const clock = await preloaded(folder, 'clock-offset', 'CLOCK_OFFSET_FILE', 16);
  if (clock === undefined) return undefined;
  const step = (ms) => {
    clock.set(new Uint8Array(new BigInt64Array([BigInt(Math.round(ms)) * 1_000_000n, 0n]).buffer));
  };
  return { env: clock.env, step, close: clock.close };
}

// The workers' resolver: it works, fails, or hangs.
export async function mortalNames(folder) {
  const names = await preloaded(folder, 'names', 'NAMES_FILE', 16);
  if (names === undefined) return undefined;
  const words = { working: '127.0.0.1', failing: 'fail', hanging: 'hang' };
  const be = (state) => names.set(new TextEncoder().encode(words[state]));
  be('working');
  return { env: names.env, host: 'server.test', be, close: names.close };
}
