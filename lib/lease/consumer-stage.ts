// What one turn of this thread says to one partition's consumer, gathered for a single call into the native side.

import { addStage, type NativeConsumer, removeStage } from '../binding.js';
import { nextTick } from '../turns.js';
import { Command } from './consumer-wire.js';

const WORDS = 4096;
const BYTES = 16 * 1024;
const WORD = 2 ** 32;

export class ConsumerStage {
  #words = new Int32Array(WORDS);
  #length = 0;
  // Not from Buffer's pool: nobody else's bytes lie in it.
  #bytes = Buffer.allocUnsafeSlow(BYTES);
  #byteLength = 0;
  #scheduled = false;

  /** `sent` is told whether the loop took all that was staged until then, or nothing of it. */
  constructor(
    private readonly native: NativeConsumer,
    private readonly sent: (accepted: boolean) => void,
  ) {}

  /** From here on what is staged is handed over before a loop of this thread ends. */
  open(): void {
    addStage(this.flush);
  }

  ack(handle: number, serial: number): void {
    this.#begin(3, 0);
    this.#push(Command.ack, handle, serial);
  }

  fail(handle: number, serial: number, delayMs: number, dead: boolean, text: string): void {
    const size = Buffer.byteLength(text);
    this.#begin(7, size);
    this.#push(Command.fail, handle, serial);
    this.#pushMs(delayMs);
    this.#push(dead ? 1 : 0, size);
    this.#byteLength += this.#bytes.write(text, this.#byteLength);
  }

  extend(handle: number, serial: number, ms: number): void {
    this.#begin(5, 0);
    this.#push(Command.extend, handle, serial);
    this.#pushMs(ms);
  }

  giveBack(handle: number, serial: number): void {
    this.#begin(3, 0);
    this.#push(Command.giveBack, handle, serial);
  }

  close(deadlineMs: number): void {
    this.#begin(3, 0);
    this.#push(Command.close);
    this.#pushMs(deadlineMs);
  }

  here(): void {
    this.#begin(1, 0);
    this.#push(Command.here);
  }

  /** Hands everything over. */
  readonly flush = (): void => {
    this.#scheduled = false;
    const length = this.#length;
    const byteLength = this.#byteLength;
    if (length === 0) return;
    this.#length = 0;
    this.#byteLength = 0;
    this.sent(this.native.submit(this.#words, length, this.#bytes, byteLength));
  };

  /** Nothing more is to be said. */
  end(): void {
    removeStage(this.flush);
  }

  #push(...words: number[]): void {
    for (const word of words) this.#words[this.#length++] = word;
  }

  #pushMs(ms: number): void {
    this.#push(ms % WORD, Math.floor(ms / WORD));
  }

  #begin(words: number, bytes: number): void {
    if (this.#length + words > WORDS || this.#byteLength + bytes > this.#bytes.length) this.flush();
    if (bytes > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(bytes);
    if (this.#scheduled) return;
    this.#scheduled = true;
    nextTick(this.flush);
  }
}
