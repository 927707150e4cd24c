// Keeps the JS thread busy as a scheduler that computes does: it blocks for some ms at the start of
// every period, until it is told to stop.
export function beBusy(blockedMs, periodMs) {
  const block = () => {
    const until = performance.now() + blockedMs;
    while (performance.now() < until);
  };
  const timer = setInterval(block, periodMs);
  return () => clearInterval(timer);
}
