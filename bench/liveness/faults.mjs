// What goes wrong while the first process works, and how soon the second one has the work. The
// opposite question to that of the blocks: who never loses a lease is not to keep it for ever.
import { pass } from '../measurement.mjs';
import { now } from './ledger.mjs';

const kInMs = 300;
const kRecoveryDeadlineMs = 15_000;
// The work of a process that is stopped or cut off, and of the one that takes over: the first comes to
// its end, and to its stale ack, while the second is at work.
const kStale = { beforeMs: 5000 };
const kTakenOver = { beforeMs: 7000 };
const kShort = { beforeMs: 200 };
const kMaxBlockMs = 2000;
const kMaxLeaseMs = 3000;
const kPauseMs = 3000;

// The work is begun anew, by the second process or by the first one's other means. If it doesn't within this time, there is nothing else to wait for.
async function awaitRecovery(trial) {
  const isBegunAgain = ({ event, at }) => event === 'begun' && at > trial.faultAt;
  const holds = (events) => events.some(isBegunAgain);
  if (await trial.ledger.until(holds, kRecoveryDeadlineMs)) return;
  trial.deadlineMs = 0;
}

async function inject(trial, act) {
  await pass(kInMs);
  trial.faultAt = now();
  await act();
}

// What a recovery takes at most by the contestant's own rules: the lease runs out, and then somebody looks.
const afterTheLease = ({ leaseMs, recoverEveryMs }) => leaseMs + recoverEveryMs;

export const faults = [
  {
    id: 'kill-9',
    title: 'SIGKILL of the first process',
    work: { beforeMs: 60_000 },
    bound: afterTheLease,
    async play(trial, first) {
      await inject(trial, () => first.signal('SIGKILL'));
      trial.dead.add('first');
      await awaitRecovery(trial);
    },
  },
  {
    id: 'sigstop',
    title: 'SIGSTOP of the first process, SIGCONT when the second has begun',
    work: kStale,
    secondWork: kTakenOver,
    bound: afterTheLease,
    async play(trial, first) {
      await inject(trial, () => first.signal('SIGSTOP'));
      await awaitRecovery(trial);
      first.signal('SIGCONT');
    },
  },
  {
    id: 'spin',
    title: `the handler never returns: while (true), with maxBlockMs ${kMaxBlockMs}`,
    work: { beforeMs: kInMs, end: 'spin' },
    bounds: { maxBlockMs: kMaxBlockMs },
    bound: (trial) => afterTheLease(trial) + kMaxBlockMs,
    play: neverReturns,
  },
  {
    id: 'spin-max-lease',
    title: `the same without it, with maxLeaseMs ${kMaxLeaseMs}`,
    work: { beforeMs: kInMs, end: 'spin' },
    bounds: { maxLeaseMs: kMaxLeaseMs },
    bound: (trial) => afterTheLease(trial) + kMaxLeaseMs - kInMs,
    play: neverReturns,
  },
  {
    id: 'never-settles',
    title: `the handler's promise never settles, JS is idle, with maxLeaseMs ${kMaxLeaseMs}`,
    work: { beforeMs: kInMs, end: 'never' },
    bounds: { maxLeaseMs: kMaxLeaseMs },
    bound: (trial) => afterTheLease(trial) + kMaxLeaseMs - kInMs,
    play: neverReturns,
  },
  {
    id: 'client-pause',
    title: `CLIENT PAUSE ${kPauseMs} ALL`,
    work: { beforeMs: kPauseMs + 1500 },
    async play(trial) {
      await inject(trial, () => trial.control.call('CLIENT', 'PAUSE', kPauseMs, 'ALL'));
    },
  },
  {
    id: 'client-kill',
    title: "CLIENT KILL of all the first process's connections",
    work: { beforeMs: 2500 },
    async play(trial) {
      await inject(trial, () =>
        Promise.all(
          trial.firstConnections.map((id) =>
            trial.control.call('CLIENT', 'KILL', 'ID', id).catch(() => 0),
          ),
        ),
      );
    },
  },
  {
    id: 'network',
    title: "the first process's network is cut both ways, and healed when the second has begun",
    work: kStale,
    secondWork: kTakenOver,
    bound: afterTheLease,
    needsNetwork: true,
    async play(trial) {
      await inject(trial, () => trial.network.cut());
      await awaitRecovery(trial);
      trial.network.heal();
    },
  },
].map((fault) => ({ secondWork: fault.bound ? kShort : fault.work, bounds: {}, ...fault }));

// Only the first execution does, and it is not waited for.
async function neverReturns(trial) {
  await inject(trial, () => {});
  trial.hung = 'first';
  await awaitRecovery(trial);
}
