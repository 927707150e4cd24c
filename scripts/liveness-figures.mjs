// The tables of `npm run bench:liveness` for docs/benchmarks.md: what became of a lease while JS was blocked, and
// how soon the work went to another process when the first one was gone.

import { withWinner } from './winner.mjs';

/** Markdown for the runs that are given, of blocks, of faults or of both. */
export function livenessTables(runs) {
  const newestOf = (what) => runs.find((run) => run.what === what);
  return [blocks(newestOf('blocks')), faults(newestOf('faults'))].filter(Boolean).join('\n\n');
}

function blocks(run) {
  if (run === undefined) return '';
  const titles = run.reports.map(({ blockMs }) => `JS blocked for ${blockMs / 1000} s`);
  return layOut(
    `A lease of ${run.leaseMs} ms while JS is blocked: leases lost / trials, executions per job, and where none was lost by how much the latest renewal came late at the server (\`${run.command}\`, ${run.started.slice(0, 10)})`,
    titles,
    rowsOf(
      run,
      ({ lost, trials, executions, lateMax }) => {
        const became = `${lost}/${trials}, ${short(executions)}`;
        return lost > 0 ? became : `${became}, ${ms(lateMax)}`;
      },
      ({ lost, trials, lateMax }) => (lost > 0 ? 1e9 * (lost / trials) : Math.max(0, lateMax)),
    ),
  );
}

function faults(run) {
  if (run === undefined) return '';
  const cell = ({ recovered, recoveryMean, executions }) =>
    recovered > 0 ? `${ms(recoveryMean)} (${short(executions)})` : `none (${short(executions)})`;
  return layOut(
    `A process that is gone, stopped, cut off or hung, lease ${run.leaseMs} ms: until another one has the work, executions per job in brackets (\`${run.command}\`, ${run.started.slice(0, 10)})`,
    run.reports.map(({ id }) => id),
    rowsOf(run, cell, ({ recovered, recoveryMean }) => (recovered > 0 ? recoveryMean : undefined)),
  );
}

/** One line for each contestant, with a cell for each report; in bold the one of the least cost in its report. */
function rowsOf({ reports }, cell, cost) {
  const contestants = [
    ...new Set(reports.flatMap(({ rows }) => rows.map(({ contestant }) => contestant))),
  ];
  const columns = reports.map(({ rows }) => {
    const tried = contestants.map((contestant) => {
      const row = rows.find((candidate) => candidate.contestant === contestant);
      return row === undefined || row.trials === 0 ? undefined : row;
    });
    return withWinner(
      tried.map((row) => (row === undefined ? '-' : cell(row))),
      tried.map((row) => (row === undefined ? undefined : cost(row))),
    );
  });
  return contestants.map((contestant, at) => {
    return `| ${contestant} | ${columns.map((cells) => cells[at]).join(' | ')} |`;
  });
}

function layOut(title, columns, lines) {
  return [
    `${title}:`,
    '',
    `| | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:').join('|')}|`,
    ...lines,
  ].join('\n');
}

function short(value) {
  return Number.isInteger(value) ? `${value}` : value.toFixed(2);
}

/** A renewal that came before its time is not late. */
function ms(value) {
  const shown = Math.max(0, value);
  return `${shown.toFixed(shown < 10 ? 1 : 0)} ms`;
}
