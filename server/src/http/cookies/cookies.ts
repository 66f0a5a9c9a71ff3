import fastifyCookie from '@fastify/cookie';
import { accessCookie, deviceCookie, refreshCookie, trpcPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { deviceLifetimeMs } from '../../rate-limit/account-attempts.ts';
import type { EstablishedSession } from '../../session/established-session.ts';
import type { SetCookiesOptions } from '../../session/session-commands.ts';
import { cookieValues } from '../../token/request-credentials.ts';
import { type CookieVariant, isHostInDomain, otherVariants, plantedVariants } from './cookie-variants.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the response sets cookies. */
    setsCookies: boolean;
  }
}

export type CookieOptions = {
  cookieDomain: string | null;
  cookieSecure: boolean;
  now: () => number;
  /** Called with the host of a request whose browser will drop the cookies, because the host is not in their domain. */
  onForeignHost: (host: string) => void;
};

const sessionCookies = [accessCookie, refreshCookie] as const;

/** Only for setting cookies. credentials.ts reads them: a cookie parser hides duplicates. */
export const registerCookies = async (server: FastifyInstance): Promise<void> => {
  server.decorateRequest('setsCookies', false);
  await server.register(fastifyCookie, { hook: false });
};

/** All values of the device cookie: a browser may send several. */
export const deviceCookieValues = ({ headers }: FastifyRequest): string[] =>
  cookieValues(headers.cookie ?? '', deviceCookie);

/** Writes the session cookies and the device cookie: HttpOnly, SameSite=Lax, and Secure unless COOKIE_SECURE is false. */
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
    reply.request.setsCookies = true;
    for (const name of sessionCookies) {
      if (countOf(reply, name) < 2) continue;
      const [path = ''] = url.split('?', 1);
      for (const variant of plantedVariants(hostname, path)) reply.clearCookie(name, toAttributes(variant));
    }
  };

  /** Called before the cookies are set: browsers process Set-Cookie headers in order. */
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
      // The new value contains the accounts of all of them.
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
     * The access cookie outlives its token until the session can no longer be refreshed. The expired token still identifies
     * the session: without it, a cookie planted on a parent domain would be the only one.
     */
    set(
      reply: FastifyReply,
      session: EstablishedSession,
      { isNew, refreshableUntilMs, device }: SetCookiesOptions,
    ): void {
      const { accessToken, access, refreshToken, refresh } = session;
      const { hostname } = reply.request;
      reply.request.setsCookies = true;
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
    /** Clears the session cookies. The device cookie survives a sign-out. */
    clear(reply: FastifyReply): void {
      reply.request.setsCookies = true;
      expireOthers(reply);
      for (const name of sessionCookies) reply.clearCookie(name, attributes);
    },
    /** Expires cookies on paths below `/`, where the BFF sets none. Among the others, the person's own cannot be identified. */
    expirePlanted,
  };
};
