// Clocks of other processes that a test moves while they run: of a redis-server that is put forward or back, of a process
// whose machine slept. Linux only: the process has a library preloaded that adds what a file says (test/support).

import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const canMoveClocks = process.platform === 'linux';

const SOURCE = fileURLToPath(new URL('support/clock-offset.c', import.meta.url));

export class ClockOffset implements Disposable {
  /** What the process whose clocks these are needs in its environment. */
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #file: number;
  readonly #ns = new BigInt64Array(2);

  private constructor(folder: string, library: string) {
    const path = join(folder, 'offsets');
    this.#folder = folder;
    this.#file = openSync(path, 'w+');
    this.env = { LD_PRELOAD: library, CLOCK_OFFSET_FILE: path };
    this.#write();
  }

  static async make(): Promise<ClockOffset> {
    const folder = mkdtempSync(join(tmpdir(), 'sideloop-clock-'));
    const library = join(folder, 'clock-offset.so');
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE]);
    return new ClockOffset(folder, library);
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
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(): void {
    writeSync(this.#file, new Uint8Array(this.#ns.buffer), 0, 16, 0);
  }
}
