// Random numbers from a seed (mulberry32): a run with the same seed plans the same faults.
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low, high) => low + next() * (high - low);
  const oneOf = (list) => list[Math.floor(next() * list.length)];
  return { next, between, oneOf, chance: (share) => next() < share };
}
