// Every check that needs no run of the product: format and lint of both languages, types, layers.
// With --fix it formats and applies the safe fixes, and checks nothing else.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installed, output, root, run } from './command.mjs';
import { CLANG_VERSION, findClangFormat } from './toolchain.mjs';

const fix = process.argv.includes('--fix');

const checks = {
  biome: () => {
    const mode = fix ? ['--write'] : [];
    const biome = installed('@biomejs/biome/bin/biome');
    return node(biome, 'check', ...mode, '--error-on-warnings');
  },
  'clang-format': () => clangFormat(),
  types: () => {
    const tsc = installed('typescript/bin/tsc');
    return node(tsc, '-p', 'tsconfig.json') || node(tsc, '-p', 'examples/demo', '--noEmit');
  },
  layers: () => node('scripts/check-layers.mjs'),
};

const chosen = fix ? ['biome', 'clang-format'] : Object.keys(checks);
const failed = chosen.filter((name) => checks[name]() !== 0);
if (failed.length > 0) {
  console.error(`lint: failed: ${failed.join(', ')}`);
  process.exit(1);
}
console.log(`lint: ${chosen.join(', ')} passed`);

function node(...args) {
  return run(process.execPath, args);
}

function clangFormat() {
  const program = findClangFormat();
  if (!program) {
    console.error(`lint: no clang-format; install clang-format-${CLANG_VERSION}`);
    return 1;
  }
  const status = run(program, [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...cppFiles()]);
  const version = /version (\d+)/.exec(output(program, ['--version']) ?? '')?.[1];
  if (status === 0 || version === `${CLANG_VERSION}`) return status;
  console.error(`lint: this is clang-format ${version}, the rule is ${CLANG_VERSION}: not counted`);
  return 0;
}

function cppFiles() {
  return ['native', 'test/native', 'bench/native']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(?:h|cc)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}
