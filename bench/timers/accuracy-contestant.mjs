// How late timeouts come: chains of timeouts with random delays, each set when its predecessor fires.
// Lateness is taken in JavaScript, from before the call that set the timeout; where the timers are
// kept by another thread, what that thread saw is told beside it.
import { parseArgs } from 'node:util';
import { beBusy } from '../busy-thread.mjs';
import { pass, printAndExit, spreadOf } from '../measurement.mjs';

const kChains = 256;
const kLongestMs = 100;
const kBlockedMs = 5;
const kPeriodMs = 10;
const kWarmUpMs = 300;

const { values: options } = parseArgs({
  options: {
    clock: { type: 'string' },
    seconds: { type: 'string' },
    busy: { type: 'boolean', default: false },
  },
});
const { name, version, setTimeout, loopLateness } = await import(`./clocks/${options.clock}.mjs`);

let late = [];
let running = true;
let state = 1;

// The same delays for everybody.
function nextDelay() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return 1 + (state % kLongestMs);
}

function chain(finished) {
  const delay = nextDelay();
  const due = performance.now() + delay;
  setTimeout(() => {
    late.push(performance.now() - due);
    if (running) chain(finished);
    else finished();
  }, delay);
}

if (options.busy) beBusy(kBlockedMs, kPeriodMs);
const chains = Array.from({ length: kChains }, () => new Promise((resolve) => chain(resolve)));
await pass(kWarmUpMs);
late = [];
await pass(Number(options.seconds) * 1000);
const measured = late;
running = false;
await Promise.all(chains);

const { p50, p99, max, samples } = spreadOf(measured.map((ms) => Math.max(0, ms) * 1000));
const earlyMicros = Math.max(0, -Math.min(...measured.map((ms) => ms * 1000)));
const loop = loopLateness();
printAndExit({
  client: name,
  version,
  samples,
  p50Micros: p50,
  p99Micros: p99,
  maxMicros: max,
  earlyMicros,
  loopP50Micros: loop?.p50,
  loopP99Micros: loop?.p99,
  loopMaxMicros: loop?.max,
});
