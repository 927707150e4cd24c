// What can be asked of `npm run bench:liveness`, and what is measured when nothing is asked.
import { parseArgs } from 'node:util';

export const usage = `Usage: npm run bench:liveness -- [options]

  --blocks <seconds>   for how long JS is blocked (default 0.1,1,10,60)
  --trials <counts>    of each block length, in their order (default 20,10,3,1)
  --faults             what goes wrong instead of blocks: kills, stops, cuts, endless handlers
  --fault <names>      only these faults
  --repeat <n>         trials of each fault (default 3)
  --client <names>     only these contestants, e.g. sideloop-lease,bullmq
  --lease <ms>         how long a lease lasts (default 1000)
  --quick              a short look: blocks of 0.1, 1 and 4 s, or each fault once
  --list               print the contestants and faults, and measure nothing
  --help               print this`;

const definitions = {
  blocks: { type: 'string' },
  trials: { type: 'string' },
  faults: { type: 'boolean', default: false },
  fault: { type: 'string' },
  repeat: { type: 'string' },
  client: { type: 'string' },
  lease: { type: 'string', default: '1000' },
  quick: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

const kBlocks = { full: '0.1,1,10,60', quick: '0.1,1,4' };
const kTrials = { full: '20,10,3,1', quick: '3,2,1' };

function positives(name, text) {
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!(value > 0)) throw new Error(`--${name} takes numbers above 0, not '${part}'.`);
    return value;
  });
}

export function readOptions(argv) {
  const { values } = parseArgs({ args: argv, options: definitions, strict: true });
  const size = values.quick ? 'quick' : 'full';
  const blocks = positives('blocks', values.blocks ?? kBlocks[size]);
  const trials = positives('trials', values.trials ?? kTrials[size]);
  return {
    ...values,
    faults: values.faults || values.fault !== undefined,
    faultNames: values.fault?.split(','),
    clientNames: values.client?.split(','),
    leaseMs: positives('lease', values.lease)[0],
    repeat: positives('repeat', values.repeat ?? (values.quick ? '1' : '3'))[0],
    // A list of trials that is too short goes on with its last number.
    blocks: blocks.map((seconds, index) => ({
      seconds,
      trials: trials[Math.min(index, trials.length - 1)],
    })),
    isScaled: blocks.join() !== kBlocks.full,
  };
}
