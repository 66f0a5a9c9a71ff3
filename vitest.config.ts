import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    testTimeout: 20_000,
    globalSetup: ['test/support/empty-captured.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: ['test/secrets.test.ts', 'test/built/**'],
          sequence: { groupOrder: 0 },
        },
      },
      // Reads what all the others left behind, and so runs after them.
      { extends: true, test: { name: 'secrets', include: ['test/secrets.test.ts'], sequence: { groupOrder: 1 } } },
      // What `npm run build` made: not part of `npm test`, which needs no build.
      { extends: true, test: { name: 'built', include: ['test/built/**/*.test.ts'], sequence: { groupOrder: 2 } } },
    ],
  },
});
