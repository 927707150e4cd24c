// Why: `npm run lint` holds native/ to its table of layers, which is what makes "which thread runs
// this?" answerable by the folder. A check that no breach can fail would say so of anything.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkLayers, LAYERS } from '../../scripts/layers.mjs';

const clean = {
  'native/base/ring.h': '#include <vector>\n',
  'native/loop/loop.h': '#include <uv.h>\n#include "base/ring.h"\n',
  'native/loop/loop.cc': '// std::mutex is named in a comment only.\n#include "loop/loop.h"\n',
  'native/cross/mailbox.h': '#include <atomic>\n#include <mutex>\n#include "loop/loop.h"\n',
  'native/binding/addon.cc': '#include <napi.h>\n#include "cross/mailbox.h"\n',
  'native/redis/socket.h': '#include "cross/mailbox.h"\n',
  'native/README.md': table(LAYERS.map(({ folder }: { folder: string }) => folder)),
  'native/sources.json': sources(['native/loop/loop.cc'], ['native/binding/addon.cc']),
};

test('finds nothing in a tree that keeps the rules', async () => {
  expect(await check({})).toEqual([]);
});

test.each([
  ['libuv in a pure folder', 'native/base/ring.h', '#include <uv.h>', 'must not include <uv.h>'],
  ['a pure folder that knows the loop', 'native/base/ring.h', '#include "loop/loop.h"', 'loop/'],
  ['a lock on the loop thread', 'native/loop/loop.h', '#include <mutex>', 'include <mutex>'],
  ['an atomic by another name', 'native/loop/loop.h', '\nstd::atomic_bool on;', 'std::atomic_bool'],
  ['Node in the core', 'native/cross/mailbox.h', '#include <napi.h>', 'must not include <napi.h>'],
  ['the binding in the core', 'native/cross/mailbox.h', '#include "binding/a.h"', 'no file'],
  ['a lock in the binding', 'native/binding/addon.cc', '\nuv_mutex_t m;', 'uv_mutex_t'],
  ['a folder without a layer', 'native/util/misc.h', '', "the folder 'util' has no layer"],
  [
    'a layer that knows one above it',
    'native/cross/mailbox.h',
    '#include "redis/socket.h"',
    'above',
  ],
  ['a table in another order', 'native/README.md', table(['loop', 'base']), 'folders loop, base;'],
  ['a source in no list', 'native/loop/timer.cc', '', 'native/loop/timer.cc is in no list'],
])('finds %s', async (_name, path, content, breach) => {
  expect(await check({ [path]: content })).toEqual([expect.stringContaining(breach)]);
});

test('finds a source in the wrong list, and one that does not exist', async () => {
  const lists = sources(
    ['native/binding/addon.cc', 'native/loop/gone.cc'],
    ['native/loop/loop.cc'],
  );
  expect(await check({ 'native/sources.json': lists })).toEqual([
    'native/sources.json:1: native/loop/gone.cc does not exist',
    'native/sources.json:1: native/binding/addon.cc belongs to "binding"',
    'native/sources.json:1: native/loop/loop.cc belongs to "core"',
  ]);
});

function table(folders: string[]): string {
  return folders.map((folder) => `| \`${folder}/\` | what it holds |\n`).join('');
}

function sources(core: string[], binding: string[]): string {
  return JSON.stringify({ core, binding });
}

async function check(changes: Record<string, string>): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'sideloop-layers-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries({ ...clean, ...changes })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return checkLayers(root);
}
