// What the machine must have for each target: the Debian package of a thing, and how to see that it
// is there. Seeing is cheap on purpose (a look at the PATH or at a file), since it happens each time.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './command.mjs';
import { CLANG_VERSION, findClang, findClangFormat } from './toolchain.mjs';

const INCLUDE_FOLDERS = ['/usr/include', '/usr/local/include', '/opt/homebrew/include'];

const program = (...names) => findProgram(...names) !== undefined;
const header = (path) => INCLUDE_FOLDERS.some((folder) => existsSync(join(folder, path)));

const COMPILER = [
  { debian: 'g++', present: () => program('g++', 'c++') },
  { debian: 'make', present: () => program('make') },
  { debian: 'python3', present: () => program('python3') },
];
const REDIS = [
  { debian: 'redis-server', present: () => program('redis-server') },
  { debian: 'redis-tools', present: () => program('redis-cli') },
];
const CMAKE = [
  { debian: 'cmake', present: () => program('cmake') },
  { debian: 'ninja-build', present: () => program('ninja') },
  { debian: 'pkg-config', present: () => program('pkg-config') },
  { debian: 'libuv1-dev', present: () => header('uv.h') },
];
const CPP_TESTS = [
  { debian: 'libgtest-dev', present: () => header('gtest/gtest.h') },
  { debian: 'libgmock-dev', present: () => header('gmock/gmock.h') },
  { debian: `clang-${CLANG_VERSION}`, present: () => findClang() !== undefined },
  { debian: `libclang-rt-${CLANG_VERSION}-dev`, present: hasFuzzer },
  { debian: `clang-format-${CLANG_VERSION}`, present: () => findClangFormat() !== undefined },
];
const PEERS = [
  { debian: 'libboost-dev', present: () => header('boost/asio.hpp') },
  { debian: 'libhiredis-dev', present: () => header('hiredis/hiredis.h') },
];

const TARGETS = {
  build: () => COMPILER,
  // With a REDIS_URL the demo starts no server of its own.
  demo: () => [...COMPILER, ...(process.env.REDIS_URL ? [] : REDIS)],
  test: () => [...COMPILER, ...REDIS, ...CMAKE, ...CPP_TESTS],
  bench: () => [...COMPILER, ...REDIS, ...CMAKE, ...PEERS],
};

export const targets = Object.keys(TARGETS);

/** The Debian packages that this target needs and the machine has not. */
export function missingPackages(target) {
  return TARGETS[target]()
    .filter(({ present }) => !present())
    .map(({ debian }) => debian);
}

/** libFuzzer comes in a package of its own, beside the compiler: <prefix>/lib/clang/<version>/lib. */
function hasFuzzer() {
  if (process.platform !== 'linux') return findClang() !== undefined;
  const prefixes = ['/usr', ...list('/usr/lib').filter((path) => path.includes('llvm-'))];
  return prefixes
    .flatMap((prefix) => list(join(prefix, 'lib', 'clang')))
    .flatMap((version) => list(join(version, 'lib')))
    .flatMap(list)
    .some((path) => /libclang_rt\.fuzzer(-\w+)?\.a$/.test(path));
}

function list(folder) {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
