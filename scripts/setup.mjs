// Makes a fresh clone ready for one target (build, demo, test or bench): the machine's packages, the
// npm packages, the build. Needs nothing but Node, and is silent and quick when all is there.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, root } from './command.mjs';
import { installPackages } from './debian.mjs';
import { isStale } from './freshness.mjs';
import { missingPackages, targets } from './requirements.mjs';

const OLDEST_NODE = [20, 19];

const [target = ''] = process.argv.slice(2);
if (!targets.includes(target)) fail(`setup: say for what: ${targets.join(', ')}`);

checkNode();
providePackages();
provideNodeModules(root);
if (isStale('native') || isStale('ts')) mustRun(process.execPath, ['scripts/build.mjs']);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  fail(
    `setup: Node ${process.versions.node} is too old; install ${OLDEST_NODE.join('.')} or newer`,
  );
}

function providePackages() {
  const missing = missingPackages(target);
  if (missing.length === 0) return;
  if (installPackages(missing) && missingPackages(target).length === 0) return;
  // On another system than Debian the names differ a little, but they say what is meant.
  fail(`setup: install these first: sudo apt-get install ${missingPackages(target).join(' ')}`);
}

/** node_modules is right when npm's own record in it is newer than the lock. */
function provideNodeModules(folder) {
  const made = statSync(join(folder, 'node_modules', '.package-lock.json'), {
    throwIfNoEntry: false,
  });
  if (made && made.mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) return;
  // Without install scripts: the only one is our own, which would build the addon a second time.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  mustRun(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
