// The C++ tests: configures, builds and runs each preset of CMakePresets.json, or those named as
// arguments. `address` and `thread` run every test under its sanitizer; `clang` compiles the core
// with the thread-safety analysis and runs the fuzzer for a moment.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, run } from './command.mjs';
import { NATIVE_PRESETS, reportFolder } from './test-report.mjs';
import { clangEnvironment } from './toolchain.mjs';

const presets = process.argv.length > 2 ? process.argv.slice(2) : NATIVE_PRESETS;
const env = clangEnvironment();
const launcher = findProgram('ccache') ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
mkdirSync(reportFolder, { recursive: true });

const failed = presets.filter((preset) => !testPreset(preset));
if (failed.length > 0) {
  console.error(`test:native: failed: ${failed.join(', ')}`);
  process.exit(1);
}

function testPreset(preset) {
  console.log(`\nC++ tests, ${preset}`);
  const report = join(reportFolder, `ctest-${preset}.xml`);
  return (
    // What CMake says of a configuration that succeeds is of no interest; errors go to stderr.
    run('cmake', ['--preset', preset, ...launcher], { env, quiet: true }) === 0 &&
    run('cmake', ['--build', '--preset', preset], { env }) === 0 &&
    run('ctest', ['--preset', preset, '--output-junit', report], { env }) === 0
  );
}
