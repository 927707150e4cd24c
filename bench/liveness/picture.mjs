// Draws one block length of a run of `npm run bench:liveness` as docs/images/liveness.svg: a row for each
// contestant, a tick for each renewal that the server saw, the block as a bar, and where the lease was
// lost. Every position in it is from the file; the trial shown is each contestant's first one.
//
//     node bench/liveness/picture.mjs [--file out/liveness/blocks-....json] [--block 10] [--out <svg>]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contestants } from './contestants.mjs';

const runs = fileURLToPath(new URL('../../out/liveness/', import.meta.url));
const image = fileURLToPath(new URL('../../docs/images/liveness.svg', import.meta.url));

const { values: options } = parseArgs({
  options: {
    file: { type: 'string', default: newest() },
    block: { type: 'string' },
    out: { type: 'string', default: image },
  },
});

const kWidth = 940;
const kLeft = 170;
const kRight = 225;
const kTop = 84;
const kRow = 36;
const kBottom = 64;
const kBar = 8;
const kTick = 9;
const kPlot = kWidth - kLeft - kRight;

const style = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .ours { font-weight: 700; }
  .soft { fill: #59636e; font-size: 12px; }
  .block { fill: #59636e; opacity: .14; }
  .held { fill: #2da44e; }
  .tick { stroke: #1a7f37; stroke-width: 1.6; }
  .again { fill: #d1242f; opacity: .55; }
  .lost { stroke: #d1242f; stroke-width: 2.4; fill: none; }
  .bad { fill: #d1242f; }
  .axis { stroke: #59636e; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .soft { fill: #9198a1; }
    .block { fill: #9198a1; opacity: .2; }
    .held { fill: #2ea043; }
    .tick { stroke: #56d364; }
    .again { fill: #f85149; }
    .lost { stroke: #ff7b72; }
    .bad { fill: #ff7b72; }
    .axis { stroke: #9198a1; }
  }`;

function newest() {
  const names = readdirSync(runs).filter((name) => /^blocks-.*\.json$/.test(name));
  if (names.length === 0) throw new Error('No run yet: npm run bench:liveness makes one.');
  return `${runs}${names.sort().at(-1)}`;
}

function reportOf({ reports }) {
  if (options.block === undefined) return reports.at(-1);
  const report = reports.find(({ blockMs }) => blockMs === Number(options.block) * 1000);
  if (report === undefined) throw new Error(`The run has no block of ${options.block} s.`);
  return report;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

const text = (x, y, content, attributes = '') =>
  `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

const packageOf = (id) => id.replace(/-(lease|consumer|sandboxed|streams)$/, '');

// What came of it, beside the row.
function verdict({ lostAt, blockAt, executions, failedThoughFinished, outcome }) {
  if (lostAt === undefined) return ['kept, ran once', ''];
  const times = executions === 2 ? 'twice' : `${executions} times`;
  const after = `lost after ${seconds(lostAt - blockAt)}, ran ${times}`;
  return [outcome && failedThoughFinished ? `${after}, failed` : after, 'bad'];
}

function row({ id, title, trial }, index, x) {
  const middle = kTop + index * kRow + kRow / 2;
  const until = trial.lostAt ?? trial.finishedAt;
  const bar = (from, to, name, y) =>
    `<rect class="${name}" x="${x(from)}" y="${y}" width="${Math.max(1, x(to) - x(from)).toFixed(1)}" height="${kBar}" rx="2"/>`;
  const parts = [
    text(
      kLeft - 12,
      middle + 4,
      title,
      `text-anchor="end"${id.startsWith('sideloop') ? ' class="ours"' : ''}`,
    ),
    bar(0, until, 'held', middle - kBar / 2),
    ...trial.renewals.map(
      (at) => `<path class="tick" d="M${x(at)} ${middle - kTick}V${middle + kTick}"/>`,
    ),
  ];
  if (trial.lostAt !== undefined) {
    const again = trial.events.findLast(
      ({ who, event }) => who === 'second' && event === 'finished',
    );
    parts.push(bar(trial.lostAt, again?.at ?? trial.finishedAt, 'again', middle - kBar / 2));
    const at = Number(x(trial.lostAt));
    parts.push(`<path class="lost" d="M${at - 6} ${middle - 6}l12 12m0 -12l-12 12"/>`);
  }
  const [words, name] = verdict(trial);
  parts.push(text(kWidth - kRight + 14, middle + 4, words, name && `class="${name}"`));
  return parts.join('\n');
}

function axis(end, y, x) {
  const step = [0.5, 1, 2, 5, 10, 20].find((one) => end / 1000 / one <= 10) ?? 60;
  const marks = [];
  for (let at = 0; at <= end; at += step * 1000) {
    marks.push(`<path class="axis" d="M${x(at)} ${y}v5"/>`);
    marks.push(text(x(at), y + 19, `${at / 1000} s`, 'class="soft" text-anchor="middle"'));
  }
  return [`<path class="axis" d="M${x(0)} ${y}H${x(end)}"/>`, ...marks].join('\n');
}

function draw(record) {
  const report = reportOf(record);
  const rows = contestants.flatMap(({ id, title }) => {
    const trial = report.runs[id]?.find(({ result }) => result)?.result;
    return trial ? [{ id, title, trial }] : [];
  });
  const from = Math.min(...rows.map(({ trial }) => trial.blockAt));
  const to = Math.max(...rows.map(({ trial }) => trial.unblockAt));
  // A second execution may go on for longer: it is cut off here.
  const end = Math.max(...rows.map(({ trial }) => trial.finishedAt));
  const x = (at) => (kLeft + (Math.min(at, end) / end) * kPlot).toFixed(1);
  const bottom = kTop + rows.length * kRow;
  const { machine, versions, clients, leaseMs } = record;
  const title = `JS is blocked for ${report.blockMs / 1000} s while it holds a lease of ${leaseMs / 1000} s`;
  const names = [
    ...new Set(Object.entries(clients).map(([id, version]) => `${packageOf(id)} ${version}`)),
  ];
  const height = bottom + kBottom;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${height}" width="${kWidth}" height="${height}" role="img" aria-label="${title}">
<style>${style}
</style>
${text(16, 26, title, 'class="title"')}
${text(16, 47, 'Green: the lease is held; a tick: a renewal that the server saw; red: a second process runs the same job meanwhile.', 'class="soft"')}
<rect class="block" x="${x(from)}" y="${kTop - 20}" width="${(x(to) - x(from)).toFixed(1)}" height="${bottom - kTop + 20}"/>
${text(x((from + to) / 2), kTop - 7, 'JS blocked', 'class="soft" text-anchor="middle"')}
${rows.map((one, index) => row(one, index, x)).join('\n')}
${axis(end, bottom + 4, x)}
${text(16, bottom + 48, `${machine.cpu}, ${machine.cores} cores, Node ${versions.node}, redis-server ${versions['redis-server']}; ${names.join(', ')}`, 'class="soft"')}
</svg>
`;
}

mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, draw(JSON.parse(readFileSync(options.file, 'utf8'))));
console.log(options.out);
