import type { Reason } from '@auth-bff/shared';

/** A warning that the account may yet be locked is not a lock. */
const warning = /\b(will|would|may|might|before|until)\b[^.]*\block(ed|out)?\b|\battempts?\b[^.]*\b(left|remaining)\b/i;
const captcha = /captcha/i;
const locked =
  /\b(locked|suspended|disabled|deactivated|blocked|inactive)\b|\bnot active\b|\btoo many\b[^.]*\battempts\b/i;

/** Every text in a JSON value, with the names of its fields: `{captcha_token: ["This field is required."]}` says captcha by name. */
const textsOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Array.isArray(value)
      ? value.map(textsOf).join('\n')
      : typeof value === 'object' && value !== null
        ? Object.entries(value)
            .map(([name, inner]) => `${name} ${textsOf(inner)}`)
            .join('\n')
        : '';

/**
 * Why a sign-in was refused. The service tells a wrong password, a lock and an inactive account apart
 * by their text alone, so this reads the text; what it cannot read is the fault that `otherwise` names.
 */
export const refusalToReason = (
  body: unknown,
  otherwise: 'bad_credentials' | 'otp_invalid',
): Extract<Reason, 'bad_credentials' | 'otp_invalid' | 'account_locked' | 'captcha_required'> => {
  const text = textsOf(body);
  if (otherwise === 'bad_credentials' && captcha.test(text)) return 'captcha_required';
  if (locked.test(text) && !warning.test(text)) return 'account_locked';
  return otherwise;
};
