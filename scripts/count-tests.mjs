// Prints `N passed, N failed` over all runners of the last `npm test`; fails unless all passed.
import { countTests } from './test-report.mjs';

const { passed, failed } = countTests();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
