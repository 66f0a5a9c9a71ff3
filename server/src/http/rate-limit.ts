import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
import { personOf } from '../auth-service/transport.ts';
import { type Awaitable, isKnown } from '../awaitable.ts';
import type { BlindNames } from '../blind-names.ts';
import { AppError } from '../errors.ts';
import type { HitCounter, Hits } from '../limits/hit-counter.ts';
import type { TokenChooser } from '../token/choose-token.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { clientAddressOf, toNetwork } from './client-address.ts';
import { presentedTokens } from './request-tokens.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: the route may be asked as often as anybody likes. */
    rateLimit?: false;
  }
}

export type RateLimitOptions = {
  /** Requests a minute of one identity. 0: no limit. */
  perMinute: number;
  counter: HitCounter;
  names: BlindNames;
  tokenChooser: Pick<TokenChooser, 'here'>;
  /** Told of each refusal. */
  onLimited?: (() => void) | undefined;
};

const windowMs = 60_000;

/**
 * Refuses with 429 what comes too often, on every route that is registered after it. A request counts for the person
 * whose access token was verified, else for its address: what anybody can make up is no identity, and would not be one
 * to hide behind. Nothing is waited for where the count is kept in this process.
 */
export const registerRateLimit = (server: FastifyInstance, options: RateLimitOptions): void => {
  const { perMinute, counter, names, tokenChooser, onLimited } = options;
  if (perMinute === 0) return;
  const toName = (identity: string) => names('limit requests', identity);
  const nameOfToken = new WeakMap<VerifiedToken, string>();

  const nameOf = (verified: VerifiedToken): string => {
    const name = nameOfToken.get(verified) ?? toName(personOf(verified.principal));
    nameOfToken.set(verified, name);
    return name;
  };
  const count = (request: FastifyRequest): Awaitable<Hits> => {
    const { accessTokens } = presentedTokens(request);
    const chosen = accessTokens.length === 0 ? null : tokenChooser.here(accessTokens);
    request.chosenToken = chosen;
    const isNobodys = chosen === null || chosen instanceof AppError;
    const name = isNobodys ? toName(`address ${toNetwork(clientAddressOf(request))}`) : nameOf(chosen.verified);
    return counter.add(name, { windowMs });
  };
  const judge = ({ count: counted, resetMs }: Hits): void => {
    if (counted <= perMinute) return;
    onLimited?.();
    throw new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });
  };

  const judgeLater = async (hits: Promise<Hits>, done: HookHandlerDoneFunction): Promise<void> => {
    const failure = await hits.then(judge).catch((error: Error) => error);
    done(failure ?? undefined);
  };

  const limit: onRequestHookHandler = (request, _reply, done) => {
    const hits = count(request);
    if (!isKnown(hits)) {
      void judgeLater(hits, done);
      return;
    }
    judge(hits);
    done();
  };
  server.addHook('onRoute', (route) => {
    if (route.config?.rateLimit === false) return;
    const hooks = [route.onRequest ?? []].flat();
    // The HEAD that Fastify makes of a GET has the hooks of that already.
    if (!hooks.includes(limit)) route.onRequest = [...hooks, limit];
  });
};
