import { AppError } from '../errors.ts';
import type { JsonObject } from './strict-parse.ts';

/** Seconds that `iat` and `nbf` may lie in the future, because clocks differ. `exp` has no leeway. */
const leewaySeconds = 30;

/** The last second of the year 9999: later dates are not portable. */
const maxNumericDate = 253_402_300_799;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

const isNumericDate = (claim: unknown): claim is number =>
  typeof claim === 'number' && Number.isFinite(claim) && claim <= maxNumericDate;

/** The token's `iat` or `nbf` lies in the future: one of the clocks is wrong, and the token may become valid. */
export class NotYetValidError extends AppError {}

/** Whether a flag is present and not explicitly off. */
const isSet = (claim: unknown) => claim !== undefined && claim !== null && claim !== false;

export type TokenUse = 'access' | 'refresh';
export type TokenTimes = { issuedAtMs: number | null; expiresAtMs: number };

/**
 * Checks the claims for this use of the token, and returns its times. Throws `token_invalid`. Does not reject an expired
 * token: the caller does.
 * Source: RFC 7519, section 4.1; the token shapes of the Auth Service.
 */
export const checkClaims = (payload: JsonObject, use: TokenUse, nowMs: number): TokenTimes => {
  const { exp, iat, nbf, token_type: tokenType } = payload;
  if (tokenType !== undefined && tokenType !== use) throw refuse(`its token_type is not ${use}`);
  if (isSet(payload.temp_otp_login) || isSet(payload.otp_required)) {
    throw refuse('it still needs a second factor');
  }
  if (!isNumericDate(exp)) throw refuse('its exp is not a time');
  for (const [name, claim] of Object.entries({ iat, nbf })) {
    if (claim === undefined) continue;
    if (!isNumericDate(claim)) throw refuse(`its ${name} is not a time`);
    if (claim * 1000 > nowMs + leewaySeconds * 1000) {
      throw new NotYetValidError('token_invalid', {
        message: `The token is not valid: its ${name} lies in the future.`,
      });
    }
  }
  return { issuedAtMs: isNumericDate(iat) ? iat * 1000 : null, expiresAtMs: exp * 1000 };
};
