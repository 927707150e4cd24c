// Consumers in processes of their own, which can be killed and stopped as a whole.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConsumerOptions } from '../../lib/lease/index.js';

export class ConsumerProcess implements AsyncDisposable {
  /** What it has printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  constructor(
    port: number,
    name: string,
    options: Partial<ConsumerOptions>,
    takes: number | 'hangs',
  ) {
    const program = fileURLToPath(new URL('children/consumer.mjs', import.meta.url));
    const words = [`${port}`, name, JSON.stringify(options), `${takes}`];
    this.#child = spawn(process.execPath, [program, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('the child has no pipe');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.lines.push(line));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
