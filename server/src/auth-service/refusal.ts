import type { Reason } from '@auth-bff/shared';

/** Beyond these a refusal is no text for people, and reading it would take for ever. */
const maxDepth = 6;
const maxTextLength = 4_000;

/** A warning that the account may yet be locked is not a lock. */
const warning =
  /\b(will|would|may|might|before|until)\b.*\block(ed|out)?\b|(?<!\b(?:0|no) )\battempts?\b.*\b(left|remaining)\b/i;
const captcha = /captcha/i;
const locked = new RegExp(
  [
    /\b(locked|suspended|disabled|deactivated|blocked|inactive|lockout)\b/,
    /\bnot (yet |been )?(active|activated|enabled|approved|verified)\b/,
    /\btoo many\b.*\battempts\b/,
    // What django-axes answers to scripts: {failure_limit, username, cooloff_time}.
    /\bcool ?off\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
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
 * Why a sign-in was refused. The service tells a wrong password, a lock and an inactive account apart
 * by their text alone, so this reads the text; what it cannot read is the fault that `otherwise` names.
 */
export const refusalToReason = (
  body: unknown,
  otherwise: 'bad_credentials' | 'otp_invalid',
): Extract<Reason, 'bad_credentials' | 'otp_invalid' | 'account_locked' | 'captcha_required'> => {
  const sentences = sentencesOf(body);
  if (otherwise === 'bad_credentials' && sentences.some((text) => captcha.test(text))) return 'captcha_required';
  const isLock = (text: string) => locked.test(text) && !warning.test(text);
  return sentences.some(isLock) ? 'account_locked' : otherwise;
};
