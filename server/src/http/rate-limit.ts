import { callbackify } from 'node:util';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { personOf } from '../auth-service/transport.ts';
import type { BlindNames } from '../blind-names.ts';
import { AppError } from '../errors.ts';
import type { HitCounter } from '../limits/hit-counter.ts';
import type { Verifier } from '../token/verified-token.ts';
import { clientAddressOf, toNetwork } from './client-address.ts';
import { presentedTokens } from './cookies.ts';

export type RateLimitOptions = {
  /** Requests a minute of one identity. 0: no limit. */
  perMinute: number;
  counter: HitCounter;
  names: BlindNames;
  verifier: Pick<Verifier, 'verifyHere'>;
  /** Told of each refusal. */
  onLimited?: (() => void) | undefined;
};

const windowMs = 60_000;

/**
 * Refuses with 429 what comes too often, on every route that is registered after it. A request counts for the person
 * whose access token was verified, else for its address: what anybody can make up is no identity, and would not be one
 * to hide behind.
 */
export const registerRateLimit = async (server: FastifyInstance, options: RateLimitOptions): Promise<void> => {
  const { perMinute, counter, names, verifier, onLimited } = options;
  if (perMinute === 0) return;
  const identify = async (request: FastifyRequest): Promise<string> => {
    const presented = presentedTokens(request);
    const token = presented instanceof AppError ? null : presented.accessToken;
    const verified = token === null ? null : await verifier.verifyHere(token);
    return names(
      'limit requests',
      verified === null ? `address ${toNetwork(clientAddressOf(request))}` : personOf(verified.principal),
    );
  };
  // The plugin's own Redis store would let everything pass while Redis is away; ours counts in the process then.
  const count = callbackify(async (name: string) => {
    const { count: current, resetMs: ttl } = await counter.add(name, { windowMs });
    return { current, ttl };
  });
  class Store {
    incr(name: string, callback: Parameters<typeof count>[1]): void {
      count(name, callback);
    }
    child(): Store {
      return this;
    }
  }
  const silent = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false };
  await server.register(fastifyRateLimit, {
    max: perMinute,
    timeWindow: windowMs,
    keyGenerator: identify,
    store: Store,
    addHeaders: { ...silent, 'retry-after': false },
    addHeadersOnExceeding: silent,
    onExceeded: () => onLimited?.(),
    errorResponseBuilder: (_request, { ttl }) =>
      new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)) }),
  });
};
