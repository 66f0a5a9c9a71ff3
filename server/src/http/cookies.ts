import fastifyCookie from '@fastify/cookie';
import { accessCookie, refreshCookie } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Cause } from '../auth-service/transport.ts';
import { AppError } from '../errors.ts';
import type { EstablishedSession } from '../session/established-session.ts';
import type { PresentedTokens } from '../session/presented-tokens.ts';
import { accessTokenOf, bearerOf, cookieValues, singleCookie } from './access-token.ts';
import { clientAddressOf } from './client-address.ts';

export type CookieOptions = { cookieDomain: string | null; cookieSecure: boolean; now: () => number };

/** For setting cookies; the two that matter are read below, for a parser would hide that one came twice. */
export const registerCookies = (server: FastifyInstance) => server.register(fastifyCookie, { hook: false });

type TokenBearer = Pick<FastifyRequest, 'headers' | 'id' | 'ip' | 'socket'>;

/** The request as what is asked upstream on its behalf knows it. */
export const toCause = (request: Omit<TokenBearer, 'headers'>): Cause => ({
  requestId: request.id,
  address: clientAddressOf(request),
});

/** The tokens of a request: the cookies, and `Authorization: Bearer` only where the access cookie is absent or empty. */
export const presentedTokens = (request: TokenBearer): PresentedTokens | AppError => {
  const { headers } = request;
  try {
    return {
      accessToken: accessTokenOf(headers),
      refreshToken: singleCookie(headers.cookie ?? '', refreshCookie),
      ...toCause(request),
    };
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
};

/** More than these of one name are no accident. */
const maxCandidates = 4;

/** Every token that came along, also where one came twice: a sign-out ends them all. */
export const candidateTokens = (request: TokenBearer): PresentedTokens[] => {
  const { headers } = request;
  const header = headers.cookie ?? '';
  const cookies = [...new Set(cookieValues(header, accessCookie))].slice(0, maxCandidates);
  const access = cookies.length > 0 ? cookies : [bearerOf(headers.authorization)].filter((token) => token !== null);
  const refresh = [...new Set(cookieValues(header, refreshCookie))].slice(0, maxCandidates);
  return Array.from({ length: Math.max(access.length, refresh.length) }, (_, index) => ({
    accessToken: access[index] ?? null,
    refreshToken: refresh[index] ?? null,
    ...toCause(request),
  }));
};

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
