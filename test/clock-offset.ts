// Clocks of other processes that a test moves while they run: of a redis-server that is put forward or back, of a process
// whose machine slept. Linux only: the process has a library preloaded that adds what a file says (test/support).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canPreload, preload } from './support/preload.mjs';

export const canMoveClocks = canPreload;

type Library = Awaited<ReturnType<typeof preload>>;

export class ClockOffset implements Disposable {
  /** What the process whose clocks these are needs in its environment. */
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #library: Library;
  readonly #ns = new BigInt64Array(2);

  private constructor(folder: string, library: Library) {
    this.#folder = folder;
    this.#library = library;
    this.env = library.env;
  }

  static async make(): Promise<ClockOffset> {
    const folder = mkdtempSync(join(tmpdir(), 'sideloop-clock-'));
    return new ClockOffset(folder, await preload(folder, 'clock-offset', 'CLOCK_OFFSET_FILE', 16));
  }

  /** Sets the wall clock forward, or back by less than nothing. */
  step(ms: number): void {
    this.#ns[0] = (this.#ns[0] as bigint) + BigInt(ms) * 1_000_000n;
    this.#write();
  }

  /** The machine has slept for so long: what counts the time since its start knows, what counts its waking time does not. */
  sleep(ms: number): void {
    this.#ns[1] = (this.#ns[1] as bigint) + BigInt(ms) * 1_000_000n;
    this.#write();
  }

  /** The clocks are right again. */
  reset(): void {
    this.#ns.fill(0n);
    this.#write();
  }

  [Symbol.dispose](): void {
    this.#library.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(): void {
    this.#library.set(new Uint8Array(this.#ns.buffer));
  }
}
