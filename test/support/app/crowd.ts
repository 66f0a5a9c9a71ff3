import type { TestApp } from './start-app.ts';

/** Numbers of made-up people, whom the embedded Auth Service knows. */
export const crowd = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => 2_000_001 + from + index);

/** The browser of somebody of the staff. */
export const browserOf = async (app: TestApp, id: number) => {
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id }));
  return browser;
};

/** Lets the directory learn whether this Auth Service tells as much of many as of one; forgets that it was asked. */
export const learn = async (app: TestApp): Promise<void> => {
  const { trpc } = await browserOf(app, 123);
  await Promise.all(crowd(2, 999_990).map((id) => trpc.users.byId.query({ id })));
  app.authService.resetCalls();
};
