// `npm run bench`: measures sideloop and its peers in one sitting and prints medians and ratios.
// See README.md in this folder for the method, and for what the figures do and don't say.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bridge } from './bridge/suite.mjs';
import { commands } from './commands/suite.mjs';
import { files } from './files/suite.mjs';
import { jobs } from './jobs/suite.mjs';
import { leases } from './leases/suite.mjs';
import { machine, nativeVersions, versions } from './machine.mjs';
import { memory } from './memory/suite.mjs';
import { gets, posts, wakes } from './native/suites.mjs';
import { net } from './net/suite.mjs';
import { readOptions, usage } from './options.mjs';
import { prepareNative, preparePeers, prepareProduct } from './prepare.mjs';
import { startRedisServer } from './redis-server.mjs';
import { addRatios, losses, summarize, table } from './report.mjs';
import { alternate } from './rounds.mjs';
import { strategies } from './strategies/suite.mjs';
import { timers } from './timers/suite.mjs';
import { untaken } from './untaken/suite.mjs';
import { workers } from './workers/suite.mjs';

const suites = [
  ...[commands, workers, memory, untaken],
  ...[files, net, timers, bridge, strategies],
  ...[jobs, leases],
  ...[posts, wakes, gets],
];
const outputFolder = fileURLToPath(new URL('../out/bench/', import.meta.url));

// The suites, cases and contestants that the options leave. A name that nothing answers to is an
// error: a typing mistake must not look like a benchmark that found nothing.
function select(options) {
  const known = (list, wanted, what) => {
    for (const name of wanted ?? []) {
      if (!list.includes(name)) throw new Error(`No ${what} '${name}'. Known: ${list.join(', ')}.`);
    }
  };
  const contestants = [...new Set(suites.flatMap((suite) => suite.contestants))];
  known(
    suites.map((suite) => suite.name),
    options.suiteNames,
    'suite',
  );
  known(contestants, options.clientNames, 'client');
  const selected = suites
    .filter((suite) => options.wantsSuite(suite.name))
    .map((suite) => ({
      ...suite,
      contestants: suite.contestants.filter(options.wantsClient),
      cases: suite
        .cases(options.quick)
        .filter(({ id }) => options.wantsCase(id))
        .map((one) => ({
          metrics: suite.metrics,
          ...one,
          contestants: (one.contestants ?? suite.contestants).filter(options.wantsClient),
        }))
        .filter((one) => one.contestants.length > 0),
    }))
    .filter((suite) => suite.contestants.length > 0 && suite.cases.length > 0);
  if (selected.length === 0) throw new Error('These options leave no case. See --list.');
  return selected;
}

function printList(selected) {
  for (const suite of selected) {
    console.log(`${suite.name}: ${suite.about}`);
    console.log(`  clients: ${suite.contestants.join(', ')}`);
    console.log(`  cases:   ${suite.cases.map(({ id }) => id).join(', ')}`);
  }
}

function prepare(selected) {
  if (selected.some((suite) => suite.needsPeers)) preparePeers();
  prepareProduct(
    selected
      .filter((suite) => suite.contestants.some((name) => name.startsWith('sideloop')))
      .flatMap((suite) => suite.product ?? []),
  );
  if (selected.some((suite) => suite.needsNative)) prepareNative();
}

function printFacts(title, facts) {
  const parts = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
  console.log(`${`${title}:`.padEnd(10)}${parts.join(', ')}`);
}

async function measureSuite(suite, options, port) {
  const { seconds, quick, rounds } = options;
  const own = suite.setUp?.();
  const context = { port, seconds, quick, ...own };
  const reports = [];
  console.log(`\n=== ${suite.name}: ${suite.about}`);
  try {
    for (const one of suite.cases) {
      const { id, title, metrics, contestants } = one;
      const runs = await alternate(contestants, rounds, (contestant) =>
        suite.measure(one, contestant, context),
      );
      const rows = summarize(metrics, runs);
      addRatios(metrics, rows);
      console.log(`\n${title} (${id}), medians of ${rounds} rounds`);
      console.log(table(metrics, rows));
      const kept = Object.fromEntries(runs);
      reports.push({ suite: suite.name, id, title, metrics, rows, runs: kept });
    }
  } finally {
    own?.tearDown();
  }
  return reports;
}

// The version of each contestant as the measured process itself has reported it.
function contestantVersions(reports) {
  const results = reports.flatMap(({ runs }) => Object.values(runs).flat());
  return Object.fromEntries(
    results.flatMap(({ result }) => (result?.version ? [[result.client, result.version]] : [])),
  );
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(usage);
  const selected = select(options);
  if (options.list) return printList(selected);
  prepare(selected);

  const command = ['node', 'bench/run.mjs', ...process.argv.slice(2)].join(' ');
  const started = new Date();
  const facts = machine();
  const used = {
    ...versions(),
    ...(selected.some((suite) => suite.needsNative) ? nativeVersions() : {}),
  };
  printFacts('machine', facts);
  printFacts('versions', used);
  console.log(`command:  ${command}`);
  console.log(
    'ratio:    how many times better than the peer sideloop is; below 1.00 is a loss (!)',
  );

  const server = selected.some((suite) => suite.needsServer) ? await startRedisServer() : undefined;
  const reports = [];
  try {
    for (const suite of selected) {
      reports.push(...(await measureSuite(suite, options, server?.port)));
    }
  } finally {
    await server?.stop();
  }

  const clients = contestantVersions(reports);
  console.log();
  if (Object.keys(clients).length > 0) printFacts('clients', clients);
  console.log(losses(reports));
  mkdirSync(outputFolder, { recursive: true });
  const file = `${outputFolder}${started.toISOString().replaceAll(':', '-')}.json`;
  const { rounds, seconds } = options;
  const record = { started, command, rounds, seconds, machine: facts, versions: used, clients };
  writeFileSync(file, `${JSON.stringify({ ...record, reports }, null, 2)}\n`);
  console.log(`All runs: ${file}`);
  if (reports.some(({ rows }) => rows.some((row) => row.errors.length > 0))) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
