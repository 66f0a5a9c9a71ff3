import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Cause } from '../../auth-service/transport.ts';
import type { AppError } from '../../errors.ts';
import type { PresentedTokens } from '../../session/presented-tokens.ts';
import type { RequestSession } from '../../session/request-session.ts';
import type { ChosenToken } from '../../token/choose-token.ts';
import { accessTokensOf, refreshTokensOf } from '../cookies/credentials.ts';
import { clientAddressOf } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `presentedTokens` has read. Null: not read yet. */
    presentedTokens: PresentedTokens | null;
    /** The access token that the request speaks with, or why there is none. Null: not known yet. */
    chosenToken: ChosenToken | AppError | null;
    /** Null: nothing has asked for it yet. */
    requestSession: RequestSession | null;
  }
}

/** Gives each request a place for its tokens, so that they are read and verified once. */
export const registerRequestTokens = (server: FastifyInstance): void => {
  server.decorateRequest('presentedTokens', null);
  server.decorateRequest('chosenToken', null);
  server.decorateRequest('requestSession', null);
};

type TokenBearer = Pick<FastifyRequest, 'headers' | 'id' | 'ip' | 'socket' | 'clientAddress'>;

/** What the Auth Service is told of the request that a call is made for. */
export const toCause = (request: Omit<TokenBearer, 'headers'>): Cause => ({
  requestId: request.id,
  address: clientAddressOf(request),
});

/** The tokens of a request: the cookies, and `Authorization: Bearer` only where the access cookie is absent or empty. */
export const presentedTokens = (request: TokenBearer & Pick<FastifyRequest, 'presentedTokens'>): PresentedTokens => {
  request.presentedTokens ??= {
    accessTokens: accessTokensOf(request.headers),
    refreshTokens: refreshTokensOf(request.headers),
    ...toCause(request),
  };
  return request.presentedTokens;
};
