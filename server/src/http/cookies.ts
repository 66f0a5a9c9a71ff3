import fastifyCookie from '@fastify/cookie';
import { accessCookie, refreshCookie } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EstablishedSession } from '../session/established-session.ts';

export type CookieOptions = { cookieDomain: string | null; cookieSecure: boolean; now: () => number };

/** For setting cookies; the two that matter are read in request-tokens.ts, for a parser would hide that one came twice. */
export const registerCookies = (server: FastifyInstance) => server.register(fastifyCookie, { hook: false });

/** Writes the session's cookies: HttpOnly, SameSite=Lax, and Secure outside development, each for as long as its token lives. */
export const createCookieWriter = ({ cookieDomain, cookieSecure, now }: CookieOptions) => {
  const attributes = {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: cookieSecure,
    ...(cookieDomain === null ? {} : { domain: cookieDomain }),
  } as const;
  const maxAge = (expiresAtMs: number) => Math.max(0, Math.floor((expiresAtMs - now()) / 1000));

  return {
    /** `isNew`: somebody has signed in, and a refresh token that the browser still holds is of an earlier session. */
    set(reply: FastifyReply, session: EstablishedSession, { isNew }: { isNew: boolean }): void {
      const { accessToken, access, refreshToken, refresh } = session;
      reply.setCookie(accessCookie, accessToken, { ...attributes, maxAge: maxAge(access.expiresAtMs) });
      if (refreshToken !== null && refresh !== null) {
        reply.setCookie(refreshCookie, refreshToken, { ...attributes, maxAge: maxAge(refresh.expiresAtMs) });
      } else if (isNew) {
        reply.clearCookie(refreshCookie, attributes);
      }
    },
    clear(reply: FastifyReply): void {
      for (const name of [accessCookie, refreshCookie]) reply.clearCookie(name, attributes);
    },
  };
};

export type CookieWriter = ReturnType<typeof createCookieWriter>;
