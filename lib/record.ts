// Records whose names come from elsewhere.

/** Sets a field of the record's own, whatever its name. */
export function setField<Value>(record: Record<string, Value>, name: string, value: Value): void {
  if (name in Object.prototype) {
    // An assignment would go to the accessor of this name on Object.prototype, or fail where that is frozen.
    Object.defineProperty(record, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else {
    record[name] = value;
  }
}
