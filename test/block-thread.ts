/** Keeps this JS thread busy, as a long computation does. */
export function blockThread(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Keeps this JS thread busy until something has happened on the loop thread. */
export function blockThreadUntil(happened: () => boolean): void {
  for (const started = performance.now(); !happened(); blockThread(5)) {
    if (performance.now() - started > 15_000) throw new Error('it did not happen in 15 s');
  }
}
