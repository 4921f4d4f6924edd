import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The unit tests use fake clocks; only the process tests (SIGKILL, two applies) need real seconds.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    restoreMocks: true,
  },
});
