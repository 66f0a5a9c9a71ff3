import type { Media } from './account/media.ts';
import type { Outbox } from './account/outbox.ts';
import type { ResetTokens } from './account/reset-tokens.ts';
import type { Captcha } from './captcha.ts';
import type { Dialect } from './options.ts';
import type { PeopleDirectory } from './people/people-directory.ts';
import type { SecondFactor } from './second-factor.ts';
import type { Tokens } from './tokens.ts';

/** Dependencies shared by all endpoints of one running service. */
export type Dependencies = {
  dialect: Dialect;
  apiKey: string;
  now: () => number;
  people: PeopleDirectory;
  tokens: Tokens;
  captcha: Captcha;
  secondFactor: SecondFactor;
  outbox: Outbox;
  resetTokens: ResetTokens;
  media: Media;
};
