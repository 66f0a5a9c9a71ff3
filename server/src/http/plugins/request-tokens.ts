import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestMeta } from '../../auth-service/caller.ts';
import type { AppError } from '../../errors.ts';
import type { PresentedTokens } from '../../session/presented-tokens.ts';
import type { RequestSession } from '../../session/request-session.ts';
import type { ChosenToken } from '../../token/token-chooser.ts';
import { accessTokensOf, refreshTokensOf } from '../../token/request-credentials.ts';
import { clientAddressOf } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Cached by `presentedTokens`. Null: not read yet. */
    presentedTokens: PresentedTokens | null;
    /** The access token that identifies the caller, or the error why none does. Null: not known yet. */
    chosenToken: ChosenToken | AppError | null;
    /** Null: not created yet. */
    requestSession: RequestSession | null;
  }
}

/** Decorates requests, so that tokens are read and verified once per request. */
export const registerRequestTokens = (server: FastifyInstance): void => {
  server.decorateRequest('presentedTokens', null);
  server.decorateRequest('chosenToken', null);
  server.decorateRequest('requestSession', null);
};

type TokenBearer = Pick<FastifyRequest, 'headers' | 'id' | 'ip' | 'socket' | 'clientAddress'>;

/** The facts about a request that its upstream calls carry. */
export const toCause = (request: Omit<TokenBearer, 'headers'>): RequestMeta => ({
  requestId: request.id,
  address: clientAddressOf(request),
});

/** The tokens of a request: from cookies, or `Authorization: Bearer` if the access cookie is absent or empty. */
export const presentedTokens = (request: TokenBearer & Pick<FastifyRequest, 'presentedTokens'>): PresentedTokens => {
  request.presentedTokens ??= {
    accessTokens: accessTokensOf(request.headers),
    refreshTokens: refreshTokensOf(request.headers),
    ...toCause(request),
  };
  return request.presentedTokens;
};
