// Installs Debian packages, when this process may: as root, or by sudo without a password.
import { spawnSync } from 'node:child_process';
import { findProgram, output } from './command.mjs';
import { CLANG_VERSION } from './toolchain.mjs';

// A package that brings a service starts it when it is installed. Tests start their own redis-server
// on a free port, so nothing may take 6379 or be left running: policy-rc.d refuses the start while
// apt works, and the service is disabled for the next boot.
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -qq --no-install-recommends "$@"
case " $* " in
  *' redis-server '*) systemctl disable redis-server.service >/dev/null 2>&1 || true ;;
esac
`;

/** Returns true when the packages were installed; false when this process may not, or apt failed. */
export function installPackages(packages) {
  if (!findProgram('apt-get') || !mayBeRoot()) return false;
  console.log(`setup: installing ${packages.join(' ')}`);
  return (
    asRoot('apt-get', 'update', '-qq') &&
    asRoot('/bin/sh', '-c', INSTALL, 'install', ...packages.map(nameHere))
  );
}

/** The name of a package in this release: an older or newer Debian has another version of clang. */
function nameHere(name) {
  const suffix = `-${CLANG_VERSION}`;
  if (!name.includes(suffix) || output('apt-cache', ['show', name])) return name;
  const found = output('apt-cache', ['search', '--names-only', '^clang-[0-9]+$']) ?? '';
  const versions = [...found.matchAll(/^clang-(\d+)/gm)].map(([, version]) => Number(version));
  return versions.length > 0 ? name.replace(suffix, `-${Math.max(...versions)}`) : name;
}

const isRoot = () => process.getuid?.() === 0;

function mayBeRoot() {
  return isRoot() || (findProgram('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0);
}

function asRoot(...command) {
  const [program, ...args] = isRoot() ? command : ['sudo', '-n', ...command];
  return spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}
