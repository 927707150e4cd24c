// The layers of native/, lowest first: a folder includes what stands above it in this list, itself, and nothing else.
// native/README.md shows the same list to the reader, and is held against it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const NAPI = ['napi.h', 'node_api.h', 'js_native_api.h', 'node.h', 'v8.h'];
const UV = ['uv.h'];
const THREADS = [
  'atomic',
  'barrier',
  'condition_variable',
  'future',
  'latch',
  'mutex',
  'pthread.h',
  'semaphore',
  'shared_mutex',
  'stdatomic.h',
  'stop_token',
  'thread',
];
// An include can come by way of another header, so the names themselves are looked for too.
const THREAD_NAMES =
  /\b(?:std::(?:atomic\w*|(?:\w+_)?mutex|lock_guard|unique_lock|scoped_lock|shared_lock|condition_variable\w*|j?thread|future|promise|latch|barrier|\w+_semaphore|call_once)|uv_(?:mutex|rwlock|cond|sem|barrier|thread|key|once)\w*|pthread_\w+|__atomic_\w+|__sync_\w+)\b/;

// `never`: system headers that a layer must not include. `threads`: it may use what threads are made and held apart by;
// the others take that from cross/, where it is annotated for clang.
export const LAYERS = [
  { folder: 'base', never: [...UV, ...NAPI, ...THREADS] },
  { folder: 'metrics', never: [...UV, ...NAPI], threads: true },
  { folder: 'resp', never: [...UV, ...NAPI, ...THREADS] },
  { folder: 'loop', never: [...NAPI, ...THREADS] },
  { folder: 'cross', never: NAPI, threads: true },
  { folder: 'timers', never: [...NAPI, ...THREADS] },
  { folder: 'fs', never: [...NAPI, ...THREADS] },
  { folder: 'net', never: [...NAPI, ...THREADS] },
  { folder: 'redis', never: [...NAPI, ...THREADS] },
  { folder: 'lease', never: [...NAPI, ...THREADS] },
  { folder: 'coro', never: [...NAPI, ...THREADS] },
  { folder: 'links', never: NAPI, threads: true },
  { folder: 'binding', never: THREADS },
];

/** Returns one line for each breach of the rules under `root`/native: `file:line: what`. */
export function checkLayers(root) {
  const native = join(root, 'native');
  const files = readdirSync(native, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:h|cc)$/.test(entry.name))
    .map((entry) => relative(native, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  return [
    ...files.flatMap((file) => checkFile(native, file)),
    ...checkSources(root, files),
    ...checkReadme(native),
  ];
}

function checkFile(native, file) {
  const folder = file.split('/')[0];
  const place = LAYERS.findIndex((layer) => layer.folder === folder);
  if (place < 0)
    return [`native/${file}:1: the folder '${folder}' has no layer in scripts/layers.mjs`];
  const breaches = [];
  const lines = withoutComments(readFileSync(join(native, file), 'utf8')).split('\n');
  for (const [index, line] of lines.entries()) {
    const what = checkLine(native, place, line);
    if (what) breaches.push(`native/${file}:${index + 1}: ${what}`);
  }
  return breaches;
}

function checkLine(native, place, line) {
  const { folder, never, threads } = LAYERS[place];
  const system = /^\s*#\s*include\s*<([^>]+)>/.exec(line)?.[1];
  if (system && never.includes(system)) return `${folder}/ must not include <${system}>`;
  const own = /^\s*#\s*include\s*"([^"]+)"/.exec(line)?.[1];
  if (own) {
    if (!existsSync(join(native, own))) return `"${own}" is no file of native/; include from there`;
    const other = own.split('/')[0];
    if (LAYERS.findIndex((layer) => layer.folder === other) > place) {
      return `${folder}/ must not include ${other}/, which stands above it`;
    }
  }
  const name = threads ? undefined : THREAD_NAMES.exec(line)?.[0];
  return name && `${folder}/ must not use ${name}; what threads share is made of what is in cross/`;
}

/** The table of native/README.md has the folders in this order. */
function checkReadme(native) {
  const lines = readFileSync(join(native, 'README.md'), 'utf8').split('\n');
  const shown = lines.map((line) => /^\| `(\w+)\/` \|/.exec(line)?.[1]).filter(Boolean);
  const order = LAYERS.map(({ folder }) => folder);
  if (shown.join() === order.join()) return [];
  return [
    `native/README.md:1: its table has the folders ${shown.join(', ')}; the layers are ${order.join(', ')}`,
  ];
}

/** Every .cc stands exactly once in native/sources.json, in the list of its layer. */
function checkSources(root, files) {
  const lists = JSON.parse(readFileSync(join(root, 'native', 'sources.json'), 'utf8'));
  const listed = [...lists.core, ...lists.binding];
  const present = files.filter((file) => file.endsWith('.cc')).map((file) => `native/${file}`);
  const isBinding = (path) => path.startsWith('native/binding/');
  return [
    ...present.filter((path) => !listed.includes(path)).map((path) => `${path} is in no list`),
    ...listed.filter((path) => !present.includes(path)).map((path) => `${path} does not exist`),
    ...listed.filter((path, at) => listed.indexOf(path) !== at).map((path) => `${path} is twice`),
    ...lists.core.filter(isBinding).map((path) => `${path} belongs to "binding"`),
    ...lists.binding.filter((path) => !isBinding(path)).map((path) => `${path} belongs to "core"`),
  ].map((what) => `native/sources.json:1: ${what}`);
}

/** Blanks comments, and keeps the lines as they are counted. */
function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}
