// Fuzzes the RESP parser for a minute, or as many seconds as the argument says. What it learns goes
// to out/corpus; an input that fails is kept in out/ and belongs into test/native/fuzz/resp.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, root } from './command.mjs';
import { clangEnvironment } from './toolchain.mjs';

const seconds = Number(process.argv[2] ?? 60);
if (!(seconds > 0)) {
  console.error('fuzz: the argument is a number of seconds');
  process.exit(2);
}
const learned = join(root, 'out', 'corpus');
mkdirSync(learned, { recursive: true });
const env = clangEnvironment();
mustRun('cmake', ['--preset', 'clang'], { env, quiet: true });
mustRun('cmake', ['--build', '--preset', 'clang', '--target', 'resp_fuzz'], { env });
mustRun(join(root, 'out', 'clang', 'test', 'native', 'resp_fuzz'), [
  `-max_total_time=${seconds}`,
  `-artifact_prefix=${join(root, 'out')}/`,
  learned,
  join(root, 'test', 'native', 'fuzz', 'resp'),
]);
