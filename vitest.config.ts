import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { ProcessesFirst } from './test/support/processes/processes-first.ts';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    // Long enough for slow tests on a busy machine, but a test that hangs still ends.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000, interval: 10 } },
    // A report without thresholds, by `npm run coverage`.
    coverage: {
      provider: 'v8',
      include: ['shared/src/**', 'server/src/**', 'server/middleware/src/**', 'client/src/**'],
      reporter: ['text-summary', 'html'],
    },
    // Files share one module graph in each worker: to load it for each of 150 files took a third of the time.
    isolate: false,
    setupFiles: ['test/support/time/patience.ts'],
    // Tests wait for sockets and processes, so one more worker than cores keeps the cores busy. On two cores it saves a sixth
    // of the time.
    maxWorkers: availableParallelism() + 1,
    // V8 optimizes functions after nine times as many calls. Most functions run too briefly in a test for optimized code to pay
    // off, and compiling it took a seventh of the workers' processor time. Later versions of Node.js refuse this option.
    execArgv: process.versions.node.startsWith('20.') ? ['--interrupt-budget=600000'] : [],
    sequence: { sequencer: ProcessesFirst },
    globalSetup: ['test/support/output/empty-captured.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/integration/secrets.test.ts',
            'test/built/**',
            'test/packed/**',
            'test/browser/**',
            'test/shipping/**',
            'test/e2e/**',
            'test/docs/**',
            'test/ci/**',
          ],
          globalSetup: ['test/support/processes/bundle-programs.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      // Reads the captured output of all other tests, and so runs after them.
      {
        extends: true,
        test: { name: 'secrets', include: ['test/integration/secrets.test.ts'], sequence: { groupOrder: 2 } },
      },
      // The documentation and the tools of CI, which `npm test` leaves to `.ci/run`.
      {
        extends: true,
        test: {
          name: 'repository',
          include: ['test/docs/**/*.test.ts', 'test/ci/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      // Tests the output of `npm run build`. Not part of `npm test`, which needs no build.
      { extends: true, test: { name: 'built', include: ['test/built/**/*.test.ts'], sequence: { groupOrder: 3 } } },
      // The packages as npm packs and installs them. Needs the registry.
      {
        extends: true,
        test: {
          name: 'packed',
          include: ['test/packed/**/*.test.ts'],
          globalSetup: ['test/packed/setup.ts'],
          sequence: { groupOrder: 4 },
        },
      },
      // The client in pages of a real browser: skipped where there is none, unless REQUIRE_BROWSER=1.
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          sequence: { groupOrder: 5 },
        },
      },
      // `npm run dev` and its page, worked by clicks in a real browser: skipped where there is none, as above.
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/processes/bundle-programs.ts'],
          sequence: { groupOrder: 6 },
        },
      },
      // `npm run bundle` from a clean copy, and compose.yaml as processes. Needs the registry, Redis and nginx, and no container engine.
      {
        extends: true,
        test: {
          name: 'shipping',
          include: ['test/shipping/**/*.test.ts'],
          // The restart of replicas depends on the duration of a start, which other files would extend.
          fileParallelism: false,
          globalSetup: ['test/shipping/setup.ts'],
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
});
