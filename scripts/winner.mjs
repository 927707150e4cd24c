// Bold in a table of figures: the winner, whoever it is.

/** The cells, in bold those of the least cost. A figure that is better the larger it is costs its negative. */
export function withWinner(cells, costs) {
  const known = costs.filter(isNumber);
  if (known.length < 2) return cells;
  const least = Math.min(...known);
  return cells.map((cell, i) => (costs[i] === least ? `**${cell}**` : cell));
}

/** What JSON has no number for, it calls null. */
export function isNumber(value) {
  return value !== undefined && value !== null;
}
