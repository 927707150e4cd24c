// Which compiler, formatter and headers the builds use.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from './command.mjs';

// The formatter's output changes from version to version: this one's is the rule.
export const CLANG_VERSION = 16;
const CLANG_VERSIONS = [CLANG_VERSION, 17, 18, 19, 20, 21];

/** clang++ of the preferred version, or of any that knows what the sources need. */
export const findClang = () =>
  findProgram(...CLANG_VERSIONS.map((version) => `clang++-${version}`), 'clang++');

export const findClangFormat = () =>
  findProgram(...CLANG_VERSIONS.map((version) => `clang-format-${version}`), 'clang-format');

/**
 * What node-gyp and prebuildify need in their environment: the headers that came with this Node when
 * they are there, which saves a download, and ccache when it is installed.
 */
export function gypEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const env = {};
  if (existsSync(join(prefix, 'include', 'node', 'common.gypi'))) env.npm_config_nodedir = prefix;
  if (findProgram('ccache') && process.platform === 'linux') {
    env.CC = `ccache ${process.env.CC ?? 'cc'}`;
    env.CXX = `ccache ${process.env.CXX ?? 'c++'}`;
  }
  return env;
}

/** What the preset `clang` of CMakePresets.json takes from its environment. */
export const clangEnvironment = () => ({ SIDELOOP_CLANGXX: findClang() ?? 'clang++' });
