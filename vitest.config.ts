import { defineConfig } from 'vitest/config';

// The same tests run in both of vitest's pools: in child processes, and in Workers of one process,
// where an addon with state of its own per process rather than per environment falls over.
// Tests that end or watch a whole process, or install packages, have nothing to gain from the second.
const processTests = [
  'test/lifecycle/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/docs.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'forks', pool: 'forks', include: ['test/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'threads',
          pool: 'threads',
          include: ['test/**/*.test.ts'],
          exclude: processTests,
        },
      },
    ],
    // Polling ends with what it waits for: its bound is that of a machine that hangs, not of one that is busy.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
