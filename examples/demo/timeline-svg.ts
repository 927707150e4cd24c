// The picture. Pure: numbers in, SVG out. Times are ms from the left edge of the axis.
import { escapeXml, niceStep, pack, stepPath } from './svg-geometry.js';

export type BarKind = 'read' | 'lookup' | 'hash' | 'hit' | 'store';

/** A node, or what a Worker did for one. */
export interface NodeBar {
  readonly kind: BarKind;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Calls {
  readonly atMs: number;
  readonly calls: number;
}

export interface Timeline {
  readonly title: string;
  readonly subtitle: string;
  readonly durationMs: number;
  readonly runs: readonly { label: string; startMs: number; endMs: number }[];
  readonly workers: readonly { label: string; bars: readonly NodeBar[] }[];
  /** Redis calls in flight, as the JS thread sees it, from each time on. */
  readonly calls: readonly Calls[];
  readonly nodes: Readonly<Record<'read' | 'lookup' | 'store', readonly NodeBar[]>>;
  readonly block:
    | {
        readonly startMs: number;
        readonly endMs: number;
        readonly replies: number;
        /** Slow calls without a reply as the loop sees it, while JS is blocked. */
        readonly waiting: readonly Calls[];
      }
    | undefined;
}

// Okabe and Ito's palette, which people with any colour vision can tell apart.
const colours: Record<BarKind | 'calls' | 'loop' | 'block', string> = {
  read: '#009e73',
  lookup: '#0072b2',
  hash: '#d55e00',
  hit: '#f0a868',
  store: '#cc79a7',
  calls: '#9ccbe8',
  loop: '#1a1a1a',
  block: '#e69f00',
};

const legend: readonly [keyof typeof colours, string][] = [
  ['hash', 'Worker: files read and hashed'],
  ['hit', 'Worker: served from the cache'],
  ['calls', 'Redis calls in flight, seen by JS'],
  ['loop', 'slow calls unanswered, seen by the loop'],
  ['lookup', 'node: look up'],
  ['store', 'node: store'],
  ['read', 'node: list files'],
  ['block', 'JS thread blocked'],
];

const blockOpacity = 0.18;
const loopStroke = `fill="none" stroke="${colours.loop}" stroke-width="1.8" stroke-dasharray="6 3"`;

const width = 1280;
const left = 170;
const right = 30;
const plotWidth = width - left - right;

export function timelineSvg(timeline: Timeline): string {
  const x = (atMs: number) => left + (atMs / Math.max(1, timeline.durationMs)) * plotWidth;
  const parts: string[] = [];
  let y = 132;
  const top = y;

  const lane = (label: string, height: number, bars: readonly NodeBar[]) => {
    parts.push(text(left - 10, y + height / 2 + 4, label, 'end'), barLane(bars, x, y, height));
    y += height + 8;
  };
  const group = (label: string) => {
    y += 10;
    parts.push(`<text x="16" y="${y + 10}" class="group">${escapeXml(label)}</text>`);
    y += 20;
  };

  group('CPU Workers');
  for (const { label, bars } of timeline.workers) lane(label, 18, bars);
  group('Loop thread');
  parts.push(callsLane(timeline, x, y, 120));
  y += 128;
  lane('look up', 90, timeline.nodes.lookup);
  lane('store', 90, timeline.nodes.store);
  group('JS thread');
  lane('list files', 60, timeline.nodes.read);
  const settled = Object.values(timeline.nodes).flat();
  parts.push(text(left - 10, y + 14, 'nodes settle', 'end'), settleTicks(settled, x, y));
  y += 28;

  const axisY = y + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${axisY + 56}" viewBox="0 0 ${width} ${axisY + 56}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">`,
    `<title>${escapeXml(timeline.title)}</title>`,
    '<style>.group{font-weight:bold;font-size:13px}.small{fill:#444;font-size:11px}</style>',
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="16" y="28" font-size="18" font-weight="bold">${escapeXml(timeline.title)}</text>`,
    `<text x="16" y="48" class="small">${escapeXml(timeline.subtitle)}</text>`,
    legendRows(),
    runMarks(timeline, x, top, axisY),
    blockBand(timeline, x, top, axisY),
    ...parts,
    axis(timeline.durationMs, x, top, axisY),
    '</svg>',
    '',
  ].join('\n');
}

type Scale = (value: number) => number;

function barLane(bars: readonly NodeBar[], x: Scale, y: number, height: number): string {
  const { rows, rowOf } = pack(bars);
  const rowHeight = height / Math.max(1, rows);
  const rects = bars.map((bar, index) => {
    const barWidth = Math.max(0.8, x(bar.endMs) - x(bar.startMs));
    const barY = y + (rowOf[index] as number) * rowHeight;
    const thickness = rowHeight > 3 ? rowHeight - 0.5 : rowHeight;
    return `<rect x="${n(x(bar.startMs))}" y="${n(barY)}" width="${n(barWidth)}" height="${n(thickness)}" fill="${colours[bar.kind]}"/>`;
  });
  const base = `<line x1="${left}" x2="${width - right}" y1="${y + height + 2}" y2="${y + height + 2}" stroke="#ddd"/>`;
  return [base, ...rects].join('\n');
}

function callsLane({ calls, block }: Timeline, x: Scale, y: number, height: number): string {
  const most = Math.max(1, ...calls.map(({ calls: count }) => count));
  const scaleY: Scale = (count) => y + height - (count / most) * height;
  const points = calls.map(({ atMs, calls: count }) => [x(atMs), scaleY(count)] as const);
  const area = stepPath(points, y + height);
  const parts = [
    `<path d="${area}" fill="${colours.calls}" stroke="#4a9cc9" stroke-width="0.7"/>`,
    text(left - 10, y + height / 2 + 4, 'calls in flight', 'end'),
    text(left - 10, y + 10, String(most), 'end', 'small'),
    text(left - 10, y + height, '0', 'end', 'small'),
  ];
  if (block) {
    const line = block.waiting.map(({ atMs, calls: count }) => `${n(x(atMs))},${n(scaleY(count))}`);
    parts.push(`<polyline points="${line.join(' ')}" ${loopStroke}/>`);
  }
  return parts.join('\n');
}

// One tick per node: the gap in them is the time in which JS could not act.
function settleTicks(bars: readonly NodeBar[], x: Scale, y: number): string {
  const ticks = new Set(bars.map(({ endMs }) => Math.round(x(endMs) * 2) / 2));
  const path = [...ticks].map((at) => `M${n(at)} ${y}v20`).join('');
  return `<path d="${path}" stroke="#555" stroke-width="0.5"/>`;
}

function blockBand({ block }: Timeline, x: Scale, top: number, bottom: number): string {
  if (!block) return '';
  const [from, to] = [x(block.startMs), x(block.endMs)];
  const label = `JS thread blocked for ${Math.round(block.endMs - block.startMs)} ms, the loop read ${block.replies} replies`;
  return [
    `<rect x="${n(from)}" y="${top}" width="${n(to - from)}" height="${bottom - top}" fill="${colours.block}" fill-opacity="${blockOpacity}"/>`,
    text((from + to) / 2, top + 14, label, 'middle'),
  ].join('\n');
}

// The names stand above the plot, the first at its left end and the last at its right.
function runMarks({ runs }: Timeline, x: Scale, top: number, bottom: number): string {
  return runs
    .map(({ label, startMs, endMs }, index) => {
      const name = `${label}: ${Math.round(endMs - startMs)} ms`;
      const isLast = index > 0 && index === runs.length - 1;
      return [
        `<line x1="${n(x(startMs))}" x2="${n(x(startMs))}" y1="${top - 6}" y2="${bottom}" stroke="#888" stroke-dasharray="2 3"/>`,
        isLast
          ? text(width - right, top - 10, name, 'end')
          : text(x(startMs), top - 10, name, 'start'),
      ].join('\n');
    })
    .join('\n');
}

function legendRows(): string {
  const columnWidth = (width - 32) / 4;
  return legend
    .map(([key, label], index) => {
      const x = 16 + (index % 4) * columnWidth;
      const y = 70 + Math.floor(index / 4) * 18;
      return `${legendKey(key, x, y)}${text(x + 24, y, label, 'start', 'small')}`;
    })
    .join('\n');
}

// Each key looks as what it stands for.
function legendKey(key: keyof typeof colours, x: number, y: number): string {
  if (key === 'loop') return `<path d="M${n(x)} ${y - 4}h18" ${loopStroke}/>`;
  const opacity =
    key === 'block' ? ` fill-opacity="${blockOpacity}" stroke="${colours.block}"` : '';
  return `<rect x="${n(x)}" y="${y - 9}" width="18" height="10" fill="${colours[key]}"${opacity}/>`;
}

function axis(durationMs: number, x: Scale, top: number, y: number): string {
  const step = niceStep(durationMs / 10);
  const parts = [`<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#333"/>`];
  for (let at = 0; at <= durationMs; at += step) {
    parts.push(
      `<line x1="${n(x(at))}" x2="${n(x(at))}" y1="${top}" y2="${y + 5}" stroke="#333" stroke-opacity="0.12"/>`,
      text(x(at), y + 19, String(at), 'middle', 'small'),
    );
  }
  parts.push(text(left + plotWidth / 2, y + 40, 'time in ms', 'middle'));
  return parts.join('\n');
}

function text(x: number, y: number, content: string, anchor: string, style = ''): string {
  const styled = style === '' ? '' : ` class="${style}"`;
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}"${styled}>${escapeXml(content)}</text>`;
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
