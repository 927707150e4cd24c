// Fuzzes what reads bytes of others: the RESP parser, and the reader of deliveries. Each for a minute, or as many seconds
// as the argument says. What a target learns goes to out/corpus; an input that fails is kept in out/ and belongs into the
// target's folder in test/native/fuzz.
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mustRun, root } from './command.mjs';
import { clangEnvironment } from './toolchain.mjs';

const seconds = Number(process.argv[2] ?? 60);
if (!(seconds > 0)) {
  console.error('fuzz: the argument is a number of seconds for each target');
  process.exit(2);
}
// <name>_fuzz.cc is a target, and <name> the folder of its corpus.
const sources = join(root, 'test', 'native', 'fuzz');
const targets = readdirSync(sources)
  .filter((file) => file.endsWith('_fuzz.cc'))
  .map((file) => basename(file, '.cc'));
const env = clangEnvironment();
mustRun('cmake', ['--preset', 'clang'], { env, quiet: true });
mustRun('cmake', ['--build', '--preset', 'clang', '--target', ...targets], { env });
for (const target of targets) {
  const corpus = target.replace(/_fuzz$/, '');
  const learned = join(root, 'out', 'corpus', corpus);
  mkdirSync(learned, { recursive: true });
  mustRun(join(root, 'out', 'clang', 'test', 'native', target), [
    `-max_total_time=${seconds}`,
    `-artifact_prefix=${join(root, 'out')}/${target}-`,
    learned,
    join(sources, corpus),
  ]);
}
