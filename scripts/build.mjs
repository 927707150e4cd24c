// Builds what is out of date: the addon by node-gyp (build/Release/sideloop.node), then the
// TypeScript (dist/). The arguments choose parts: `native`, `ts`, and `demo` (out/demo), which the
// product itself does not need.
import { existsSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { installed, mustRun, root } from './command.mjs';
import { isStale, markFresh } from './freshness.mjs';
import { gypEnvironment } from './toolchain.mjs';

const BUILDERS = {
  native: buildNative,
  ts: () => buildTypeScript('tsconfig.build.json', 'dist'),
  // The demo imports the product by its name, so its types come from dist/.
  demo: () => buildTypeScript('examples/demo/tsconfig.json', 'out/demo'),
};
const PRODUCT = ['native', 'ts'];

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in BUILDERS));
if (unknown) {
  console.error(`build: unknown part '${unknown}'; known are ${Object.keys(BUILDERS).join(', ')}`);
  process.exit(2);
}
for (const name of chosen.length > 0 ? chosen : PRODUCT) {
  if (!isStale(name)) continue;
  const startedAt = Date.now();
  BUILDERS[name]();
  markFresh(name, startedAt);
}

function buildNative() {
  const gyp = installed('node-gyp/bin/node-gyp.js');
  const quiet = ['--loglevel=warn', '--release'];
  const env = gypEnvironment();
  if (needsConfigure()) mustRun(process.execPath, [gyp, 'configure', ...quiet], { env });
  const jobs = `--jobs=${availableParallelism()}`;
  mustRun(process.execPath, [gyp, 'build', jobs, ...quiet], { env });
}

/** The generated Makefile holds the list of sources; it is made anew only when that may differ. */
function needsConfigure() {
  const makefile = join(root, 'build', 'Makefile');
  if (!existsSync(makefile)) return true;
  const made = statSync(makefile).mtimeMs;
  return ['binding.gyp', 'native/sources.json', 'package-lock.json'].some(
    (path) => statSync(join(root, path)).mtimeMs > made,
  );
}

function buildTypeScript(project, outFolder) {
  // A file that has gone from the sources must not live on in the output.
  rmSync(join(root, outFolder), { recursive: true, force: true });
  mustRun(process.execPath, [installed('typescript/bin/tsc'), '-p', project]);
}
