import fastifyCookie from '@fastify/cookie';
import { accessCookie, isEmptyCookie, refreshCookie } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Cause } from '../auth-service/transport.ts';
import { AppError } from '../errors.ts';
import type { EstablishedSession } from '../session/established-session.ts';
import type { PresentedTokens } from '../session/presented-tokens.ts';
import { clientAddressOf } from './client-address.ts';

export type CookieOptions = { cookieDomain: string | null; cookieSecure: boolean; now: () => number };

/** For setting cookies; the two that matter are read below, for a parser would hide that one came twice. */
export const registerCookies = (server: FastifyInstance) => server.register(fastifyCookie, { hook: false });

/** The values of a cookie in a `Cookie` header that are not empty: the Auth Service deletes cookies by emptying them. */
const valuesOf = (header: string, name: string): string[] =>
  header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) return [];
    const value = pair.slice(at + 1).trim();
    return isEmptyCookie(value) ? [] : [value];
  });

const bearerOf = (authorization: string | undefined): string | null =>
  /^Bearer +(\S.*)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null;

const single = (header: string, name: string): string | null => {
  const values = new Set(valuesOf(header, name));
  if (values.size > 1) {
    // Which of them is the person's own, and which one somebody planted for a parent domain, cannot be told.
    throw new AppError('token_invalid', { message: `The cookie ${name} came twice, with different values.` });
  }
  return values.values().next().value ?? null;
};

type TokenBearer = Pick<FastifyRequest, 'headers' | 'id' | 'ip' | 'socket'>;

/** The request as what is asked upstream on its behalf knows it. */
export const toCause = (request: Omit<TokenBearer, 'headers'>): Cause => ({
  requestId: request.id,
  address: clientAddressOf(request),
});

/** The tokens of a request: the cookies, and `Authorization: Bearer` only where the access cookie is absent or empty. */
export const presentedTokens = (request: TokenBearer): PresentedTokens | AppError => {
  const { headers } = request;
  const header = headers.cookie ?? '';
  try {
    return {
      accessToken: single(header, accessCookie) ?? bearerOf(headers.authorization),
      refreshToken: single(header, refreshCookie),
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
  const cookies = [...new Set(valuesOf(header, accessCookie))].slice(0, maxCandidates);
  const access = cookies.length > 0 ? cookies : [bearerOf(headers.authorization)].filter((token) => token !== null);
  const refresh = [...new Set(valuesOf(header, refreshCookie))].slice(0, maxCandidates);
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
