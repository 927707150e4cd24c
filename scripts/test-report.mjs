// Where the test runners leave their reports, and what those say.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';

export const NATIVE_PRESETS = ['address', 'thread', 'clang'];

export const reportFolder = join(root, 'out', 'report');
export const vitestReport = join(reportFolder, 'vitest.json');

/** Forgets earlier runs, so that a runner that never got to its report is not counted by an old one. */
export function removeReports() {
  rmSync(reportFolder, { recursive: true, force: true });
}

/** Counts the tests of all runners. A runner without a report counts as one failure. */
export function countTests() {
  const counts = [countVitest(), ...NATIVE_PRESETS.map(countCtest)];
  return {
    passed: counts.reduce((sum, { passed }) => sum + passed, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
  };
}

function countVitest() {
  const text = read(vitestReport);
  if (text === undefined) return { passed: 0, failed: 1 };
  const report = JSON.parse(text);
  const { numPassedTests: passed, numFailedTests: failed, success } = report;
  // A file that could not be loaded, or an error outside of any test, fails the run by itself.
  return { passed, failed: success || failed > 0 ? failed : 1 };
}

function countCtest(preset) {
  const text = read(join(reportFolder, `ctest-${preset}.xml`));
  const suite = /<testsuite\b[^>]*>/.exec(text ?? '')?.[0];
  if (suite === undefined) return { passed: 0, failed: 1 };
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const notPassed = count('failures') + count('disabled') + count('skipped');
  return { passed: count('tests') - notPassed, failed: count('failures') };
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
