// Node's queues of what runs later, as they were when this package was loaded. A test that replaces them by fake timers means
// its own clock: it must not stop what is under way here, which no fake clock moves on.

export const { nextTick } = process;
export const { queueMicrotask, setImmediate } = globalThis;
