// A message as it is at the moment it is sent, although it is passed on at the end of the turn.

/**
 * A copy of `value`, as `structuredClone` makes it.
 *
 * @throws DataCloneError where it can't be copied: a function, for instance.
 */
export function copyOf(value: unknown): unknown {
  if (isPrimitive(value)) return value;
  if (value instanceof Uint8Array) return Uint8Array.prototype.slice.call(value);
  if (!isPlain(value)) return structuredClone(value);
  for (const key of Object.keys(value)) {
    if (!isPrimitive(value[key])) return structuredClone(value);
  }
  // Flat, as most messages are: several times as fast as a structured clone.
  return { ...value };
}

function isPrimitive(value: unknown): boolean {
  const type = typeof value;
  return value === null || (type !== 'object' && type !== 'function' && type !== 'symbol');
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
