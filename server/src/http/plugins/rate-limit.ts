import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
import { personOf } from '../../auth-service/transport.ts';
import { type MaybePromise, isSync } from '../../platform/maybe-promise.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { AppError } from '../../errors.ts';
import type { HitCounter, Hits } from '../../rate-limit/hit-counter.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import type { ChosenToken, TokenChooser } from '../../token/choose-token.ts';
import type { Subject } from '../../token/principal.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';
import { clientAddressOf, toNetwork } from './client-address.ts';
import { presentedTokens } from './request-tokens.ts';
import type { SignOutLookup } from './sign-out-lookup.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: the route may be asked as often as anybody likes. */
    rateLimit?: false;
  }
}

export type RateLimitOptions = {
  /** Calls a minute of one identity. 0: no limit. */
  perMinute: number;
  counter: HitCounter;
  keyHasher: KeyHasher;
  tokenChooser: Pick<TokenChooser, 'here'>;
  /** How many calls a request makes, as far as its head tells. */
  callsOf: (request: FastifyRequest) => number;
  /**
   * Sign-outs are looked up in the round trip that counts the calls. Null: this process knows them all, and looks once
   * the request is answered.
   */
  signOuts: { together: RedisGuard['together']; lookUp: SignOutLookup['start'] } | null;
  /** Told of each refusal. */
  onLimited?: (() => void) | undefined;
};

export type RateLimit = {
  /** Counts more calls for a person, before they are answered. Throws `rate_limited`. No promise where no I/O is needed. */
  charge: (person: Subject, calls: number) => MaybePromise<void>;
};

const windowMs = 60_000;

/**
 * Refuses with 429 what comes too often, on every route that is registered after it. Each call of a batch counts, for the
 * person whose access token was verified, else for its address: an identity that anybody can make up would be one to hide
 * behind. A request is answered as a whole or refused as a whole, and what is refused counts too. Nothing is waited for
 * where the count is kept in this process.
 */
export const registerRateLimit = (server: FastifyInstance, options: RateLimitOptions): RateLimit => {
  const { perMinute, counter, keyHasher, tokenChooser, callsOf, signOuts, onLimited } = options;
  if (perMinute === 0) return { charge: () => {} };
  const toName = (identity: string) => keyHasher('limit requests', identity);
  const nameOfToken = new WeakMap<VerifiedToken, string>();

  const choose = (request: FastifyRequest): ChosenToken | null => {
    const { accessTokens } = presentedTokens(request);
    const chosen = accessTokens.length === 0 ? null : tokenChooser.here(accessTokens);
    request.chosenToken = chosen;
    return chosen instanceof AppError ? null : chosen;
  };
  const nameOf = (verified: VerifiedToken): string => {
    const name = nameOfToken.get(verified) ?? toName(personOf(verified.principal));
    nameOfToken.set(verified, name);
    return name;
  };
  const nameOfAddress = (request: FastifyRequest): string => toName(`address ${toNetwork(clientAddressOf(request))}`);

  const judge = ({ count, resetMs }: Hits): void => {
    if (count <= perMinute) return;
    onLimited?.();
    throw new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });
  };
  const judgeLater = async (
    hits: MaybePromise<Hits>,
    lookup: MaybePromise<void>,
    done: HookHandlerDoneFunction,
  ): Promise<void> => {
    const failure = await Promise.all([hits, lookup])
      .then(([counted]) => judge(counted))
      .catch((error: Error) => error);
    done(failure ?? undefined);
  };

  const limit: onRequestHookHandler = (request, _reply, done) => {
    const chosen = choose(request);
    const name = chosen === null ? nameOfAddress(request) : nameOf(chosen.verified);
    const add = () => counter.add(name, { windowMs, by: callsOf(request) });
    if (signOuts !== null && chosen !== null) {
      signOuts.together(() => void judgeLater(add(), signOuts.lookUp(request, chosen.verified), done));
      return;
    }
    const hits = add();
    if (!isSync(hits)) {
      void judgeLater(hits, undefined, done);
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

  return {
    charge(person, calls) {
      if (calls <= 0) return undefined;
      const hits = counter.add(toName(personOf(person)), { windowMs, by: calls });
      return isSync(hits) ? judge(hits) : hits.then(judge);
    },
  };
};
