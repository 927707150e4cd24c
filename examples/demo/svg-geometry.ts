/** Text as it may stand in XML, between tags and in quotes. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' };
  return text.replace(/[&<>"]/g, (character) => `&${entities[character]};`);
}

/** The smallest of 1, 2, 5 times a power of ten that is at least so much. */
export function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeast)));
  return ([1, 2, 5, 10].find((factor) => factor * power >= atLeast) ?? 10) * power;
}

interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Puts intervals into as few rows as it takes for none to lie on another. */
export function pack(intervals: readonly Interval[]): { rows: number; rowOf: number[] } {
  const rowEnds: number[] = [];
  const rowOf: number[] = new Array(intervals.length).fill(0);
  const byStart = intervals.map((interval, index) => ({ interval, index }));
  byStart.sort((a, b) => a.interval.startMs - b.interval.startMs);
  for (const { interval, index } of byStart) {
    const free = rowEnds.findIndex((end) => end <= interval.startMs);
    const row = free === -1 ? rowEnds.length : free;
    rowEnds[row] = interval.endMs;
    rowOf[index] = row;
  }
  return { rows: rowEnds.length, rowOf };
}

/**
 * The outline of the area under steps, down to `floor`. Of the steps of one pixel only the highest
 * and the last are drawn: thousands of calls may start within it.
 */
export function stepPath(
  points: readonly (readonly [x: number, y: number])[],
  floor: number,
): string {
  const [first] = points;
  if (!first) return '';
  const round = (value: number) => Math.round(value * 10) / 10;
  const path = [`M${round(first[0])} ${floor}`];
  let pixel = Math.floor(first[0]);
  let [highest, last] = [first[1], first[1]];
  const flush = () =>
    path.push(`H${pixel}V${round(highest)}`, ...(last === highest ? [] : [`V${round(last)}`]));
  for (const [x, y] of points) {
    if (Math.floor(x) !== pixel) {
      flush();
      pixel = Math.floor(x);
      highest = y;
    }
    highest = Math.min(highest, y);
    last = y;
  }
  flush();
  path.push(`V${floor}Z`);
  return path.join('');
}
