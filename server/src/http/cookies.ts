import fastifyCookie from '@fastify/cookie';
import { accessCookie, refreshCookie } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EstablishedSession } from '../session/established-session.ts';
import type { SetCookiesOptions } from '../session/request-session.ts';
import { cookieValues } from './access-token.ts';
import { type CookieVariant, isHostInDomain, otherVariants, plantedVariants } from './cookie-variants.ts';

export type CookieOptions = {
  cookieDomain: string | null;
  cookieSecure: boolean;
  now: () => number;
  /** Told the host of a request whose browser will not take the cookies, since they are for another domain. */
  onForeignHost: (host: string) => void;
};

const sessionCookies = [accessCookie, refreshCookie] as const;

/** For setting cookies. Those that matter are read in access-token.ts: a parser would hide that one came twice. */
export const registerCookies = (server: FastifyInstance) => server.register(fastifyCookie, { hook: false });

/** Writes the session's cookies: HttpOnly, SameSite=Lax, and Secure outside development. */
export const createCookieWriter = ({ cookieDomain, cookieSecure, now, onForeignHost }: CookieOptions) => {
  const shared = { httpOnly: true, sameSite: 'lax', secure: cookieSecure } as const;
  const toAttributes = ({ domain, path }: CookieVariant) => ({
    ...shared,
    path,
    ...(domain === null ? {} : { domain }),
  });
  const attributes = toAttributes({ domain: cookieDomain, path: '/' });
  const maxAge = (expiresAtMs: number) => Math.max(0, Math.floor((expiresAtMs - now()) / 1000));

  const countOf = ({ request }: FastifyReply, name: string) => cookieValues(request.headers.cookie ?? '', name).length;

  const expirePlanted = (reply: FastifyReply): void => {
    const { hostname, url } = reply.request;
    for (const name of sessionCookies) {
      if (countOf(reply, name) < 2) continue;
      const [path = ''] = url.split('?', 1);
      for (const variant of plantedVariants(hostname, path)) reply.clearCookie(name, toAttributes(variant));
    }
  };

  /** Before the cookies themselves are set: browsers take the lines in their order. */
  const expireOthers = (reply: FastifyReply): void => {
    const { hostname: host } = reply.request;
    for (const name of sessionCookies) {
      const others = otherVariants({ host, cookieDomain, count: countOf(reply, name) });
      for (const variant of others) reply.clearCookie(name, toAttributes(variant));
    }
    expirePlanted(reply);
  };

  return {
    /**
     * The access cookie outlives its token, for as long as the session can be refreshed. It goes on to say whose session
     * this is: without it, a cookie that was planted for a parent domain would be the only one.
     */
    set(reply: FastifyReply, session: EstablishedSession, { isNew, refreshableUntilMs }: SetCookiesOptions): void {
      const { accessToken, access, refreshToken, refresh } = session;
      const { hostname } = reply.request;
      if (cookieDomain !== null && !isHostInDomain(hostname, cookieDomain)) onForeignHost(hostname);
      if (isNew) expireOthers(reply);
      const keptUntilMs = Math.max(access.expiresAtMs, refreshableUntilMs ?? 0);
      reply.setCookie(accessCookie, accessToken, { ...attributes, maxAge: maxAge(keptUntilMs) });
      if (refreshToken !== null && refresh !== null) {
        reply.setCookie(refreshCookie, refreshToken, { ...attributes, maxAge: maxAge(refresh.expiresAtMs) });
      } else if (isNew) {
        reply.clearCookie(refreshCookie, attributes);
      }
    },
    clear(reply: FastifyReply): void {
      expireOthers(reply);
      for (const name of sessionCookies) reply.clearCookie(name, attributes);
    },
    /** Expires what was planted below `/`, where the BFF sets nothing. Which of the others is the person's own cannot be told. */
    expirePlanted,
  };
};

export type CookieWriter = ReturnType<typeof createCookieWriter>;
