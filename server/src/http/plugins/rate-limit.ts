import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
import { type Caller, callerNameOf, personOf, serviceCallerName } from '../../auth-service/caller.ts';
import { type MaybePromise, isSync } from '../../platform/maybe-promise.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { AppError } from '../../errors.ts';
import type { FixedWindowCounter, WindowCount } from '../../rate-limit/fixed-window-counter.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import type { ChosenToken, TokenChooser } from '../../token/token-chooser.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';
import { clientAddressOf } from './client-address.ts';
import { toNetwork } from '../../platform/ip-address.ts';
import { presentedTokens } from './request-tokens.ts';
import type { ServiceLookup } from './service-key.ts';
import type { SignOutLookup } from './sign-out-lookup.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: the route has no rate limit. `verify`: a limit of its own, ten times the general one. Default: the general limit. */
    rateLimit?: false | 'verify';
  }
}

export type RateLimitOptions = {
  /** Calls per minute and identity. 0: no limit. */
  perMinute: number;
  counter: FixedWindowCounter;
  keyHasher: KeyHasher;
  tokenChooser: Pick<TokenChooser, 'here'>;
  serviceOf: ServiceLookup;
  /** The number of calls in a request, from its URL. */
  callsOf: (request: FastifyRequest) => number;
  /**
   * Looks up sign-outs in the same Redis round trip that counts the calls. Null: without Redis, this process knows all
   * sign-outs and checks them later.
   */
  signOuts: { together: RedisGuard['together']; lookUp: SignOutLookup['start'] } | null;
  /** Called for each rejected request. */
  onLimited?: (() => void) | undefined;
};

export type RateLimit = {
  /** Counts additional calls of a caller before they run. Throws `rate_limited`. Synchronous if no I/O is needed. */
  charge: (caller: Pick<Caller, 'type' | 'id' | 'service'>, calls: number) => MaybePromise<void>;
};

const windowMs = 60_000;

/** A page of a backend makes several requests, and the proxy asks for each of them. */
const verifyFactor = 10;

/**
 * Rejects requests over the limit with 429, on every route that is registered after it. Each call of a batch counts. The
 * identity is the person of a verified access token, the service of a known key, or else the network address: clients could
 * evade the limit with an unverified identity. A request is served or rejected as a whole, and rejected requests count, too. Counting in memory is
 * synchronous.
 */
export const registerRateLimit = (server: FastifyInstance, options: RateLimitOptions): RateLimit => {
  const { perMinute, counter, keyHasher, tokenChooser, serviceOf, callsOf, signOuts, onLimited } = options;
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
  const nameWithoutPerson = (request: FastifyRequest): string => {
    const service = serviceOf(request);
    return service === null || service instanceof AppError
      ? toName(`address ${toNetwork(clientAddressOf(request))}`)
      : toName(serviceCallerName(service));
  };

  const check = ({ count, resetMs }: WindowCount, allowed = perMinute): void => {
    if (count <= allowed) return;
    onLimited?.();
    throw new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });
  };
  const checkLater = async (
    hits: MaybePromise<WindowCount>,
    allowed: number,
    lookup: MaybePromise<void>,
    done: HookHandlerDoneFunction,
  ): Promise<void> => {
    const failure = await Promise.all([hits, lookup])
      .then(([counted]) => check(counted, allowed))
      .catch((error: Error) => error);
    done(failure ?? undefined);
  };

  const limit = (
    request: FastifyRequest,
    { suffix, allowed }: { suffix: string; allowed: number },
    done: HookHandlerDoneFunction,
  ): void => {
    const chosen = choose(request);
    const identity = chosen === null ? nameWithoutPerson(request) : nameOf(chosen.verified);
    const add = () => counter.add(identity + suffix, { windowMs, by: callsOf(request) });
    if (signOuts !== null && chosen !== null) {
      signOuts.together(() => void checkLater(add(), allowed, signOuts.lookUp(request, chosen.verified), done));
      return;
    }
    const hits = add();
    if (!isSync(hits)) {
      void checkLater(hits, allowed, undefined, done);
      return;
    }
    check(hits, allowed);
    done();
  };
  const ofCalls = { suffix: '', allowed: perMinute };
  const ofVerify = { suffix: ' verify', allowed: perMinute * verifyFactor };
  const limitCalls: onRequestHookHandler = (request, _reply, done) => limit(request, ofCalls, done);
  const limitVerify: onRequestHookHandler = (request, _reply, done) => limit(request, ofVerify, done);
  server.addHook('onRoute', (route) => {
    const rule = route.config?.rateLimit;
    if (rule === false) return;
    const hook = rule === 'verify' ? limitVerify : limitCalls;
    const hooks = [route.onRequest ?? []].flat();
    // Fastify derives a HEAD route from each GET route, including its hooks.
    if (!hooks.includes(hook)) route.onRequest = [...hooks, hook];
  });

  return {
    charge(caller, calls) {
      if (calls <= 0) return undefined;
      const hits = counter.add(toName(callerNameOf(caller)), { windowMs, by: calls });
      return isSync(hits) ? check(hits) : hits.then((counted) => check(counted));
    },
  };
};
