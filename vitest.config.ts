import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['packages/*', 'examples/*', 'e2e'],
    maxWorkers: 2,
    // A test that fails is tried up to twice more in CI and reported as flaky: the machine there is shared and has two cores.
    retry: process.env.CI ? 2 : 0,
  },
});
