import { isAppError } from '../../src/errors.ts';
import type { Principal } from '../../src/token/principal.ts';
import { createTokenChooser } from '../../src/token/token-chooser.ts';
import { createVerifier } from '../../src/token/verifier.ts';
import { createAssertionKeys } from './assertion-keys.ts';
import { createAssertionVerifier } from './assertion-verifier.ts';
import { assertionOf, type RequestHeaders, sessionTokensOf } from './headers.ts';
import { type Requirement, requireMembership } from './membership.ts';
import {
  type AuthOptions,
  checkOptions,
  type Identity,
  type JwksOptions,
  type JwtPayload,
  type SigningKeyOptions,
} from './options.ts';
import { createPublicPaths } from './public-paths.ts';
import { isRefusalError, type Refusal, RefusalError, toRefusal } from './refusals.ts';

/** `url`: path and query by which the request is routed, such as `request.url` of node:http. */
export type AuthRequest = { url: string; headers: RequestHeaders };

/** `identity` is null on a public path. */
export type Admission = { state: 'admitted'; identity: Identity | null } | Refusal;

/** Identifies the caller. Null: the request has no token. */
type Identify = (headers: RequestHeaders) => Promise<Identity | null>;

type Clock = { now: () => number; maxCachedTokens: number };

const bySession = ({ signingKeys, algorithm }: SigningKeyOptions, { now, maxCachedTokens }: Clock): Identify => {
  const verifier = createVerifier({ signingKeys, maxCachedTokens, now, ...(algorithm && { algorithm }) });
  const tokenChooser = createTokenChooser({ verifier, now });
  return async (headers) => {
    const tokens = sessionTokensOf(headers);
    if (tokens.length === 0) return null;
    const { token, verified } = await tokenChooser.find(tokens, {});
    // Safe: the claim rules have validated these types.
    return { token, principal: verified.principal, payload: verified.payload as JwtPayload };
  };
};

const byAssertion = (options: JwksOptions, { now, maxCachedTokens }: Clock): Identify => {
  const { jwks, issuer = 'auth-bff', audience, jwksTimeoutMs = 5_000 } = options;
  const keys = createAssertionKeys({ url: new URL(jwks).href, timeoutMs: jwksTimeoutMs, now });
  const verifier = createAssertionVerifier({ keys, issuer, audience, maxCachedTokens, now });
  return async (headers) => {
    const token = assertionOf(headers);
    if (token === null) return null;
    const { principal, payload } = await verifier.verify(token);
    // Safe: the claim rules have validated these types.
    return { token, principal, payload: payload as JwtPayload };
  };
};

/** The RefusalError of an error, or null if it is none. */
const asRefusal = (error: unknown): RefusalError | null => {
  if (isRefusalError(error)) return error;
  if (!isAppError(error, 'token_invalid', 'token_expired')) return null;
  return new RefusalError(error.reason === 'token_expired' ? 'token_expired' : 'token_invalid', error.message);
};

/**
 * Decides whether a request is admitted, and identifies its caller. `Source` is the request as the framework has it, for
 * `onRefused`. Throws TypeError for an invalid option. Source: the guide's "Middleware Integration".
 */
export const createGate = <Source>(options: AuthOptions<Source>) => {
  checkOptions(options);
  const { publicPrefixes = [], resolveRoles, onRefused, maxCachedTokens = 10_000, now = Date.now } = options;
  const isPublic = createPublicPaths(publicPrefixes);
  const clock = { now, maxCachedTokens };
  const identify = options.jwks === undefined ? bySession(options, clock) : byAssertion(options, clock);

  const report = async ({ reason, message, cause }: RefusalError, request: Source): Promise<void> => {
    try {
      await onRefused?.({ reason, message, request, ...(cause !== undefined && { cause }) });
    } catch {
      // A faulty report must not change the response.
    }
  };

  /** The refusal that an error stands for. Other errors pass on. */
  const refuse = (error: unknown, source: Source): Refusal => {
    const refused = asRefusal(error);
    if (refused === null) throw error;
    void report(refused, source);
    return toRefusal(refused.reason);
  };

  return {
    async admit({ url, headers }: AuthRequest, source: Source): Promise<Admission> {
      if (isPublic(url)) return { state: 'admitted', identity: null };
      try {
        const identity = await identify(headers);
        if (identity !== null) return { state: 'admitted', identity };
        throw new RefusalError('no_token', 'The request has no access token or assertion.');
      } catch (error) {
        return refuse(error, source);
      }
    },

    /**
     * Null: the caller has the system or the role. `principal` is the caller by which the framework's handlers go; null on a
     * public path. `identity`: as admitted.
     */
    async check(
      requirement: Requirement,
      { principal, identity, source }: { principal: Principal | null; identity: Identity | null; source: Source },
    ): Promise<Refusal | null> {
      // An application may have replaced the caller. The token would tell the roles of another person.
      const token = identity !== null && identity.principal === principal ? identity.token : null;
      try {
        await requireMembership(requirement, { principal, token, resolveRoles });
        return null;
      } catch (error) {
        return refuse(error, source);
      }
    },
  };
};

export type Gate<Source> = ReturnType<typeof createGate<Source>>;
