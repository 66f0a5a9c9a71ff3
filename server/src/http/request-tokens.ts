import { accessCookie, refreshCookie } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Cause } from '../auth-service/transport.ts';
import { AppError } from '../errors.ts';
import type { PresentedTokens } from '../session/presented-tokens.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { accessTokenOf, bearerOf, cookieValues, singleCookie } from './access-token.ts';
import { clientAddressOf } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `presentedTokens` has read. Null: nobody has asked yet. */
    presentedTokens: PresentedTokens | AppError | null;
    /** What the access token says, or why it does not hold. Null: that is not known yet. */
    verifiedToken: VerifiedToken | AppError | null;
  }
}

/** Gives each request a place for its tokens, so that they are read and verified once. */
export const registerRequestTokens = (server: FastifyInstance): void => {
  server.decorateRequest('presentedTokens', null);
  server.decorateRequest('verifiedToken', null);
};

type TokenBearer = Pick<FastifyRequest, 'headers' | 'id' | 'ip' | 'socket' | 'clientAddress'>;

/** The request as what is asked upstream on its behalf knows it. */
export const toCause = (request: Omit<TokenBearer, 'headers'>): Cause => ({
  requestId: request.id,
  address: clientAddressOf(request),
});

const readTokens = (request: TokenBearer): PresentedTokens | AppError => {
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

/** The tokens of a request: the cookies, and `Authorization: Bearer` only where the access cookie is absent or empty. */
export const presentedTokens = (
  request: TokenBearer & Pick<FastifyRequest, 'presentedTokens'>,
): PresentedTokens | AppError => {
  request.presentedTokens ??= readTokens(request);
  return request.presentedTokens;
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
