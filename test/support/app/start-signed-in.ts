import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { john } from './people.ts';
import { createClock, startApp, type StartAppOptions } from './start-app.ts';

export type StartSignedInOptions = StartAppOptions & {
  /** Default: John, a staff user. */
  subject?: Subject;
  /** Clock of the BFF and the Auth Service. Default: one that a test moves, from the current time. */
  clock?: ReturnType<typeof createClock>;
};

/** Starts an app and a browser that is signed in. */
export const startSignedIn = async (options: StartSignedInOptions = {}) => {
  const { subject = john, clock = createClock(), ...appOptions } = options;
  const app = await startApp({ now: clock.now, ...appOptions });
  const tokens = await app.authService.issue(subject);
  const browser = app.browser();
  browser.holdTokens(tokens);
  return { ...app, app, clock, tokens, browser, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
