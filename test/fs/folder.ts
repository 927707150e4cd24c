// A temporary folder for the files of one test file, and a look at which of them this process has open.

import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Folder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'sideloop-fs-')));

  at(name: string): string {
    return join(this.path, name);
  }

  /** A file of `size` bytes that are not the same anywhere. */
  fill(name: string, size: number): { path: string; bytes: Buffer } {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
    writeFileSync(this.at(name), bytes);
    return { path: this.at(name), bytes };
  }

  /** A pipe with a name. Opening it waits for the other side. Requires a POSIX system. */
  fifo(name: string): string {
    execFileSync('mkfifo', [this.at(name)]);
    return this.at(name);
  }

  /** The files of this folder that this process has open. Requires Linux. */
  open(): string[] {
    return readdirSync('/proc/self/fd')
      .map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return ''; // the descriptor of the listing itself
        }
      })
      .filter((target) => target.startsWith(this.path));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
