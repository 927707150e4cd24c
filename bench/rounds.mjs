// Runs a case: all contestants take turns, round by round, each run in a fresh process. The order
// is rotated each round, so that nobody always runs first or always after the same neighbour, and
// a slow minute of the machine falls on all of them.
export async function alternate(contestants, rounds, measure) {
  const runs = new Map(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    const shift = round % contestants.length;
    const order = [...contestants.slice(shift), ...contestants.slice(0, shift)];
    for (const contestant of order) runs.get(contestant).push(await measure(contestant));
  }
  return runs;
}
