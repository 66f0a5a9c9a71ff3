import fastifyCookie from '@fastify/cookie';
import { accessCookie, deviceCookie, refreshCookie, trpcPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { deviceLifetimeMs } from '../../rate-limit/account-tries.ts';
import type { EstablishedSession } from '../../session/established-session.ts';
import type { SetCookiesOptions } from '../../session/request-session.ts';
import { cookieValues } from './credentials.ts';
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

/** The values of the device cookie, of which a browser may send several. */
export const deviceCookieValues = ({ headers }: FastifyRequest): string[] =>
  cookieValues(headers.cookie ?? '', deviceCookie);

/** Writes the session's cookies and the device cookie: HttpOnly, SameSite=Lax, and Secure outside development. */
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

  const setDevice = (reply: FastifyReply, value: string): void => {
    const { hostname: host, url } = reply.request;
    const count = countOf(reply, deviceCookie);
    if (count > 1) {
      // Their accounts are in the new value, too.
      const [path = ''] = url.split('?', 1);
      const besides = otherVariants({ host, cookieDomain, count });
      const underOwnPath = besides.map(({ domain }) => ({ domain, path: trpcPath }));
      for (const variant of [...besides, ...underOwnPath, ...plantedVariants(host, path)]) {
        reply.clearCookie(deviceCookie, toAttributes(variant));
      }
    }
    const own = toAttributes({ domain: cookieDomain, path: trpcPath });
    reply.setCookie(deviceCookie, value, { ...own, maxAge: deviceLifetimeMs / 1000 });
  };

  return {
    /**
     * The access cookie outlives its token, for as long as the session can be refreshed. It goes on to say whose session
     * this is: without it, a cookie that was planted for a parent domain would be the only one.
     */
    set(
      reply: FastifyReply,
      session: EstablishedSession,
      { isNew, refreshableUntilMs, device }: SetCookiesOptions,
    ): void {
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
      if (device !== undefined) setDevice(reply, device);
    },
    /** Clears the session's cookies. The device cookie survives a sign-out. */
    clear(reply: FastifyReply): void {
      expireOthers(reply);
      for (const name of sessionCookies) reply.clearCookie(name, attributes);
    },
    /** Expires what was planted below `/`, where the BFF sets nothing. Which of the others is the person's own cannot be told. */
    expirePlanted,
  };
};

export type CookieWriter = ReturnType<typeof createCookieWriter>;
