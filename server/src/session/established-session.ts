import { accessCookie, cookieBytes, maxCookieBytes, refreshCookie } from '@auth-bff/shared';
import type { TokenSet } from '../auth-service/token-set.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject, type Subject } from '../token/principal.ts';
import { refuseExpired, type VerifiedToken, type Verifier } from '../token/verified-token.ts';

/** Tokens that the Auth Service handed out, after we have looked at them. */
export type EstablishedSession = {
  accessToken: string;
  /** Null where the service gave none: the one that the browser holds goes on. */
  refreshToken: string | null;
  access: VerifiedToken;
  refresh: VerifiedToken | null;
};

const refuseTooLarge = (name: string, token: string): void => {
  const bytes = cookieBytes(name, token);
  if (bytes <= maxCookieBytes) return;
  throw new AppError('auth_service_contract', {
    message: `The Auth Service issued a token that makes the cookie ${name} ${bytes} bytes long. Browsers drop cookies over ${maxCookieBytes} bytes: have the Auth Service put less into its tokens.`,
  });
};

/**
 * Looks at tokens as if a stranger had sent them. Throws `auth_service_contract` where the service handed
 * out what it should not have: a token that does not verify, one before its second factor, or one that is too large
 * for a cookie.
 */
export const establishSession = async (
  { accessToken, refreshToken }: TokenSet,
  { verifier, now }: { verifier: Verifier; now: () => number },
): Promise<EstablishedSession> => {
  refuseTooLarge(accessCookie, accessToken);
  if (refreshToken !== null) refuseTooLarge(refreshCookie, refreshToken);
  try {
    const access = await verifier.verifyAtAnyAge(accessToken);
    refuseExpired(access, now());
    const refresh = refreshToken === null ? null : await verifier.verifyRefresh(refreshToken);
    return { accessToken, refreshToken, access, refresh };
  } catch (cause) {
    if (!isAppError(cause)) throw cause;
    throw new AppError('auth_service_contract', {
      message: `The Auth Service handed out a token that does not hold here. ${cause.message} Check DJANGO_JWT_SIGNING_KEY, JWT_ALGORITHM and the clocks.`,
      cause,
    });
  }
};

/** Whether every token of the session is the subject's own. */
export const belongsTo = ({ access, refresh }: EstablishedSession, subject: Subject): boolean =>
  isSameSubject(access.principal, subject) && (refresh === null || isSameSubject(refresh.principal, subject));
