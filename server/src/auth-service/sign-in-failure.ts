import type { Reason } from '@auth-bff/shared';
import { type InactiveStatus, messageOfInactiveStatus } from './inactive-status.ts';

/** The step of the sign-in that failed. */
export type SignInStep = 'password' | 'second_factor';

export type SignInFailure = {
  reason: Extract<
    Reason,
    'bad_credentials' | 'account_locked' | 'account_inactive' | 'captcha_required' | 'otp_invalid' | 'otp_expired'
  >;
  /** Shown to the person. Default: the message of the reason. */
  message?: string;
};

/** Bounds on hostile bodies. Genuine refusals are shorter and less nested. */
const maxDepth = 6;
const maxTextLength = 4_000;

const anyOf = (...patterns: RegExp[]) => new RegExp(patterns.map(({ source }) => source).join('|'), 'i');

/** A warning about a future lock does not count as a lock. */
const warning = anyOf(
  /\b(will|would|may|might|before|until)\b.*\b(lock(ed|out)?|blocked|disabled|deactivated|suspended)\b/,
  /(?<!\b(?:0|no) )\battempts?\b.*\b(left|remaining)\b/,
);
const captcha = /captcha/i;
const locked = anyOf(
  /\b(locked|blocked|lockout)\b/,
  /\btoo many\b.*\battempts\b/,
  // django-axes sends scripts {failure_limit, username, cooloff_time}.
  /\bcool ?off\b/,
);

const subject = /\b(account|user|registration|application)\b/.source;
const inactivePatterns: ReadonlyArray<[InactiveStatus, RegExp]> = [
  [
    'pending',
    anyOf(
      new RegExp(`${subject}.*\\bpending\\b`),
      /\bpending (\w+ )?(approval|review|activation)\b/,
      /\b(await|wait)(s|ing)?\b.*\bapproval\b/,
      /\bnot (yet |been )?approved\b/,
    ),
  ],
  ['rejected', anyOf(new RegExp(`${subject}.*\\brejected\\b`), new RegExp(`\\brejected\\b.*${subject}`))],
  [
    'inactive',
    anyOf(
      /\b(inactive|disabled|deactivated|suspended)\b/,
      /\bnot (yet |been )?(currently )?(active|activated|enabled|verified)\b/,
    ),
  ],
];

/** The code or its temporary token expired, or had too many attempts. Retrying the code cannot succeed. */
const usedUp = anyOf(
  /^(?!.*\binvalid\b).*\bexpired\b/,
  /\b(invalid or expired|expired or invalid)( temporary)? token\b/,
  /\btoken type\b/,
  /\b(already|too often) (been )?used\b|\bno longer valid\b/,
  /\btoo many\b/,
);

/**
 * Collects the texts of a JSON value and the names of their fields, because `{captcha_token: ["This field is
 * required."]}` mentions the captcha in the name only. Fields that are false, 0 or empty are skipped.
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

/** Splits a body into sentences. Codes such as `account_locked` become words. E-mail addresses are removed. */
const sentencesOf = (body: unknown): string[] =>
  textsOf(body)
    .join('\n')
    .slice(0, maxTextLength)
    .replaceAll(/\S+@\S+/g, '')
    .replaceAll(/[_-]/g, ' ')
    .split(/[.!?\n]/);

/**
 * The failure of the account itself, or null. A lock takes precedence because its message tells how to get in again. At
 * the second factor, "too many attempts" refers to the code.
 */
const parseAccountFailure = (sentences: readonly string[], step: SignInStep): SignInFailure | null => {
  const statements = sentences.filter((text) => !warning.test(text));
  const isLock = (text: string) => locked.test(text) && !(step === 'second_factor' && usedUp.test(text));
  if (statements.some(isLock)) return { reason: 'account_locked' };
  const match = inactivePatterns.find(([, pattern]) => statements.some((text) => pattern.test(text)));
  return match === undefined ? null : { reason: 'account_inactive', message: messageOfInactiveStatus[match[0]] };
};

/** Whether a refused sign-in asks for a second-factor code in the same request, as `POST /token/` does. */
export const isCodeRequest = (body: unknown): boolean =>
  sentencesOf(body).some((text) => /\b(otp|one time|verification)\b.*\brequired\b/i.test(text));

/**
 * Classifies a refused sign-in. The service distinguishes wrong passwords, locks, captchas and inactive accounts by
 * text only. An unknown text counts as a wrong password or code.
 */
export const parseSignInFailure = (body: unknown, step: SignInStep): SignInFailure => {
  const sentences = sentencesOf(body);
  if (step === 'password' && sentences.some((text) => captcha.test(text))) return { reason: 'captcha_required' };
  const accountFailure = parseAccountFailure(sentences, step);
  if (accountFailure !== null) return accountFailure;
  if (step === 'password') return { reason: 'bad_credentials' };
  return { reason: sentences.some((text) => usedUp.test(text)) ? 'otp_expired' : 'otp_invalid' };
};
