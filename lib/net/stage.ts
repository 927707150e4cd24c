// What one JS turn says to all sockets of one loop, gathered for a single call into the native side.
//
// Bytes are copied here at the call, one write behind the other: the caller may reuse its memory at once, and writes of one
// socket that follow each other become one. A large one goes over by itself, which copies it once and not twice.

import type { NativeNet } from '../binding.js';
import { nextTick } from '../turns.js';
import { COMMAND_WORDS, Command, KIND_BITS, KIND_MASK } from './wire.js';

const WORDS = 4096;
const BYTES = 64 * 1024;
// A write of this size is not staged: the stage goes out with it as its last.
const LARGE = 16 * 1024;
// A write's length is a word of 32 bits, as is that of libuv's buffers on Windows: larger ones are divided.
const LARGEST = 1024 * 1024 * 1024;

export class Stage {
  #words = new Int32Array(WORDS);
  #length = 0;
  // Not from Buffer's pool: nobody else's bytes lie in it.
  #bytes = Buffer.allocUnsafeSlow(BYTES);
  #byteLength = 0;
  // Where the last command is a write: its id, and the place of its length.
  #lastWrite = 0;
  #lastWriteAt = 0;
  #isControl = false;
  #scheduled = false;
  /** The loop has taken something. */
  accepted = false;

  /** `refused` gets the commands that the loop did not take. */
  constructor(
    private readonly native: NativeNet,
    private readonly refused: (commands: readonly RefusedCommand[]) => void,
  ) {}

  /** Stages a command and its words. */
  command(id: number, kind: number, ...words: number[]): void {
    this.#begin(id, kind, words, 0);
  }

  /** Stages a command whose words say how long `texts` are. */
  commandWithTexts(id: number, kind: number, words: readonly number[], texts: string): void {
    const bytes = Buffer.from(texts);
    this.#begin(id, kind, words, bytes.length);
    this.#bytes.set(bytes, this.#byteLength);
    this.#byteLength += bytes.length;
  }

  /** Stages that the peer has taken `count` bytes or connections. */
  acknowledge(id: number, count: number): void {
    this.command(id, Command.acknowledge, count);
  }

  /** Stages a write. Returns how many bytes it has. */
  write(id: number, chunk: Uint8Array): number {
    const size = chunk.byteLength;
    if (size > LARGEST) {
      for (let at = 0; at < size; at += LARGEST) this.write(id, chunk.subarray(at, at + LARGEST));
      return size;
    }
    if (size >= LARGE) {
      this.#makeRoom(2, 0);
      this.#addWrite(id, size);
      this.#submit(chunk);
      return size;
    }
    this.#makeRoom(2, size);
    this.#bytes.set(chunk, this.#byteLength);
    this.#byteLength += size;
    this.#addWrite(id, size);
    return size;
  }

  /** Stages a write of text. Returns how many bytes it has. */
  writeText(id: number, text: string, encoding: BufferEncoding): number {
    // No encoding makes more than three bytes of a UTF-16 unit.
    const most = text.length * 3;
    if (most > LARGE) return this.write(id, Buffer.from(text, encoding));
    this.#makeRoom(2, most);
    const size = this.#bytes.write(text, this.#byteLength, encoding);
    this.#byteLength += size;
    this.#addWrite(id, size);
    return size;
  }

  /** Hands everything over. */
  readonly flush = (): void => {
    this.#scheduled = false;
    if (this.#length > 0) this.#submit(undefined);
  };

  #submit(large: Uint8Array | undefined): void {
    const length = this.#length;
    const byteLength = this.#byteLength;
    const isControl = this.#isControl;
    this.#length = 0;
    this.#byteLength = 0;
    this.#lastWrite = 0;
    this.#isControl = false;
    if (this.native.submit(this.#words, length, this.#bytes, byteLength, large, isControl)) {
      this.accepted = true;
      return;
    }
    this.refused(commandsOf(this.#words, length));
  }

  #begin(id: number, kind: number, words: readonly number[], bytes: number): void {
    this.#makeRoom(1 + words.length, bytes);
    this.#words[this.#length++] = (id << KIND_BITS) | kind;
    for (const word of words) this.#words[this.#length++] = word;
    this.#lastWrite = 0;
    this.#isControl = true;
    this.#schedule();
  }

  /** Adds a write's command to its bytes, or the bytes to the write before. */
  #addWrite(id: number, size: number): void {
    if (this.#lastWrite === id) {
      (this.#words[this.#lastWriteAt] as number) += size;
      return;
    }
    this.#words[this.#length++] = (id << KIND_BITS) | Command.write;
    this.#lastWrite = id;
    this.#lastWriteAt = this.#length;
    this.#words[this.#length++] = size;
    this.#schedule();
  }

  #makeRoom(words: number, bytes: number): void {
    if (this.#length + words > WORDS || this.#byteLength + bytes > BYTES) this.flush();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    nextTick(this.flush);
  }
}

/** A command that the loop did not take. */
export interface RefusedCommand {
  id: number;
  kind: number;
}

function commandsOf(words: Int32Array, length: number): RefusedCommand[] {
  const commands: RefusedCommand[] = [];
  for (let at = 0; at < length; ) {
    const head = words[at] as number;
    const kind = head & KIND_MASK;
    commands.push({ id: head >> KIND_BITS, kind });
    at += 1 + (COMMAND_WORDS[kind] as number);
  }
  return commands;
}
