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
import { isRestRoute } from '../rest/is-rest-route.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';

type Announced = Pick<VerifiedToken, 'principal' | 'expiresAtMs' | 'refreshAtMs'>;
type SessionHeaders = Record<
  typeof sessionExpiresInHeader | typeof sessionRefreshInHeader | typeof sessionUserHeader,
  string
>;

/** The last headers of each token: they change once a second. */
const lastHeaders = new WeakMap<Announced, SessionHeaders>();

/** The person, and lifetimes in whole seconds, because the browser's clock may be wrong. */
const headersOf = (token: Announced, nowMs: number): SessionHeaders => {
  const secondsUntil = (timeMs: number) => String(Math.max(0, Math.floor((timeMs - nowMs) / 1000)));
  const expiresIn = secondsUntil(token.expiresAtMs);
  const refreshIn = secondsUntil(token.refreshAtMs);
  const last = lastHeaders.get(token);
  if (last?.[sessionExpiresInHeader] === expiresIn && last[sessionRefreshInHeader] === refreshIn) return last;
  const headers = {
    [sessionExpiresInHeader]: expiresIn,
    [sessionRefreshInHeader]: refreshIn,
    [sessionUserHeader]: toPersonText(token.principal),
  };
  lastHeaders.set(token, headers);
  return headers;
};

/** Sets the session headers of a token. */
export const announceSession = (reply: FastifyReply, token: Announced, nowMs: number): void => {
  reply.headers(headersOf(token, nowMs));
};

/** Removes the session headers: this request has ended the session that they describe. */
export const withdrawSession = (reply: FastifyReply): void => {
  for (const name of [sessionExpiresInHeader, sessionRefreshInHeader, sessionUserHeader]) reply.removeHeader(name);
};

export type SessionHeadersOptions = {
  /** Sets the headers if the token of the request is valid. Synchronous if no I/O is needed. */
  announce: (request: FastifyRequest, reply: FastifyReply) => MaybePromise<object | null>;
};

/**
 * Sets the session headers on every tRPC and REST response whose token is valid, including responses of public procedures and errors
 * that arise before tRPC. Requests rejected by load shedding are skipped.
 */
export const registerSessionHeaders = (server: FastifyInstance, { announce }: SessionHeadersOptions): void => {
  server.addHook('onSend', (request, reply, payload, done) => {
    const pattern = routePatternOf(request);
    const isApi = pattern.startsWith(`${trpcPath}/`) || isRestRoute(pattern);
    const isShed = reply.statusCode === 503 && request.requestSession === null;
    if (!isApi || isShed || reply.hasHeader(sessionUserHeader)) return done(null, payload);
    const announced = announce(request, reply);
    if (!(announced instanceof Promise)) return done(null, payload);
    const finish = () => done(null, payload);
    announced.then(finish, finish);
  });
};
