import { accessCookie, cookieBytes, maxCookieBytes, refreshCookie } from '@auth-bff/shared';
import type { TokenSet } from '../auth-service/token-set.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject, type Subject } from '../token/principal.ts';
import { refuseExpired, type VerifiedToken, type Verifier } from '../token/verified-token.ts';

/** Tokens that the Auth Service has issued and the BFF has verified. */
export type EstablishedSession = {
  accessToken: string;
  /** Null: the Auth Service issued none, and the browser keeps the one that it holds. */
  refreshToken: string | null;
  access: VerifiedToken;
  refresh: VerifiedToken | null;
};

const requireCookieSize = (name: string, token: string): void => {
  const bytes = cookieBytes(name, token);
  if (bytes <= maxCookieBytes) return;
  throw new AppError('auth_service_contract', {
    message: `The Auth Service issued a token that makes the cookie ${name} ${bytes} bytes long. Browsers drop cookies over ${maxCookieBytes} bytes: have the Auth Service put less into its tokens.`,
  });
};

/**
 * Verifies issued tokens as strictly as presented ones. Throws `auth_service_contract` for a token that does not verify,
 * that still needs a second factor, or that is too large for a cookie.
 */
export const establishSession = async (
  { accessToken, refreshToken }: TokenSet,
  { verifier, now }: { verifier: Verifier; now: () => number },
): Promise<EstablishedSession> => {
  requireCookieSize(accessCookie, accessToken);
  if (refreshToken !== null) requireCookieSize(refreshCookie, refreshToken);
  try {
    const access = await verifier.verifyAtAnyAge(accessToken);
    refuseExpired(access, now());
    const refresh = refreshToken === null ? null : await verifier.verifyRefresh(refreshToken);
    return { accessToken, refreshToken, access, refresh };
  } catch (cause) {
    if (!isAppError(cause)) throw cause;
    throw new AppError('auth_service_contract', {
      message: `The Auth Service issued a token that the BFF rejects. ${cause.message} Check DJANGO_JWT_SIGNING_KEY, JWT_ALGORITHM and the clocks.`,
      cause,
    });
  }
};

/** Whether all tokens of the session belong to the subject. */
export const belongsTo = ({ access, refresh }: EstablishedSession, subject: Subject): boolean =>
  isSameSubject(access.principal, subject) && (refresh === null || isSameSubject(refresh.principal, subject));
