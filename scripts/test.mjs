// `npm test` after its set-up: lint, the C++ tests, the TypeScript tests. All of them run, whatever
// fails on the way, so that one run tells everything.
import { installed, run } from './command.mjs';
import { removeReports, vitestReport } from './test-report.mjs';

removeReports();
const stages = {
  lint: ['scripts/lint.mjs'],
  'test:native': ['scripts/test-native.mjs'],
  'test:ts': [
    installed('vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${vitestReport}`,
  ],
};
const failed = Object.keys(stages).filter((name) => run(process.execPath, stages[name]) !== 0);
console.log(
  failed.length === 0 ? '\nnpm test: passed' : `\nnpm test: failed: ${failed.join(', ')}`,
);
process.exit(failed.length === 0 ? 0 : 1);
