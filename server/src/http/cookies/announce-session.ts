import {
  sessionExpiresInHeader,
  sessionRefreshInHeader,
  sessionUserHeader,
  trpcPath,
  toPersonText,
} from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { MaybePromise } from '../../platform/maybe-promise.ts';
import { routePatternOf } from '../route-pattern.ts';
import { setHeaderList, toHeaderList } from '../prepared-responses.ts';
import { isRestRoute } from '../rest/is-rest-route.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The session headers of the response: names and values in turn. Null: it describes no session so far. */
    sessionHeaders: readonly string[] | null;
  }
}

type Announced = Pick<VerifiedToken, 'principal' | 'expiresAtMs' | 'refreshAtMs'>;

/** The last headers of each token: they change once a second. */
const lastHeaders = new WeakMap<Announced, { expiresIn: number; refreshIn: number; list: readonly string[] }>();

/** The person, and lifetimes in whole seconds, because the browser's clock may be wrong. */
const headersOf = (token: Announced, nowMs: number): readonly string[] => {
  const secondsUntil = (timeMs: number) => Math.max(0, Math.floor((timeMs - nowMs) / 1000));
  const [expiresIn, refreshIn] = [secondsUntil(token.expiresAtMs), secondsUntil(token.refreshAtMs)];
  const last = lastHeaders.get(token);
  if (last?.expiresIn === expiresIn && last.refreshIn === refreshIn) return last.list;
  const list = toHeaderList({
    [sessionExpiresInHeader]: String(expiresIn),
    [sessionRefreshInHeader]: String(refreshIn),
    [sessionUserHeader]: toPersonText(token.principal),
  });
  lastHeaders.set(token, { expiresIn, refreshIn, list });
  return list;
};

/** Lets the response describe the session of a token. */
export const announceSession = (request: FastifyRequest, token: Announced, nowMs: number): void => {
  request.sessionHeaders = headersOf(token, nowMs);
};

/** Removes the session headers: this request has ended the session that they describe. */
export const withdrawSession = (request: FastifyRequest): void => {
  request.sessionHeaders = null;
};

/** The session headers, if the hooks have nothing to add to a response: its session is known, and it sets no cookies. Otherwise null. */
export const finalSessionHeadersOf = ({
  sessionHeaders,
  setsCookies,
}: Pick<FastifyRequest, 'sessionHeaders' | 'setsCookies'>): readonly string[] | null =>
  setsCookies ? null : sessionHeaders;

export type SessionHeadersOptions = {
  /** Calls `announceSession` if the token of the request is valid. Synchronous if no I/O is needed. */
  announce: (request: FastifyRequest, reply: FastifyReply) => MaybePromise<object | null>;
};

/**
 * Sets the session headers on every tRPC and REST response whose token is valid, including responses of public procedures and errors
 * that arise before tRPC. Requests rejected by load shedding are skipped.
 */
export const registerSessionHeaders = (server: FastifyInstance, { announce }: SessionHeadersOptions): void => {
  server.decorateRequest('sessionHeaders', null);
  server.addHook('onSend', (request, reply, payload, done) => {
    const finish = () => {
      if (request.sessionHeaders !== null) setHeaderList(reply, request.sessionHeaders);
      done(null, payload);
    };
    const pattern = routePatternOf(request);
    const isApi = pattern.startsWith(`${trpcPath}/`) || isRestRoute(pattern);
    const isShed = reply.statusCode === 503 && request.requestSession === null;
    if (!isApi || isShed || request.sessionHeaders !== null) return finish();
    const announced = announce(request, reply);
    if (announced instanceof Promise) announced.then(finish, finish);
    else finish();
  });
};
