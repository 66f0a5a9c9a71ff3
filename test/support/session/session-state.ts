import { type Browser, reasonOf } from '../app/browser.ts';
import { johnsCredentials } from '../app/people.ts';
import type { TestApp } from '../app/start-app.ts';
import { heldBy } from '../processes/start-replicas.ts';

/** A new browser, in which John has signed in. */
export const signedInAt = async (
  { browser }: Pick<TestApp, 'browser'>,
  password: string = johnsCredentials.password,
): Promise<Browser> => {
  const page = browser();
  await page.trpc.session.login.mutate({ ...johnsCredentials, password });
  return page;
};

/** Another browser with the same cookies, such as in front of another replica. */
export const sameAt = ({ browser }: Pick<TestApp, 'browser'>, page: Browser): Browser => {
  const other = browser();
  other.holdTokens(heldBy(page));
  return other;
};

const outcomeOf = (call: () => Promise<unknown>): Promise<string> =>
  call().then(
    () => 'signed_in',
    () => reasonOf(call()),
  );

/** What the access token and the refresh token of a browser are still good for. The browser keeps them. */
export const stateOf = async (page: Browser): Promise<string> => {
  const held = heldBy(page);
  const me = await outcomeOf(() => page.trpc.session.me.query());
  const refreshed = await outcomeOf(() => page.trpc.session.refresh.mutate());
  page.holdTokens(held);
  return `${me}, ${refreshed}`;
};
export const works = 'signed_in, signed_in';
export const ended = 'session_ended, session_ended';
