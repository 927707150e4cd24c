// The layers of native/: which folder runs on which thread, what it may include, and what it may
// never name. The table stands in native/README.md for the reader; this is the one that is checked.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const PURE = ['base', 'resp', 'metrics'];
const LOOP = ['loop', 'timers', 'fs', 'net', 'redis', 'lease', 'coro'];
const CROSS = ['cross'];
const BINDING = ['binding'];

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

const RULES = [
  { folders: PURE, mayInclude: PURE, never: [...UV, ...NAPI, ...THREADS], threads: false },
  {
    folders: LOOP,
    mayInclude: [...PURE, ...LOOP, ...CROSS],
    never: [...NAPI, ...THREADS],
    threads: false,
  },
  { folders: CROSS, mayInclude: [...PURE, ...LOOP, ...CROSS], never: NAPI, threads: true },
  {
    folders: BINDING,
    mayInclude: [...PURE, ...LOOP, ...CROSS, ...BINDING],
    never: THREADS,
    threads: false,
  },
];

/** Returns one line for each breach of the rules under `root`/native: `file:line: what`. */
export function checkLayers(root) {
  const native = join(root, 'native');
  const files = readdirSync(native, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:h|cc)$/.test(entry.name))
    .map((entry) => relative(native, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  return [...files.flatMap((file) => checkFile(native, file)), ...checkSources(root, files)];
}

function checkFile(native, file) {
  const folder = file.split('/')[0];
  const rule = RULES.find(({ folders }) => folders.includes(folder));
  if (!rule) return [`native/${file}:1: the folder '${folder}' has no layer in scripts/layers.mjs`];
  const breaches = [];
  const lines = withoutComments(readFileSync(join(native, file), 'utf8')).split('\n');
  for (const [index, line] of lines.entries()) {
    const what = checkLine(native, rule, folder, line);
    if (what) breaches.push(`native/${file}:${index + 1}: ${what}`);
  }
  return breaches;
}

function checkLine(native, rule, folder, line) {
  const system = /^\s*#\s*include\s*<([^>]+)>/.exec(line)?.[1];
  if (system && rule.never.includes(system)) return `${folder}/ must not include <${system}>`;
  const own = /^\s*#\s*include\s*"([^"]+)"/.exec(line)?.[1];
  if (own) {
    if (!existsSync(join(native, own))) return `"${own}" is no file of native/; include from there`;
    const layer = own.split('/')[0];
    if (!rule.mayInclude.includes(layer)) return `${folder}/ must not include ${layer}/`;
  }
  const name = rule.threads ? undefined : THREAD_NAMES.exec(line)?.[0];
  return name && `${folder}/ must not use ${name}; what threads share lives in cross/`;
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
