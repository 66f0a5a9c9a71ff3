import type { TestApp } from './start-app.ts';

/** Ids of generated people, for whom the embedded Auth Service returns data. */
export const crowd = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => 2_000_001 + from + index);

/** A browser signed in as the staff user `id`. */
export const browserOf = async (app: TestApp, id: number) => {
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id }));
  return browser;
};

/** Completes the bulk-lookup probe of the directory, for tests that count upstream calls. */
export const probeBulkLookups = async (app: TestApp): Promise<void> => {
  const { trpc } = await browserOf(app, 123);
  await Promise.all(crowd(2, 999_990).map((id) => trpc.users.byId.query({ id })));
  app.authService.resetCalls();
};
