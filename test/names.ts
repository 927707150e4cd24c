// Child processes whose names a test decides. Linux only: a library is preloaded (test/support/names.c).

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canPreload, compile } from './support/preload.mjs';

export const canDecideNames = canPreload;

const DIST = new URL('../dist/', import.meta.url).href;

export class Names implements Disposable {
  readonly #folder: string;
  readonly #library: string;

  private constructor(folder: string, library: string) {
    this.#folder = folder;
    this.#library = library;
  }

  static async make(): Promise<Names> {
    const folder = mkdtempSync(join(tmpdir(), 'sideloop-names-'));
    return new Names(folder, await compile(folder, 'names'));
  }

  /**
   * Runs a module in a process of its own and returns what it writes; the package is imported from `DIST`. A process that
   * has not ended by itself after a minute fails.
   */
  async run(module: string, addresses: string[] = []): Promise<string> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', module.replaceAll('DIST', DIST)],
      {
        timeout: 60_000,
        env: {
          ...process.env,
          LD_PRELOAD: this.#library,
          SIDELOOP_TEST_ADDRESSES: addresses.join(','),
        },
      },
    );
    return stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
