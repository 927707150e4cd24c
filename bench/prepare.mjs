// Makes ready what the chosen suites need: the peers of bench/package.json as its lock file pins
// them, and the C++ binaries. Silent and quick when all is there; a failure shows the tool's words.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildFolder } from './native/suites.mjs';

const folder = fileURLToPath(new URL('./', import.meta.url));
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  const why = error ? error.message : `${stdout}${stderr}`.trim();
  throw new Error(`'${command} ${args.join(' ')}' failed in ${cwd}:\n${why}`);
}

export function preparePeers() {
  const { dependencies, optionalDependencies } = readJson(`${folder}package.json`);
  const pinned = Object.entries({ ...dependencies, ...optionalDependencies });
  const installed = ([name, version]) => {
    const manifest = `${folder}node_modules/${name}/package.json`;
    // One of the peers begins its own version with a v.
    return existsSync(manifest) && readJson(manifest).version.replace(/^v/, '') === version;
  };
  if (pinned.every(installed)) return;
  console.log('Installing the peers (npm ci in bench/) ...');
  run('npm', ['ci', '--no-audit', '--no-fund'], folder);
}

export function prepareProduct(files) {
  for (const file of files) {
    if (!existsSync(`${folder}../dist/${file}`)) {
      throw new Error(
        `dist/${file} does not exist. Run 'npm run build' first, or leave sideloop out.`,
      );
    }
  }
}

export function prepareNative() {
  if (!existsSync(buildFolder)) console.log('Building the C++ benchmarks (CMake, Release) ...');
  const source = `${folder}native`;
  run('cmake', ['-S', source, '-B', buildFolder, '-DCMAKE_BUILD_TYPE=Release'], folder);
  run('cmake', ['--build', buildFolder, '--parallel'], folder);
}
