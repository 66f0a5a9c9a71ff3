import { AppError } from '../errors.ts';
import type { JsonObject } from './strict-parse.ts';

/** Seconds that `iat` and `nbf` may lie in the future: clocks differ. `exp` has no leeway. */
const leewaySeconds = 30;

/** The last second of the year 9999: the last that every party can write as a date. */
const maxNumericDate = 253_402_300_799;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

const isNumericDate = (claim: unknown): claim is number =>
  typeof claim === 'number' && Number.isFinite(claim) && claim <= maxNumericDate;

/** The token is of a time that has not come: one of the clocks is wrong, and the token may yet be right. */
export class NotYetValidError extends AppError {}

/** A flag that is there, and is not plainly off. */
const isRaised = (claim: unknown) => claim !== undefined && claim !== null && claim !== false;

export type TokenUse = 'access' | 'refresh';
export type TokenTimes = { issuedAtMs: number | null; expiresAtMs: number };

/**
 * When the token was issued and when it ends, if its claims permit the use that it is put to.
 * Throws `token_invalid`; an `exp` that has passed is for the caller to judge.
 * Source: RFC 7519, section 4.1; the token shapes of the Auth Service.
 */
export const checkClaims = (payload: JsonObject, use: TokenUse, nowMs: number): TokenTimes => {
  const { exp, iat, nbf, token_type: tokenType } = payload;
  if (tokenType !== undefined && tokenType !== use) throw refuse(`its token_type is not ${use}`);
  if (isRaised(payload.temp_otp_login) || isRaised(payload.otp_required)) {
    throw refuse('its second factor is still to come');
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
