import { defineConfig } from 'vitest/config';

/** What generators, linters and a fuzzer make of the OpenAPI document. Not part of `npm test`: it needs Python, and some hundred packages. */
export default defineConfig({
  test: {
    include: ['test/clients/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    globalSetup: ['test/global-setup.ts', 'test/clients/install.ts'],
  },
});
