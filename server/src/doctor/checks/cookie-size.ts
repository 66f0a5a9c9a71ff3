import { accessCookie, cookieBytes, maxCookieBytes, refreshCookie } from '@auth-bff/shared';
import { type Finding, problem } from '../finding.ts';
import type { SeenToken } from '../inspect-token.ts';

/** Whether a browser would keep the cookie of this token. Null: it would, or this is no token. */
export const checkCookieSize = (token: string, { payload }: SeenToken): Finding | null => {
  if (payload === null) return null;
  const name = payload.token_type === 'refresh' ? refreshCookie : accessCookie;
  const bytes = cookieBytes(name, token);
  return bytes <= maxCookieBytes
    ? null
    : problem(
        'cookie',
        `${name} with this token has ${bytes} bytes, and browsers drop a cookie of more than ${maxCookieBytes}: such a person cannot sign in`,
        'Have the Auth Service put less into the token, such as fewer roles',
      );
};
