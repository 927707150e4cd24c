// What one JS turn asks of the files of one loop, gathered for a single call into the native side.
//
// All numbers stand one after the other in one array, and the paths and bytes that go with them in another. The layout is
// read by native/binding/files_wrap.cc.

import type { NativeFiles } from '../binding.js';
import { Ask } from './protocol.js';

// The most numbers that one request takes.
const MOST_NUMBERS = 8;

const NOTHING: ReadonlyMap<number, boolean> = new Map();

/** Bytes of at least this size are handed over at once, which copies them; smaller ones are copied here first. */
export const HAND_OVER_BYTES = 16 * 1024;

export class FileStage {
  private numbers = new Float64Array(256);
  private length = 0;
  private values: (string | Uint8Array)[] = [];
  // Bytes taken of streams, by their numbers: one word for each, however many chunks it were.
  private readonly taken = new Map<number, number>();
  // What can fail by itself where the loop refuses the stage, by its number; true: it begins here.
  private asked = new Map<number, boolean>();

  constructor(private readonly link: NativeFiles) {}

  get empty(): boolean {
    return this.length === 0 && this.taken.size === 0;
  }

  /** Begins something on a file of its own. */
  begin(
    ask: number,
    id: number,
    path: string | Uint8Array,
    flags: number,
    mode: number,
    ...more: number[]
  ): void {
    this.add(ask, id, flags, mode, ...more);
    this.values.push(path);
    this.asked.set(id, true);
  }

  /** Goes on with what has begun before. */
  goOn(ask: number, id: number, ...more: number[]): void {
    this.add(ask, id, ...more);
    if (!this.asked.has(id)) this.asked.set(id, false);
  }

  /** Ends something, or tells of it: where the loop refuses that, its own end does the same. */
  add(...numbers: number[]): void {
    if (this.length + MOST_NUMBERS > this.numbers.length) {
      const larger = new Float64Array(this.numbers.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    for (const number of numbers) this.numbers[this.length++] = number;
  }

  /** The bytes that go with the request added last. */
  addBytes(bytes: Uint8Array): void {
    this.values.push(bytes);
  }

  /** Bytes of a stream that its reader has taken. Returns how many there are since the last call into the native side. */
  take(id: number, bytes: number): number {
    const sum = (this.taken.get(id) ?? 0) + bytes;
    this.taken.set(id, sum);
    return sum;
  }

  /**
   * Hands everything over. Returns what the loop has refused, by its number, and whether it would have begun here: none of
   * it was done.
   */
  flush(): ReadonlyMap<number, boolean> {
    for (const [id, bytes] of this.taken) this.add(Ask.taken, id, bytes);
    this.taken.clear();
    const { numbers, length, values, asked } = this;
    this.length = 0;
    this.values = [];
    this.asked = new Map();
    return this.link.submit(numbers, length, values) ? NOTHING : asked;
  }
}
