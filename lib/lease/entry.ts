// What an entry of a stream says of a job: its fields, and what sideloop has noted of the job's earlier entries.

import { isUtf8 } from 'node:buffer';
import { setField } from '../record.js';

/** A name or a value: bytes where it is no UTF-8. */
export type Word = string | Buffer;

/** The field that holds what sideloop notes. */
const NOTES = 'sideloop';

export interface Entry {
  /** Of the job: that of its first entry. */
  readonly id: string;
  /** Which delivery of the job it is, from 1. */
  readonly attempt: number;
  readonly fields: Record<string, string>;
  /** Name, value, name, value, in the order of the entry. */
  readonly words: readonly Word[];
}

/** Of the texts of a message: the entry's id at `first`, then its fields, which are `count`. */
export function readEntry(
  texts: readonly Word[],
  first: number,
  count: number,
  deliveries: number,
): Entry {
  const words = texts.slice(first + 1, first + 1 + 2 * count);
  const fields: Record<string, string> = {};
  let notes: Notes | undefined;
  for (let at = 0; at < words.length; at += 2) {
    const name = textOf(words[at] as Word);
    const value = textOf(words[at + 1] as Word);
    if (name === NOTES) notes = parse(value);
    else setField(fields, name, value);
  }
  return {
    id: notes?.id ?? (texts[first] as string),
    attempt: deliveries + (notes?.attempt ?? 0),
    fields,
    words,
  };
}

/** The fields in bytes: each pair in the order of the entry, whatever has a name twice. */
export function rawFieldsOf(words: readonly Word[]): [name: Buffer, value: Buffer][] {
  const pairs: [Buffer, Buffer][] = [];
  for (let at = 0; at < words.length; at += 2) {
    if (words[at] === NOTES) continue;
    pairs.push([bytesOf(words[at] as Word), bytesOf(words[at + 1] as Word)]);
  }
  return pairs;
}

/** The value of a field, or undefined: the last one, as in `fields`. */
export function valueIn(words: readonly Word[], name: Word): Buffer | undefined {
  if (name === NOTES) return undefined;
  for (let at = words.length - 2; at >= 0; at -= 2) {
    if (isSame(words[at] as Word, name)) return bytesOf(words[at + 1] as Word);
  }
  return undefined;
}

// What is text is well-formed, and what is bytes is not: a text is never the same as bytes.
function isSame(a: Word, b: Word): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.equals(b);
}

/** A text where the bytes are one, as the native side has it. */
export function wordOf(name: Uint8Array): Word {
  return isUtf8(name) ? Buffer.from(name).toString() : Buffer.from(name);
}

function textOf(word: Word): string {
  return typeof word === 'string' ? word : word.toString();
}

/** A copy: what its owner does to it nobody else sees. */
function bytesOf(word: Word): Buffer {
  return Buffer.from(word as string);
}

interface Notes {
  id: string | undefined;
  attempt: number;
}

function parse(text: string): Notes | undefined {
  let notes: { id?: unknown; attempt?: unknown };
  try {
    notes = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof notes !== 'object' || notes === null) return undefined;
  return {
    id: typeof notes.id === 'string' ? notes.id : undefined,
    attempt:
      Number.isSafeInteger(notes.attempt) && (notes.attempt as number) > 0
        ? (notes.attempt as number)
        : 0,
  };
}
