/** A row: what it is, and its value for each run. */
export type Row = readonly [label: string, ...values: string[]];

/** A table in plain text: the first column to the left, the others to the right. */
export function textTable(header: Row, rows: readonly Row[]): string {
  const all = [header, ...rows];
  const columns = Math.max(...all.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: Row) =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('   ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('   ');
  return [line(header), rule, ...rows.map(line)].join('\n');
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A share as 'part of whole (percent)'. */
export function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : Math.floor((part / whole) * 100);
  return `${count(part)} of ${count(whole)} (${percent} %)`;
}

/** A time in ms, with the digits that matter. */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : count(value)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
