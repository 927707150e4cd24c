// Child processes whose names a test decides. Linux only: a library is preloaded (test/support/names.c).

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const canDecideNames = process.platform === 'linux';

const SOURCE = fileURLToPath(new URL('support/names.c', import.meta.url));
const DIST = new URL('../dist/', import.meta.url).href;

export class Names implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Names> {
    const folder = mkdtempSync(join(tmpdir(), 'sideloop-names-'));
    const library = join(folder, 'names.so');
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
    return new Names(folder);
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
          LD_PRELOAD: join(this.#folder, 'names.so'),
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
