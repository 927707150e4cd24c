// What can be asked of `npm run bench`, and what is measured when nothing is asked.
import { parseArgs } from 'node:util';

export const usage = `Usage: npm run bench -- [options]

  --suite <names>    of those that --list tells, e.g. files,net (default: all of them)
  --client <names>   only these contestants, e.g. sideloop,ioredis
  --case <patterns>  only these cases, * is a wildcard, e.g. get-16-*,set-4096-100
  --rounds <n>       measured rounds for each case and contestant (default 5, quick 3)
  --seconds <s>      measured time of one run (default 1, quick 0.4)
  --quick            a short look: fewer cases, fewer and shorter rounds
  --list             print the cases and contestants, and measure nothing
  --help             print this

Several names are separated by commas, or the option is repeated.`;

const definitions = {
  suite: { type: 'string', multiple: true },
  client: { type: 'string', multiple: true },
  case: { type: 'string', multiple: true },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

function names(values) {
  return values?.flatMap((value) => value.split(',')).filter((value) => value !== '');
}

function positive(option, text, fallback) {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0, not '${text}'.`);
  return value;
}

function matcher(patterns) {
  if (patterns === undefined) return () => true;
  const expressions = patterns.map((pattern) => {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    return new RegExp(`^${escaped}$`);
  });
  return (id) => expressions.some((expression) => expression.test(id));
}

export function readOptions(argv) {
  const { values } = parseArgs({ args: argv, options: definitions, strict: true });
  const clients = names(values.client);
  const suites = names(values.suite);
  const rounds = positive('rounds', values.rounds, values.quick ? 3 : 5);
  if (!Number.isInteger(rounds)) throw new Error('--rounds must be a whole number.');
  return {
    help: values.help,
    list: values.list,
    quick: values.quick,
    rounds,
    seconds: positive('seconds', values.seconds, values.quick ? 0.4 : 1),
    suiteNames: suites,
    clientNames: clients,
    wantsSuite: (name) => suites === undefined || suites.includes(name),
    wantsClient: (name) => clients === undefined || clients.includes(name),
    wantsCase: matcher(names(values.case)),
  };
}
