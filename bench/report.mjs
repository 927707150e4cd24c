// Medians, ratios and tables. A ratio is always "how many times better than the peer is sideloop",
// for rates and for costs alike, so that anything below 1.00 is a loss and is marked as one.

const kOurs = 'sideloop';

// A metric that says neither is told and not compared: one that only some contestants have, say.
const isCompared = ({ better }) => better !== undefined;

const isPeer = ({ contestant }) => !contestant.startsWith(`${kOurs}-`);

export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function number(value) {
  if (!Number.isFinite(value)) return '-';
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

// One row for each contestant: the median of each metric over its rounds, and the spread of the
// first metric, half the distance from its worst to its best round in percent of the median.
export function summarize(metrics, runs) {
  return [...runs].map(([contestant, rounds]) => {
    const results = rounds.flatMap((round) => (round.result ? [round.result] : []));
    const errors = rounds.flatMap((round) => (round.error ? [round.error] : []));
    const medians = {};
    if (results.length > 0) {
      for (const { key } of metrics) medians[key] = median(results.map((result) => result[key]));
    }
    const first = results.map((result) => result[metrics[0].key]);
    const spread = (Math.max(...first) - Math.min(...first)) / 2 / medians[metrics[0].key];
    return { contestant, medians, spread, completed: results.length, errors };
  });
}

export function addRatios(metrics, rows) {
  const ours = rows.find((row) => row.contestant === kOurs && row.completed > 0);
  for (const row of rows) {
    row.ratios = {};
    if (ours === undefined || row === ours || row.completed === 0) continue;
    for (const { key, better } of metrics.filter(isCompared)) {
      const [mine, theirs] = [ours.medians[key], row.medians[key]];
      row.ratios[key] = better === 'higher' ? mine / theirs : theirs / mine;
    }
  }
}

function ratioCell(ratio) {
  if (ratio === undefined || !Number.isFinite(ratio)) return '';
  return `${ratio.toFixed(2)}x${ratio < 1 ? ' !' : '  '}`;
}

export function layOut(header, body) {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...body.map((row) => row[column].length)),
  );
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ');
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(header), rule, ...body.map(line)].join('\n');
}

export function table(metrics, rows) {
  const header = [
    '',
    ...metrics.flatMap((metric) => [metric.title, ...(isCompared(metric) ? ['ratio'] : [])]),
    'spread',
  ];
  const body = rows.map((row) => {
    if (row.completed === 0) return [row.contestant, 'failed', ...header.slice(2).map(() => '')];
    const cells = metrics.flatMap((metric) => [
      number(row.medians[metric.key]),
      ...(isCompared(metric) ? [ratioCell(row.ratios[metric.key])] : []),
    ]);
    return [row.contestant, ...cells, `+-${(row.spread * 100).toFixed(0)} %`];
  });
  const failures = rows.flatMap((row) =>
    row.errors.map((error) => `  ${row.contestant} failed in one round: ${error}`),
  );
  return [layOut(header, body), ...failures].join('\n');
}

// Every comparison with a peer that sideloop loses, over all cases, in one list. Another way to use
// sideloop is no peer.
export function losses(reports) {
  const lines = reports.flatMap(({ suite, id, metrics, rows }) =>
    rows
      .filter(isPeer)
      .flatMap((row) =>
        metrics
          .filter(({ key }) => row.ratios[key] < 1)
          .map(
            ({ key, title }) =>
              `  ${suite} ${id}: ${title} against ${row.contestant}: ${row.ratios[key].toFixed(2)}x`,
          ),
      ),
  );
  const compared = reports.some(({ rows }) =>
    rows.filter(isPeer).some((row) => Object.keys(row.ratios).length > 0),
  );
  if (!compared) return 'sideloop was not compared with a peer in this sitting.';
  return lines.length === 0
    ? 'sideloop loses nowhere in this sitting.'
    : `Where sideloop loses (below 1.00x):\n${lines.join('\n')}`;
}
