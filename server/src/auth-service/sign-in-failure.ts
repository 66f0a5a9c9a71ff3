import type { Reason } from '@auth-bff/shared';
import { type InactiveStatus, messageOfInactiveStatus } from './inactive-status.ts';

/** Which step was refused. */
export type SignInStep = 'password' | 'second_factor';

export type SignInRefusal = {
  reason: Extract<
    Reason,
    'bad_credentials' | 'account_locked' | 'account_inactive' | 'captcha_required' | 'otp_invalid' | 'otp_expired'
  >;
  /** For the person, where the reason alone does not say enough. */
  message?: string;
};

/** Limits for texts that were made to be hard to read: a refusal for people is shorter and less deep. */
const maxDepth = 6;
const maxTextLength = 4_000;

const anyOf = (...patterns: RegExp[]) => new RegExp(patterns.map(({ source }) => source).join('|'), 'i');

/** A warning that the account may yet be locked is not a lock. */
const warning = anyOf(
  /\b(will|would|may|might|before|until)\b.*\b(lock(ed|out)?|blocked|disabled|deactivated|suspended)\b/,
  /(?<!\b(?:0|no) )\battempts?\b.*\b(left|remaining)\b/,
);
const captcha = /captcha/i;
const locked = anyOf(
  /\b(locked|blocked|lockout)\b/,
  /\btoo many\b.*\battempts\b/,
  // What django-axes answers to scripts: {failure_limit, username, cooloff_time}.
  /\bcool ?off\b/,
);

const person = /\b(account|user|registration|application)\b/.source;
const standings: ReadonlyArray<[InactiveStatus, RegExp]> = [
  [
    'pending',
    anyOf(
      new RegExp(`${person}.*\\bpending\\b`),
      /\bpending (\w+ )?(approval|review|activation)\b/,
      /\b(await|wait)(s|ing)?\b.*\bapproval\b/,
      /\bnot (yet |been )?approved\b/,
    ),
  ],
  ['rejected', anyOf(new RegExp(`${person}.*\\brejected\\b`), new RegExp(`\\brejected\\b.*${person}`))],
  [
    'inactive',
    anyOf(
      /\b(inactive|disabled|deactivated|suspended)\b/,
      /\bnot (yet |been )?(currently )?(active|activated|enabled|verified)\b/,
    ),
  ],
];

/** A code that no new try can make good: it is too old or was tried too often, or its temporary token is refused. */
const usedUp = anyOf(
  /^(?!.*\binvalid\b).*\bexpired\b/,
  /\b(invalid or expired|expired or invalid)( temporary)? token\b/,
  /\btoken type\b/,
  /\b(already|too often) (been )?used\b|\bno longer valid\b/,
  /\btoo many\b/,
);

/**
 * Every text in a JSON value, with the names of its fields, one to a line: `{captcha_token: ["This field is required."]}`
 * says captcha by name. A field that is false, 0 or empty says nothing: `{captcha_required: false}`.
 */
const textsOf = (value: unknown, depth = 0): string[] => {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (value === true || (typeof value === 'number' && value !== 0)) return [String(value)];
  if (typeof value !== 'object' || value === null || depth >= maxDepth) return [];
  if (Array.isArray(value)) return value.flatMap((inner) => textsOf(inner, depth + 1));
  return Object.entries(value).flatMap(([name, inner]) => {
    const texts = textsOf(inner, depth + 1);
    return texts.length === 0 ? [] : [name].concat(texts);
  });
};

/** The sentences of a refusal: names and codes as words (`account_locked`), and without the e-mail address that it may repeat. */
const sentencesOf = (body: unknown): string[] =>
  textsOf(body)
    .join('\n')
    .slice(0, maxTextLength)
    .replaceAll(/\S+@\S+/g, '')
    .replaceAll(/[_-]/g, ' ')
    .split(/[.!?\n]/);

/**
 * What the sentences say of the account itself. Null: nothing. A lock comes first: it says how to get in again. At the
 * second factor, too many attempts are those at the code.
 */
const accountRefusal = (sentences: readonly string[], step: SignInStep): SignInRefusal | null => {
  const told = sentences.filter((text) => !warning.test(text));
  const isLock = (text: string) => locked.test(text) && !(step === 'second_factor' && usedUp.test(text));
  if (told.some(isLock)) return { reason: 'account_locked' };
  const [standing] = standings.find(([, pattern]) => told.some((text) => pattern.test(text))) ?? [];
  return standing === undefined ? null : { reason: 'account_inactive', message: messageOfInactiveStatus[standing] };
};

/**
 * Why a sign-in was refused. The service tells a wrong password, a lock, a captcha and an account that is not active
 * apart by their text alone, so this reads the text. A text that says nothing known means a wrong password or code.
 */
export const readRefusal = (body: unknown, step: SignInStep): SignInRefusal => {
  const sentences = sentencesOf(body);
  if (step === 'password') {
    if (sentences.some((text) => captcha.test(text))) return { reason: 'captcha_required' };
    return accountRefusal(sentences, step) ?? { reason: 'bad_credentials' };
  }
  const account = accountRefusal(sentences, step);
  if (account !== null) return account;
  return { reason: sentences.some((text) => usedUp.test(text)) ? 'otp_expired' : 'otp_invalid' };
};
