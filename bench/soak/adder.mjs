// The producer process of the soak: it adds jobs at an even rate, each with its number as idempotency
// key, and again as long as it is not told that the job is there. It prints up to which number all jobs
// are, which is where its successor begins after a kill.
import { pass } from '../measurement.mjs';
import { randomFrom } from './random.mjs';

const plan = JSON.parse(process.env.SOAK_PLAN);
const kTickMs = 20;
const kAgainMs = 50;
const kMostPending = 1000;
const kDelayedShare = 0.02;
const kLongestDelayMs = 1500;

const { startProducer } = await import(`./clients/${plan.client}.mjs`);
const producer = await startProducer(plan);
const { jobs, first, perSecond, seed } = plan;
const confirmed = new Set();
let contiguous = first;
let next = first;
let pending = 0;
let duplicates = 0;

async function add(number) {
  // The delay belongs to the number, so that a second attempt means the same job.
  const random = randomFrom(seed + number);
  const delayMs = random.chance(kDelayedShare) ? Math.ceil(random.between(1, kLongestDelayMs)) : 0;
  for (;;) {
    try {
      const { duplicate } = await producer.add(number, delayMs);
      if (duplicate) duplicates++;
      return;
    } catch (error) {
      // Told to those who ask why nothing more is added.
      console.error(String(error?.message ?? error));
      await pass(kAgainMs);
    }
  }
}

async function addAndTell(number) {
  pending++;
  await add(number);
  pending--;
  confirmed.add(number);
  while (confirmed.delete(contiguous)) contiguous++;
}

const begun = performance.now();
while (contiguous < jobs) {
  const due = first + ((performance.now() - begun) / 1000) * perSecond;
  while (next < Math.min(jobs, due) && pending < kMostPending) addAndTell(next++);
  await pass(kTickMs);
  process.stdout.write(`${JSON.stringify({ contiguous, duplicates })}\n`);
}
await producer.close();
process.exit(0);
