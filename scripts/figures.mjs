// Writes the figures of the newest benchmark run into docs/benchmarks.md, between its markers: no figure in there is typed by hand.
// Where files of several runs are named, a suite is taken from the first that has it. Files of bench:liveness may be
// among them; where none is named, its newest ones are taken too.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';
import { livenessTables } from './liveness-figures.mjs';
import { isNumber, withWinner } from './winner.mjs';

const START = '<!-- figures: npm run bench, then node scripts/figures.mjs -->';
const END = '<!-- end of figures -->';

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : [
        newest(join(root, 'out', 'bench')),
        newest(join(root, 'out', 'liveness'), 'blocks-'),
        newest(join(root, 'out', 'liveness'), 'faults-'),
      ].filter(Boolean);
const all = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const runs = all.filter((run) => run.what === undefined);
const livenessRuns = all.filter((run) => run.what !== undefined);
const suitesOf = (run) => new Set(run.reports.map((report) => report.suite));
const runOf = (suite) => runs.find((run) => suitesOf(run).has(suite));
const reports = (suite) => runOf(suite)?.reports.filter((report) => report.suite === suite) ?? [];
const { machine, versions } = all[0];

const sections = [
  `${machine.cpu}, ${machine.cores} cores, ${machine.distribution}, Node ${versions.node}, redis-server ` +
    `${versions['redis-server']} on the same machine. Medians of all rounds; the contestants of a suite alternate in one sitting:`,
  runs.map(sitting).filter(Boolean).join('\n'),
  livenessTables(livenessRuns),
  suiteTable(
    'jobs',
    'Jobs through one consumer process: thousands a second (main thread CPU in us/job), or p50 latency in us (p99)',
    ({ jobsPerSecond, mainMicros, p50Micros, p99Micros }) =>
      isNumber(jobsPerSecond)
        ? `${thousands(jobsPerSecond)} (${short(mainMicros)})`
        : `${short(p50Micros)} (${short(p99Micros)})`,
    ({ jobsPerSecond, p50Micros }) => (isNumber(jobsPerSecond) ? -jobsPerSecond : p50Micros),
  ),
  suiteTable(
    'leases',
    '10,000 leases renewed each second by one process: leases lost, CPU of the process in % of one core (main thread)',
    ({ lost, processPercent, mainPercent }) =>
      `${lost} lost, ${short(processPercent)} (${short(mainPercent)})`,
    // A lease that is lost can't be made good by CPU time that is saved.
    ({ lost, processPercent }) => lost * 1e6 + processPercent,
  ),
  commandTable(
    'GET of 16 bytes: thousands of op/s (main thread CPU in us/op)',
    ({ opsPerSecond, mainMicros }) => `${thousands(opsPerSecond)} (${short(mainMicros)})`,
    ({ opsPerSecond }) => -opsPerSecond,
  ),
  commandTable(
    'The same: p50 latency in us (p99)',
    ({ p50Micros, p99Micros }) => `${short(p50Micros)} (${short(p99Micros)})`,
    ({ p50Micros }) => p50Micros,
  ),
  suiteTable(
    'workers',
    'Workers with 100 GETs in flight each, one connection for all of sideloop: thousands of op/s (per CPU second of the process)',
    (medians) => `${thousands(medians.opsPerSecond)} (${thousands(medians.opsPerCpuSecond)})`,
    ({ opsPerSecond }) => -opsPerSecond,
  ),
  suiteTable(
    'files',
    'Files in the page cache: ms (main thread CPU in ms)',
    ({ passMs, mainMs }) =>
      isNumber(mainMs) ? `${short(passMs)} (${short(mainMs)})` : short(passMs),
    ({ passMs }) => passMs,
    ({ id }) => id !== 'stream-10m-beside',
  ),
  suiteTable(
    'net',
    'TCP server: thousands of echoes a second, or MiB/s (main thread CPU in us per echo, or MiB)',
    ({ echoesPerSecond, mebibytesPerSecond, mainMicros }) =>
      `${isNumber(echoesPerSecond) ? thousands(echoesPerSecond) : short(mebibytesPerSecond)} (${short(mainMicros)})`,
    ({ echoesPerSecond, mebibytesPerSecond }) => -(echoesPerSecond ?? mebibytesPerSecond),
  ),
  metricTable(
    'Timers and messages between threads, against node:timers and MessagePort',
    { sideloop: ['sideloop'], Node: ['node-timers', 'message-port'] },
    [
      ['timeouts of 1 to 100 ms, JS idle: p99 late, us', 'timers', 'accuracy-idle', 'p99Micros'],
      ['the same, JS blocked for 5 ms of every 10', 'timers', 'accuracy-busy', 'p99Micros'],
      ['of these, as the loop thread saw it', 'timers', 'accuracy-busy', 'loopP99Micros'],
      ['to set one of 100,000: main thread CPU, us', 'timers', 'cost', 'setMicros'],
      ['to clear one', 'timers', 'cost', 'clearMicros'],
      ['to fire one', 'timers', 'cost', 'fireMicros'],
      ['to keep one, bytes', 'timers', 'cost', 'pendingBytes'],
      ['a message and its answer: p50, us', 'bridge', 'one-small', 'p50Micros'],
      ['a message of a burst of 1000: CPU, us', 'bridge', 'burst-1000-small', 'totalMicros'],
      ['the same, strings of 1 KiB', 'bridge', 'burst-1000-1k', 'totalMicros'],
    ],
  ),
  metricTable(
    'Events of a Worker, processed on the main thread',
    {
      sideloop: ['sideloop'],
      'polling, 1 ms': ['polling-1ms'],
      'polling, 1 to 100 ms': ['adaptive-backoff'],
      'async queue': ['async-queue'],
      'wake-up, 100 ms timeout': ['wake-event'],
    },
    [
      ['no event: wake-ups/s', 'strategies', 'idle', 'wakeupsPerSecond'],
      ['no event: CPU ms/s', 'strategies', 'idle', 'cpuPerSecond'],
      ['1 event/s: p50 latency, us', 'strategies', 'rate-1', 'p50Micros'],
      ['100 events/s: p99 latency, us', 'strategies', 'rate-100', 'p99Micros'],
      ['100 events/s: CPU ms/s', 'strategies', 'rate-100', 'cpuPerSecond'],
      ['burst of 1000: ms to the last', 'strategies', 'burst-1000', 'lastMs'],
    ],
  ),
  suiteTable(
    'gets',
    'The C++ connection against hiredis on libuv, thousands of GET/s',
    ({ opsPerSecond }) => thousands(opsPerSecond),
    ({ opsPerSecond }) => -opsPerSecond,
  ),
  suiteTable(
    'posts',
    'Posts to the loop thread, millions a second',
    ({ postsPerSecond }) => millions(postsPerSecond),
    ({ postsPerSecond }) => -postsPerSecond,
  ),
  suiteTable(
    'wakes',
    'From a post to an idle loop until it runs, p50 in us',
    ({ p50Micros }) => short(p50Micros),
    ({ p50Micros }) => p50Micros,
  ),
  suiteTable(
    'memory',
    'Resident memory of one loop with one connection, MiB',
    ({ residentMiB }) => short(residentMiB),
    ({ residentMiB }) => residentMiB,
  ),
];

const page = join(root, 'docs', 'benchmarks.md');
const text = readFileSync(page, 'utf8');
const [before, rest] = text.split(START);
const after = rest.split(END)[1];
const filled = sections.filter(Boolean).join('\n\n');
writeFileSync(page, `${before}${START}\n\n${filled}\n\n${END}${after}`);

/** Which command made which suites, when. Nothing for a run of which nothing is shown. */
function sitting(run) {
  const suites = [...suitesOf(run)].filter((suite) => runOf(suite) === run);
  if (suites.length === 0) return '';
  const command = run.command
    .replace(/^node bench\/run\.mjs ?/, 'npm run bench -- ')
    .replace(/ -- $/, '');
  return `- ${suites.join(', ')}: \`${command}\`, ${run.rounds} rounds, ${run.started.slice(0, 10)}`;
}

/** Nothing where there is none whose name begins so. */
function newest(folder, prefix = '') {
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).filter(
    (name) => name.startsWith(prefix) && name.endsWith('.json'),
  );
  return names.length === 0 ? undefined : join(folder, names.sort().at(-1));
}

/** Rows: commands in flight; columns: clients. */
function commandTable(title, cell, cost) {
  const rows = reports('commands').filter((report) => report.id.startsWith('get-16-'));
  return table(title, 'in flight', rows, (report) => report.id.split('-').at(-1), cell, cost);
}

/** Rows: cases, all or those that are wanted; columns: contestants. `cost` is less for who is better. */
function suiteTable(suite, title, cell, cost, isWanted = () => true) {
  const rows = reports(suite).filter(isWanted);
  return table(title, 'case', rows, (report) => report.title, cell, cost);
}

/** Rows: metrics, by suite, case and key; columns: a title, and the contestants that it stands for. */
function metricTable(title, columns, metrics) {
  const lines = metrics.flatMap(([label, suite, id, key]) => {
    const report = reports(suite).find((candidate) => candidate.id === id);
    if (report === undefined) return [];
    const values = Object.values(columns).map((contestants) => {
      return report.rows.find(({ contestant }) => contestants.includes(contestant))?.medians[key];
    });
    return [`| ${label} | ${withWinner(values.map(short), values).join(' | ')} |`];
  });
  return lines.length === 0 ? '' : layOut(title, '', Object.keys(columns), lines);
}

function table(title, corner, rows, label, cell, cost) {
  if (rows.length === 0) return '';
  const contestants = [
    ...new Set(rows.flatMap((report) => report.rows.map((row) => row.contestant))),
  ];
  const lines = rows.map((report) => {
    const medians = contestants.map((contestant) => {
      const row = report.rows.find((candidate) => candidate.contestant === contestant);
      return row === undefined || row.completed === 0 ? undefined : row.medians;
    });
    const cells = medians.map((values) => (values === undefined ? '-' : cell(values)));
    const costs = medians.map((values) => (values === undefined ? undefined : cost(values)));
    return `| ${label(report)} | ${withWinner(cells, costs).join(' | ')} |`;
  });
  return layOut(title, corner, contestants, lines);
}

function layOut(title, corner, columns, lines) {
  return [
    `${title}:`,
    '',
    `| ${corner} | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:').join('|')}|`,
    ...lines,
  ].join('\n');
}

function short(value) {
  if (!isNumber(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function thousands(value) {
  return isNumber(value) ? short(value / 1e3) : '-';
}

function millions(value) {
  return isNumber(value) ? short(value / 1e6) : '-';
}
