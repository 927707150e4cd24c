// Writes the figures of the newest benchmark run (or of the file named) into README.md, between its markers: no figure in
// there is typed by hand.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';

const START = '<!-- figures: npm run bench, then node scripts/figures.mjs -->';
const END = '<!-- end of figures -->';

const file = process.argv[2] ?? newest(join(root, 'out', 'bench'));
const run = JSON.parse(readFileSync(file, 'utf8'));
const reports = (suite) => run.reports.filter((report) => report.suite === suite);

const sections = [
  `\`${run.command.replace(/^node bench\/run\.mjs ?/, 'npm run bench -- ').replace(/ -- $/, '')}\`, ${run.started.slice(0, 10)}, ` +
    `medians of ${run.rounds} rounds, contestants alternating in one sitting; ${run.machine.cpu}, ${run.machine.cores} cores, ` +
    `${run.machine.distribution}, Node ${run.versions.node}, redis-server ${run.versions['redis-server']} on the same machine.`,
  commandTable('GET of 16 bytes: thousands of op/s (main thread CPU in us/op)', (medians) => {
    return `${thousands(medians.opsPerSecond)} (${short(medians.mainMicros)})`;
  }),
  commandTable('The same: p50 latency in us (p99)', (medians) => {
    return `${short(medians.p50Micros)} (${short(medians.p99Micros)})`;
  }),
  suiteTable(
    'gets',
    'The C++ connection against hiredis on libuv, thousands of GET/s',
    'opsPerSecond',
    thousands,
  ),
  suiteTable('posts', 'Posts to the loop thread, millions a second', 'postsPerSecond', millions),
  suiteTable('wakes', 'From a post to an idle loop until it runs, p50 in us', 'p50Micros', short),
  suiteTable(
    'memory',
    'Resident memory of one loop with one connection, MiB',
    'residentMiB',
    short,
  ),
];

const readme = join(root, 'README.md');
const text = readFileSync(readme, 'utf8');
const [before, rest] = text.split(START);
const after = rest.split(END)[1];
const filled = sections.filter(Boolean).join('\n\n');
writeFileSync(readme, `${before}${START}\n\n${filled}\n\n${END}${after}`);

function newest(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return join(folder, names.sort().at(-1));
}

/** Rows: commands in flight; columns: clients, ours in bold. */
function commandTable(title, cell) {
  const rows = reports('commands').filter((report) => report.id.startsWith('get-16-'));
  return table(title, 'in flight', rows, (report) => report.id.split('-').at(-1), cell);
}

/** Rows: cases; columns: contestants. */
function suiteTable(suite, title, metric, format) {
  const rows = reports(suite).filter((report) => metric in (report.rows[0]?.medians ?? {}));
  return table(
    title,
    'case',
    rows,
    (report) => report.title,
    (medians) => format(medians[metric]),
  );
}

function table(title, corner, rows, label, cell) {
  if (rows.length === 0) return '';
  const contestants = [
    ...new Set(rows.flatMap((report) => report.rows.map((row) => row.contestant))),
  ];
  const lines = rows.map((report) => {
    const cells = contestants.map((contestant) => {
      const row = report.rows.find((candidate) => candidate.contestant === contestant);
      if (row?.medians === undefined) return '-';
      const shown = cell(row.medians);
      return contestant === 'sideloop' ? `**${shown}**` : shown;
    });
    return `| ${label(report)} | ${cells.join(' | ')} |`;
  });
  return [
    `${title}:`,
    '',
    `| ${corner} | ${contestants.join(' | ')} |`,
    `|---|${contestants.map(() => '---:').join('|')}|`,
    ...lines,
  ].join('\n');
}

function short(value) {
  if (value === undefined) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function thousands(value) {
  return short(value / 1e3);
}

function millions(value) {
  return short(value / 1e6);
}
