// The demo's pure parts. If one of these fails, the demo hashes the wrong files or too few, serves a
// stale hash, or draws a picture that does not open.
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listFiles } from '../examples/demo/file-list.js';
import { hashUnit } from '../examples/demo/hash-worker.js';
import { contentHash, filesHash, merkleHash } from '../examples/demo/merkle.js';
import { type Lockfile, packageGraph } from '../examples/demo/package-graph.js';
import { textTable } from '../examples/demo/report-table.js';
import { niceStep, pack, stepPath } from '../examples/demo/svg-geometry.js';
import { type Timeline, timelineSvg } from '../examples/demo/timeline-svg.js';
import { unitsOf } from '../examples/demo/units.js';

const all = () => true;

function graphOf(packages: Lockfile['packages'], isInstalled: (folder: string) => boolean = all) {
  return Object.fromEntries(packageGraph({ lockfileVersion: 3, packages }, isInstalled));
}

describe('the package graph', () => {
  it('resolves to the nearest node_modules folder', () => {
    const graph = graphOf({
      '': { dependencies: { a: '1' }, devDependencies: { b: '1' } },
      'node_modules/a': { dependencies: { b: '2', '@s/c': '1' } },
      'node_modules/a/node_modules/b': { dependencies: { '@s/c': '1' } },
      'node_modules/b': { devDependencies: { 'not-installed-for-others': '1' } },
      'node_modules/@s/c': { dependencies: { b: '1' } },
    });
    expect(graph).toEqual({
      '': ['node_modules/a', 'node_modules/b'],
      'node_modules/a': ['node_modules/@s/c', 'node_modules/a/node_modules/b'],
      'node_modules/a/node_modules/b': ['node_modules/@s/c'],
      'node_modules/b': [],
      'node_modules/@s/c': ['node_modules/b'],
    });
  });

  it('follows the link of a workspace, which resolves from its own folder', () => {
    const graph = graphOf({
      '': { dependencies: { work: '1' } },
      'node_modules/work': { link: true, resolved: 'packages/work' },
      'packages/work': { dependencies: { a: '1', b: '1' } },
      'packages/work/node_modules/a': {},
      'node_modules/a': {},
      'node_modules/b': {},
    });
    expect(graph['']).toEqual(['packages/work']);
    expect(graph['packages/work']).toEqual(['node_modules/b', 'packages/work/node_modules/a']);
    expect(graph).not.toHaveProperty('node_modules/work');
  });

  it('leaves out what is not installed, and peers that nobody has', () => {
    const packages = {
      '': { optionalDependencies: { mac: '1' }, dependencies: { a: '1' } },
      'node_modules/mac': {},
      'node_modules/a': { peerDependencies: { nobody: '1' } },
    };
    const graph = graphOf(packages, (folder) => folder !== 'node_modules/mac');
    expect(graph).toEqual({ '': ['node_modules/a'], 'node_modules/a': [] });
  });

  it('refuses a lockfile that lacks a dependency, or is too old', () => {
    expect(() => graphOf({ '': { dependencies: { lost: '1' } } })).toThrow(/'lost'/);
    expect(() => packageGraph({ lockfileVersion: 1 }, all)).toThrow(/npm 7/);
  });
});

describe('the units', () => {
  it('join packages that depend on each other, and nothing else', () => {
    const graph = new Map([
      ['', ['a', 'd']],
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a', 'd']],
      ['d', []],
    ]);
    expect(unitsOf(graph)).toEqual([
      { name: 'd', folders: ['d'], needs: [] },
      { name: 'a +2', folders: ['a', 'b', 'c'], needs: ['d'] },
      { name: '.', folders: [''], needs: ['a +2', 'd'] },
    ]);
  });

  it('keep circles apart that touch only one way', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['a', 'c']],
      ['c', ['e']],
      ['e', ['c', 'e']],
    ]);
    expect(unitsOf(graph).map(({ folders }) => folders)).toEqual([
      ['c', 'e'],
      ['a', 'b'],
    ]);
  });

  it('are found in a graph that is deeper than the stack', () => {
    const size = 50_000;
    const graph = new Map<string, string[]>();
    for (let i = 0; i < size; i++) graph.set(`n${i}`, [`n${i + 1}`]);
    expect(unitsOf(graph.set(`n${size}`, []))).toHaveLength(size + 1);
    expect(unitsOf(graph.set(`n${size}`, ['n0']))).toHaveLength(1);
  });

  it("of this project's own lockfile come after what they need", async () => {
    const lockfile = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lockfile;
    const graph = packageGraph(lockfile, all);
    const units = unitsOf(graph);
    const seen = new Set<string>();
    for (const { name, needs } of units) {
      expect(needs.filter((need) => !seen.has(need))).toEqual([]);
      seen.add(name);
    }
    expect(units.flatMap(({ folders }) => folders).sort()).toEqual([...graph.keys()].sort());
  });
});

describe('the Merkle hash', () => {
  const files = [
    { path: 'b.js', hash: contentHash('b') },
    { path: 'a.js', hash: contentHash('a') },
  ];

  it('is the same on every machine and in every order', () => {
    expect(filesHash(files)).toBe(filesHash([...files].reverse()));
    const needs = [
      { name: 'x', merkle: '1' },
      { name: 'y', merkle: '2' },
    ];
    const merkle = merkleHash(filesHash(files), needs);
    expect(merkle).toBe(merkleHash(filesHash(files), [...needs].reverse()));
    expect(merkle).toBe('9d94346351ff400b65aa25a6af0e39e6290d8e036ae535ea9808c896ac8bb006');
  });

  it('changes with a path, a content and a dependency', () => {
    const [b, a] = files as [(typeof files)[0], (typeof files)[0]];
    const hashes = [
      filesHash(files),
      filesHash([b]),
      filesHash([{ ...b, path: 'c.js' }, a]),
      filesHash([{ ...b, hash: contentHash('other') }, a]),
    ];
    const merkles = [
      ...hashes.map((hash) => merkleHash(hash, [])),
      merkleHash(hashes[0] as string, [{ name: 'x', merkle: '1' }]),
      merkleHash(hashes[0] as string, [{ name: 'x', merkle: '2' }]),
      merkleHash(hashes[0] as string, [{ name: 'y', merkle: '1' }]),
    ];
    expect(new Set(merkles).size).toBe(merkles.length);
  });

  it('does not run a path and a hash together', () => {
    const one = filesHash([{ path: 'a', hash: 'b","c' }]);
    const two = filesHash([{ path: 'a","b', hash: 'c' }]);
    expect(one).not.toBe(two);
  });
});

describe('the files of a unit', () => {
  let project: string;
  const unit = { name: 'node_modules/a', folders: ['node_modules/a'], needs: [] };
  const file = () => join(project, 'node_modules/a/lib/index.js');

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'sideloop-demo-test-'));
    await mkdir(join(project, 'node_modules/a/lib'), { recursive: true });
    await mkdir(join(project, 'node_modules/a/node_modules/b'), { recursive: true });
    await writeFile(join(project, 'node_modules/a/node_modules/b/other.js'), 'of another package');
    await writeFile(join(project, 'node_modules/a/package.json'), '{}');
    await writeFile(file(), 'one');
  });
  afterAll(() => rm(project, { recursive: true }));

  it('are those of the package, without the packages inside of it', async () => {
    const files = await listFiles(project, unit);
    const paths = files.map(({ path }) => path).sort();
    expect(paths).toEqual(['node_modules/a/lib/index.js', 'node_modules/a/package.json']);
  });

  it('get another stamp when rewritten, even with the same size and date', async () => {
    const stampOf = async () =>
      (await listFiles(project, unit)).find(({ path }) => path.endsWith('index.js'))?.stamp;
    const { atime, mtime } = await stat(file());
    await utimes(file(), atime, mtime);
    const before = await stampOf();
    // The file system's clock has a coarse tick, and a stamp is another one in another tick.
    await expect
      .poll(async () => {
        await writeFile(file(), 'two');
        await utimes(file(), atime, mtime);
        return stampOf();
      })
      .not.toBe(before);
    expect((await stat(file())).mtime).toEqual(mtime);
  });

  it('are not settled when they have just been written, so that they are not cached', async () => {
    await writeFile(file(), 'three');
    const files = await listFiles(project, unit);
    expect(files.find(({ path }) => path.endsWith('index.js'))?.isSettled).toBe(false);
  });

  it('are read only if the cache does not know them', async () => {
    await writeFile(file(), 'four');
    const known = { path: 'not/there', isLink: false, hash: contentHash('known') };
    const fresh = { path: 'node_modules/a/lib/index.js', isLink: false, hash: undefined };
    const cold = hashUnit({ project, files: [known, fresh], needs: [] });
    expect(cold).toMatchObject({ readFiles: 1, readBytes: 4 });
    expect(cold.hashes).toEqual([contentHash('known'), contentHash('four')]);
    const cached = [known, { ...fresh, hash: contentHash('four') }];
    const warm = hashUnit({ project, files: cached, needs: [] });
    expect(warm).toMatchObject({ readFiles: 0, readBytes: 0, merkle: cold.merkle });
  });
});

describe('the timeline', () => {
  const bar = { startMs: 1, endMs: 5 };
  const timeline: Timeline = {
    title: 'a < b & "c"',
    subtitle: '<script>',
    durationMs: 3000,
    runs: [
      { label: 'first', startMs: 0, endMs: 2500 },
      { label: 'second', startMs: 2500, endMs: 3000 },
    ],
    workers: [
      {
        label: 'Worker <1>',
        bars: [
          { ...bar, kind: 'hash' },
          { ...bar, kind: 'hit' },
        ],
      },
    ],
    calls: [
      { atMs: 0, calls: 1 },
      { atMs: 4, calls: 300 },
      { atMs: 2000, calls: 0 },
    ],
    nodes: {
      read: [{ ...bar, kind: 'read' }],
      lookup: [{ ...bar, kind: 'lookup' }],
      store: [{ ...bar, kind: 'store' }],
    },
    block: {
      startMs: 400,
      endMs: 2400,
      replies: 300,
      waiting: [
        { atMs: 400, calls: 128 },
        { atMs: 1900, calls: 0 },
      ],
    },
  };
  const empty: Timeline = {
    ...timeline,
    durationMs: 0,
    runs: [],
    workers: [],
    calls: [],
    nodes: { read: [], lookup: [], store: [] },
    block: undefined,
  };

  it.each([
    ['full', timeline],
    ['empty', empty],
  ])('is well-formed and has no number that is none: %s', (_, input) => {
    const svg = timelineSvg(input);
    expect(unbalancedTag(svg)).toBeUndefined();
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg).not.toContain('<script>');
  });

  it('packs intervals into rows without an overlap, and no more rows than it takes', () => {
    const intervals = Array.from({ length: 200 }, (_, i) => {
      const startMs = (i * 37) % 101;
      return { startMs, endMs: startMs + ((i * 13) % 17) + 1 };
    });
    const { rows, rowOf } = pack(intervals);
    for (const [i, a] of intervals.entries()) {
      for (const [j, b] of intervals.entries()) {
        if (i >= j || rowOf[i] !== rowOf[j]) continue;
        expect(a.endMs <= b.startMs || b.endMs <= a.startMs).toBe(true);
      }
    }
    const atOnce = (at: number) =>
      intervals.filter(({ startMs, endMs }) => startMs <= at && at < endMs).length;
    expect(rows).toBe(Math.max(...Array.from({ length: 120 }, (_, at) => atOnce(at))));
  });

  it('keeps the highest step of a pixel', () => {
    const path = stepPath(
      [
        [10.1, 90],
        [10.2, 20],
        [10.9, 80],
        [15, 100],
      ],
      100,
    );
    expect(path).toBe('M10.1 100H10V20V80H15V100V100Z');
  });

  it.each([
    [0.2, 1],
    [3, 5],
    [50, 50],
    [51, 100],
    [280, 500],
  ])('has round steps on its axis: %d', (atLeast, step) => {
    expect(niceStep(atLeast)).toBe(step);
  });
});

it('the table aligns its columns', () => {
  const table = textTable(
    ['', 'one'],
    [
      ['label', '1'],
      ['l', '1,000'],
    ],
  );
  expect(table).toBe('          one\n-----   -----\nlabel       1\nl       1,000');
});

// The first tag that does not close what is open, or that stays open.
function unbalancedTag(xml: string): string | undefined {
  const open: string[] = [];
  for (const [tag, close, name, , empty] of xml.matchAll(
    /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|</g,
  )) {
    if (name === undefined) return tag;
    if (close) {
      if (open.pop() !== name) return tag;
    } else if (!empty) {
      open.push(name);
    }
  }
  return open.pop();
}
