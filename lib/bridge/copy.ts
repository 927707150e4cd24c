// A message as it is at the moment it is sent, although it is passed on at the end of the turn.

import { isUint8Array } from 'node:util/types';
import { copyOfBytes, isUsable } from '../bytes.js';

// What is larger is left to structuredClone, which is as fast by then.
const MOST_OBJECTS = 16;
const LONGEST_ARRAY = 64;

/**
 * A copy of `value`, as `structuredClone` makes it.
 *
 * @throws DataCloneError where it can't be copied: a function, for instance.
 */
export function copyOf(value: unknown): unknown {
  if (isPrimitive(value)) return value;
  // One whose memory is gone is for structuredClone to refuse.
  if (isUint8Array(value) && isUsable(value)) return copyOfBytes(value);
  const copy = copyPlain(value as object, []);
  return copy === undefined ? structuredClone(value) : copy;
}

/**
 * A copy of plain objects and arrays, as most messages are: several times as fast as a structured clone. Undefined where
 * there is anything else in them, or one of them twice.
 */
function copyPlain(value: object, seen: object[]): object | undefined {
  // A function or a symbol is for structuredClone to refuse.
  if (typeof value !== 'object') return undefined;
  if (seen.length === MOST_OBJECTS || seen.includes(value)) return undefined;
  seen.push(value);
  const keys = Object.keys(value);
  let copy: Record<string, unknown>;
  if (Array.isArray(value)) {
    // Neither holes nor names.
    if (value.length > LONGEST_ARRAY || keys.length !== value.length) return undefined;
    copy = new Array(value.length) as unknown as Record<string, unknown>;
  } else {
    if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
    copy = {};
  }
  for (const key of keys) {
    const part = (value as Record<string, unknown>)[key];
    if (key === '__proto__') return undefined;
    if (isPrimitive(part)) {
      copy[key] = part;
    } else {
      const inner = copyPlain(part as object, seen);
      if (inner === undefined) return undefined;
      copy[key] = inner;
    }
  }
  return copy;
}

function isPrimitive(value: unknown): boolean {
  const type = typeof value;
  return value === null || (type !== 'object' && type !== 'function' && type !== 'symbol');
}
