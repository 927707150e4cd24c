// The tables of `npm run bench:liveness` for README.md: what became of a lease while JS was blocked, and
// how soon the work went to another process when the first one was gone.

const OURS = /^sideloop-/;

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
    rowsOf(run, ({ lost, trials, executions, lateMax }) => {
      const became = `${lost}/${trials}, ${short(executions)}`;
      return lost > 0 ? became : `${became}, ${ms(lateMax)}`;
    }),
  );
}

function faults(run) {
  if (run === undefined) return '';
  const cell = ({ recovered, recoveryMean, executions }) =>
    recovered > 0 ? `${ms(recoveryMean)} (${short(executions)})` : `none (${short(executions)})`;
  return layOut(
    `A process that is gone, stopped, cut off or hung, lease ${run.leaseMs} ms: until another one has the work, executions per job in brackets (\`${run.command}\`, ${run.started.slice(0, 10)})`,
    run.reports.map(({ id }) => id),
    rowsOf(run, cell),
  );
}

/** One line for each contestant, with a cell for each report; ours in bold. */
function rowsOf({ reports }, cell) {
  const contestants = [
    ...new Set(reports.flatMap(({ rows }) => rows.map(({ contestant }) => contestant))),
  ];
  return contestants.map((contestant) => {
    const cells = reports.map(({ rows }) => {
      const row = rows.find((candidate) => candidate.contestant === contestant);
      return row === undefined || row.trials === 0 ? '-' : cell(row);
    });
    const shown = OURS.test(contestant) ? cells.map((text) => `**${text}**`) : cells;
    return `| ${contestant} | ${shown.join(' | ')} |`;
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
