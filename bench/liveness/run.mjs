// `npm run bench:liveness`: who keeps a lease while JS is blocked, and, with --faults, who lets go of
// it when the process is dead, stopped, cut off or hung. See ../README.md for the method.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectBare } from '../bare-redis.mjs';
import { machine, versions } from '../machine.mjs';
import { preparePeers, prepareProduct } from '../prepare.mjs';
import { startRedisServer } from '../redis-server.mjs';
import { alternate } from '../rounds.mjs';
import { temporaryFolder } from '../temporary-folder.mjs';
import { blockRow, faultResult, faultRow } from './account.mjs';
import { chosen, contestants } from './contestants.mjs';
import { faults } from './faults.mjs';
import { openNetwork } from './network.mjs';
import { readOptions, usage } from './options.mjs';
import { blockTable, faultTable, losses } from './tables.mjs';
import { kRivalAsksEveryMs, runTrial } from './trial.mjs';

const outputFolder = fileURLToPath(new URL('../../out/liveness/', import.meta.url));
// Before and after the block, so that there are renewals on both sides of it.
const kBeforeMs = 500;
const kAfterMs = 500;
const kSettleMs = 20_000;

function chosenFaults(names) {
  for (const name of names ?? []) {
    if (!faults.some(({ id }) => id === name)) {
      throw new Error(`No fault '${name}'. Known: ${faults.map(({ id }) => id).join(', ')}.`);
    }
  }
  return faults.filter(({ id }) => !names || names.includes(id));
}

function printList() {
  console.log(`contestants: ${contestants.map(({ id }) => id).join(', ')}`);
  console.log(`faults:      ${faults.map(({ id }) => id).join(', ')}`);
}

function printFacts(title, facts) {
  const parts = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
  console.log(`${`${title}:`.padEnd(10)}${parts.join(', ')}`);
}

async function settingOf({ kind, adapter: client }, sitting) {
  const adapter = await import(`./${kind}s/${client}.mjs`);
  await sitting.control.call('FLUSHALL');
  return { ...sitting, kind, client, adapter };
}

async function runBlocks(selected, sitting, { blocks }) {
  const reports = [];
  for (const { seconds, trials } of blocks) {
    const blockMs = seconds * 1000;
    const work = { beforeMs: kBeforeMs, blockMs, afterMs: kAfterMs };
    // A job that is run again blocks again.
    const deadlineMs = kSettleMs + 3 * blockMs;
    const runs = await alternate(selected, trials, async (contestant) =>
      runTrial({ ...(await settingOf(contestant, sitting)), work, bounds: {}, deadlineMs }),
    );
    const rows = [...runs].map(([{ id }, trialsOf]) => blockRow(id, trialsOf));
    console.log(`\nJS blocked for ${seconds} s while it holds a lease of ${sitting.leaseMs} ms`);
    console.log(blockTable(rows));
    const kept = Object.fromEntries([...runs].map(([{ id }, trialsOf]) => [id, trialsOf]));
    reports.push({ id: `block-${seconds}`, blockMs, rows, runs: kept });
  }
  return reports;
}

async function runFaults(selected, sitting, { faultNames, repeat }) {
  const reports = [];
  for (const fault of chosenFaults(faultNames)) {
    const { id, title, work, secondWork, bounds, needsNetwork } = fault;
    const bound = new Map();
    const runs = await alternate(selected, repeat, async (contestant) => {
      const setting = await settingOf(contestant, sitting);
      const reach = needsNetwork ? await sitting.network.reach(setting.port) : undefined;
      const recoverEveryMs = setting.adapter.recoverEveryMs?.(setting) ?? kRivalAsksEveryMs;
      bound.set(contestant, fault.bound?.({ ...setting, recoverEveryMs }));
      const trial = { fault, work, secondWork, bounds, deadlineMs: kSettleMs };
      const run = await runTrial({ ...setting, reach, ...trial });
      if (run.error) return run;
      const recovers = fault.bound !== undefined;
      return { result: faultResult(run.result, { kind: contestant.kind, recovers }) };
    });
    const rows = [...runs].map(([contestant, trials]) =>
      faultRow(contestant.id, trials, bound.get(contestant)),
    );
    console.log(`\n${id}: ${title}${needsNetwork ? ` (${sitting.network.how})` : ''}`);
    console.log(faultTable(rows));
    const kept = Object.fromEntries([...runs].map(([one, trials]) => [one.id, trials]));
    reports.push({ id, title, rows, runs: kept });
  }
  return reports;
}

function clientVersions(reports) {
  return Object.fromEntries(
    reports.flatMap(({ runs }) =>
      Object.entries(runs).flatMap(([id, trials]) =>
        trials.flatMap(({ result }) => (result ? [[id, result.version]] : [])),
      ),
    ),
  );
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(usage);
  if (options.list) return printList();
  const selected = chosen(options.clientNames);
  chosenFaults(options.faultNames);
  preparePeers();
  if (selected.some(({ adapter }) => adapter === 'sideloop')) prepareProduct(['lease/index.js']);

  const what = options.faults ? 'faults' : 'blocks';
  const command = ['npm run bench:liveness --', ...process.argv.slice(2)].join(' ');
  const started = new Date();
  const facts = { machine: machine(), versions: versions() };
  printFacts('machine', facts.machine);
  printFacts('versions', facts.versions);
  console.log(`command:  ${command}`);
  console.log(`lease:    ${options.leaseMs} ms`);
  if (what === 'blocks' && options.isScaled) {
    const seconds = options.blocks.map((block) => block.seconds).join(', ');
    console.log(`scale:    blocks of ${seconds} s, not the 0.1, 1, 10 and 60 s of a full run`);
  }

  const network = what === 'faults' ? openNetwork() : undefined;
  const server = await startRedisServer({ hosts: network?.hosts });
  const folder = temporaryFolder();
  const control = await connectBare(server.port);
  const sitting = {
    ...{ port: server.port, folder: folder.path },
    ...{ control, network, leaseMs: options.leaseMs },
  };
  let reports;
  try {
    const run = what === 'faults' ? runFaults : runBlocks;
    reports = await run(selected, sitting, options);
  } finally {
    control.close();
    folder.remove();
    network?.close();
    await server.stop();
  }

  const clients = clientVersions(reports);
  console.log();
  printFacts('clients', clients);
  const kinds = new Map(contestants.map(({ id, kind }) => [id, kind]));
  console.log(losses(what, reports, (id) => kinds.get(id)));
  mkdirSync(outputFolder, { recursive: true });
  const stamp = started.toISOString().replaceAll(':', '-');
  const file = `${outputFolder}${what}-${stamp}.json`;
  const { leaseMs } = options;
  const record = { what, started, command, leaseMs, ...facts, clients, reports };
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  console.log(`All trials: ${file}`);
  if (reports.some(({ rows }) => rows.some(({ errors }) => errors.length > 0)))
    process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
// GLIDE and BullMQ may keep the process open that only asked them for an outcome.
process.exit();
