import type { Dialect } from './options.ts';
import type { PeopleDirectory } from './people-directory.ts';
import type { SecondFactor } from './second-factor.ts';
import type { SignIn } from './sign-in.ts';
import type { Tokens } from './tokens.ts';

/** What the endpoints of one running service share. */
export type Service = {
  dialect: Dialect;
  apiKey: string;
  now: () => number;
  people: PeopleDirectory;
  tokens: Tokens;
  signIn: SignIn;
  secondFactor: SecondFactor;
  /** Django's own sessions: session id to staff id. */
  sessions: Map<string, number>;
};
