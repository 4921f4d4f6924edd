import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The unit tests use fake clocks; only the process tests (SIGKILL, two applies) need real seconds.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    restoreMocks: true,
    // Half of the tests wait for a process or a server; on two cores Vitest alone would take one at a time.
    maxWorkers: 2,
  },
});
