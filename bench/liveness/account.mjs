// From the trials of one contestant to a row of the report.
import { percentile } from '../measurement.mjs';

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const countOf = (results, holds) => results.filter(holds).length;

// How much later than its interval each renewal came. The time from the last renewal to the end of the
// work is no gap, unless a renewal was due in it.
function lateness({ gaps, renewEveryMs }) {
  const isLast = (index) => index === gaps.length - 1;
  return gaps
    .filter((gap, index) => !isLast(index) || gap > renewEveryMs)
    .map((gap) => gap - renewEveryMs);
}

export function blockRow(contestant, runs) {
  const { results, errors } = split(runs);
  if (results.length === 0) return { contestant, trials: 0, errors };
  const late = Float64Array.from(results.flatMap(lateness)).sort();
  return {
    contestant,
    errors,
    trials: results.length,
    lost: countOf(results, ({ lostAt }) => lostAt !== undefined),
    executions: mean(results.map(({ executions }) => executions)),
    mostExecutions: Math.max(...results.map(({ executions }) => executions)),
    failedThoughFinished: countOf(results, (result) => result.failedThoughFinished),
    unsettled: countOf(results, ({ inTime }) => !inTime),
    intervalMs: results[0].renewEveryMs,
    renewals: results.reduce((sum, { renewals }) => sum + renewals.length, 0),
    lateP50: percentile(late, 0.5),
    lateP99: percentile(late, 0.99),
    lateMax: late.at(-1),
  };
}

export function faultRow(contestant, runs, boundMs) {
  const { results, errors } = split(runs);
  if (results.length === 0) return { contestant, trials: 0, errors };
  const recoveries = results
    .filter(({ recoveredMs }) => recoveredMs !== undefined)
    .map(({ recoveredMs }) => recoveredMs);
  return {
    contestant,
    errors,
    boundMs,
    trials: results.length,
    recovered: recoveries.length,
    recoveryMean: recoveries.length > 0 ? mean(recoveries) : undefined,
    recoveryMax: recoveries.length > 0 ? Math.max(...recoveries) : undefined,
    executions: mean(results.map(({ executions }) => executions)),
    // The work of one job was acknowledged to two processes, or to nobody.
    doubleAcks: countOf(results, ({ acknowledged, kind }) => kind === 'queue' && acknowledged > 1),
    lostJobs: countOf(results, ({ wasLost }) => wasLost),
    staleAcks: countOf(results, ({ isStale, firstAck }) => isStale && firstAck === 'completed'),
    refused: countOf(results, ({ isStale, firstAck }) => isStale && firstAck === 'refused'),
    unsettled: countOf(results, ({ inTime }) => !inTime),
  };
}

function split(runs) {
  return {
    results: runs.flatMap(({ result }) => (result ? [result] : [])),
    errors: runs.flatMap(({ error }) => (error ? [error] : [])),
  };
}

// What a trial with a fault adds to its result.
export function faultResult(result, { kind, recovers }) {
  const { nextBegunAt, faultAt, outcome, acknowledged } = result;
  const tookOver = nextBegunAt !== undefined && !(result.finishedAt < nextBegunAt);
  return {
    ...result,
    kind,
    recoveredMs: recovers && tookOver ? nextBegunAt - faultAt : undefined,
    isStale: tookOver && result.nextBegunBy === 'second',
    wasLost: outcome ? outcome.completed === 0 : acknowledged === 0,
  };
}
