// The tables of the report, and the list of where sideloop did worse than a peer.
import { layOut } from '../report.mjs';

const isOurs = ({ contestant }) => contestant.startsWith('sideloop-');

const kTick = 1;

const ms = (value) => (Number.isFinite(value) ? value.toFixed(value < 100 ? 1 : 0) : '-');
const decimal = (value) => value.toFixed(2);

const blockColumns = [
  ['trials', ({ trials }) => `${trials}`],
  ['leases lost', ({ lost }) => `${lost}`],
  ['executions/job', ({ executions }) => decimal(executions)],
  ['most', ({ mostExecutions }) => `${mostExecutions}`],
  ['finished, yet failed', ({ failedThoughFinished }) => `${failedThoughFinished}`],
  ['renewals', ({ renewals }) => `${renewals}`],
  ['every ms', ({ intervalMs }) => `${intervalMs}`],
  ['late p50 ms', ({ lateP50 }) => ms(lateP50)],
  ['p99', ({ lateP99 }) => ms(lateP99)],
  ['max', ({ lateMax }) => ms(lateMax)],
];

const faultColumns = [
  ['trials', ({ trials }) => `${trials}`],
  ['recovered', ({ recovered }) => `${recovered}`],
  ['after ms', ({ recoveryMean }) => ms(recoveryMean)],
  ['max', ({ recoveryMax }) => ms(recoveryMax)],
  ['bound', ({ boundMs }) => ms(boundMs)],
  ['executions/job', ({ executions }) => decimal(executions)],
  ['not done', ({ lostJobs }) => `${lostJobs}`],
  ['acked twice', ({ doubleAcks }) => `${doubleAcks}`],
  ['stale acks taken', ({ staleAcks }) => `${staleAcks}`],
  ['refused', ({ refused }) => `${refused}`],
];

function table(columns, rows) {
  const header = ['', ...columns.map(([title]) => title)];
  const body = rows.map((row) =>
    row.trials === 0
      ? [row.contestant, 'failed', ...columns.slice(1).map(() => '')]
      : [row.contestant, ...columns.map(([, cell]) => cell(row))],
  );
  const remarks = rows.flatMap(({ contestant, errors, unsettled }) => [
    ...errors.map((error) => `  ${contestant} failed in one trial: ${error}`),
    ...(unsettled > 0 ? [`  ${contestant}: ${unsettled} trials ended unsettled.`] : []),
  ]);
  return [layOut(header, body), ...remarks].join('\n');
}

export const blockTable = (rows) => table(blockColumns, rows);
export const faultTable = (rows) => table(faultColumns, rows);

const worseIn = {
  blocks: {
    lost: 'leases lost',
    executions: 'executions/job',
    failedThoughFinished: 'finished, yet failed',
    lateP50: 'late p50 ms',
    lateP99: 'late p99 ms',
    lateMax: 'late max ms',
  },
  faults: {
    recoveryMean: 'recovery ms',
    executions: 'executions/job',
    lostJobs: 'not done',
    doubleAcks: 'acked twice',
    staleAcks: 'stale acks taken',
  },
};

// Ours against the peers of the same kind: a lock against locks, a queue against queues.
export function losses(what, reports, kindOf) {
  const lines = reports.flatMap(({ id, rows }) => {
    const complete = rows.filter(({ trials }) => trials > 0);
    return complete.filter(isOurs).flatMap((ours) => {
      const peers = complete.filter(
        (row) => !isOurs(row) && kindOf(row.contestant) === kindOf(ours.contestant),
      );
      return peers.flatMap((peer) => lossesTo(what, id, ours, peer));
    });
  });
  if (!reports.some(({ rows }) => rows.some(isOurs))) return 'sideloop took no part.';
  return lines.length === 0
    ? 'sideloop does worse nowhere in this sitting.'
    : `Where sideloop does worse:\n${lines.join('\n')}`;
}

// A job that is run again where a peer never comes back to it is no loss, nor is less than a tick of the
// peers' timers.
function lossesTo(what, id, ours, peer) {
  const isFair = (key) => key !== 'executions' || !(ours.recovered > peer.recovered);
  const isWorse = (key) =>
    key.startsWith('late') ? ours[key] > Math.max(0, peer[key]) + kTick : ours[key] > peer[key];
  const lines = Object.entries(worseIn[what])
    .filter(([key]) => isWorse(key) && isFair(key))
    .map(
      ([key, title]) =>
        `  ${id}: ${ours.contestant}: ${title} ${decimal(ours[key])}, ${peer.contestant} ${decimal(peer[key])}`,
    );
  if (what === 'faults' && ours.recovered < peer.recovered) {
    lines.push(
      `  ${id}: ${ours.contestant}: recovered ${ours.recovered}, ${peer.contestant} ${peer.recovered}`,
    );
  }
  return lines;
}
