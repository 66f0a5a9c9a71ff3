import { type RequestMeta, requestMetaOf, personOf } from '../../auth-service/caller.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { AttemptCounter } from '../../rate-limit/attempt-counter.ts';
import { newestFirst } from '../../token/token-chooser.ts';
import { isSameSubject, type Subject } from '../../token/principal.ts';
import type { VerifiedToken, Verifier } from '../../token/verified-token.ts';
import { type PresentedTokens, type TokenPair, toPairs } from '../presented-tokens.ts';
import { type ProvenTokens, type TokenRefs, toTokenRef } from './token-refs.ts';

/** A presented token and its claims. */
export type ReadToken = { token: string; verified: VerifiedToken; isProven: boolean };
/** Null: the request does not present the token, or the token cannot be valid. */
export type ReadPair = { access: ReadToken | null; refresh: ReadToken | null };

export type ProofResult = {
  pairs: ReadPair[];
  /** Whether the Auth Service was asked to validate an access token. */
  hasAskedAuthService: boolean;
};

export type TokenProofOptions = {
  verifier: Pick<Verifier, 'verify' | 'verifyAtAnyAge' | 'verifyRefresh' | 'isProven'>;
  /** Counts the accompanying tokens that are accepted for each person. */
  counter: Pick<AttemptCounter, 'reserve'>;
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
};

const dayMs = 86_400_000;
/** The most tokens of a person that are accepted in a day because a request presents them together with a proven one. */
const maxAccompanyingPerDay = 30;

/** The refs of a pair of tokens. */
export const toRefs = ({ access, refresh }: ReadPair): TokenRefs => ({
  access: access === null ? null : toTokenRef(access.verified, access.isProven),
  refresh: refresh === null ? null : toTokenRef(refresh.verified, refresh.isProven),
});

const withProof = (read: ReadToken | null, isProven: boolean): ReadToken | null =>
  read === null || read.isProven || !isProven ? read : { ...read, isProven };

/**
 * Determines which presented tokens the Auth Service has issued. With local validation every readable token is proven.
 * With remote validation a token is proven if the Auth Service has accepted it or has issued it through the BFF, which
 * the token families in this process and in Redis remember.
 */
export const createTokenProof = ({ verifier, counter, keyHasher, now }: TokenProofOptions) => {
  const read = async (token: string | null, verify: (token: string) => Promise<VerifiedToken>) => {
    if (token === null) return null;
    const verified = await verify(token).catch(() => null);
    return verified === null ? null : { token, verified, isProven: verifier.isProven(verified) };
  };
  const readPair = async ({ accessToken, refreshToken }: TokenPair): Promise<ReadPair> => {
    const [access, refresh] = await Promise.all([
      read(accessToken, verifier.verifyAtAnyAge),
      read(refreshToken, verifier.verifyRefresh),
    ]);
    return { access, refresh };
  };

  /**
   * Has the Auth Service validate the unproven access tokens, newest first, until it rejects one. A request with made-up
   * tokens therefore costs one call, however many tokens it presents.
   */
  const validateUnproven = async (pairs: readonly ReadPair[], cause: RequestMeta) => {
    const unproven = pairs
      .map(({ access }) => access)
      .filter((access) => access !== null)
      .filter(({ isProven, verified }) => !isProven && verified.expiresAtMs > now())
      .toSorted(newestFirst);
    const accepted = new Set<ReadToken>();
    for (const access of unproven) {
      const isAccepted = await verifier.verify(access.token, requestMetaOf(cause)).then(
        () => true,
        () => false,
      );
      if (!isAccepted) break;
      accepted.add(access);
    }
    return { accepted, hasAskedAuthService: unproven.length > 0 };
  };

  /**
   * Whether to accept a token of this person because the request also presents a proven one. The number is limited,
   * because a person with an account can make up any number of accompanying tokens.
   */
  const acceptAccompanying = async (subject: Subject): Promise<boolean> => {
    const name = keyHasher('limit tokens beside', personOf(subject));
    return (await counter.reserve(name, { max: maxAccompanyingPerDay, windowMs: dayMs })).isCounted;
  };

  const proveAccompanying = (pairs: readonly ReadPair[]): Promise<ReadPair[]> => {
    const owners = pairs.flatMap(({ access }) => (access?.isProven === true ? [access.verified.principal] : []));
    return Promise.all(
      pairs.map(async (pair) => {
        const { refresh } = pair;
        if (refresh === null || refresh.isProven) return pair;
        const { principal } = refresh.verified;
        const isAccompanying = owners.some((owner) => isSameSubject(owner, principal));
        if (!isAccompanying || !(await acceptAccompanying(principal))) return pair;
        return { ...pair, refresh: withProof(refresh, true) };
      }),
    );
  };

  return {
    acceptAccompanying,

    /**
     * Applies `change` to the presented tokens, as far as they are proven. `change` resolves to which tokens are proven.
     * Tokens that are proven without a call are changed before the Auth Service validates the others.
     */
    async changeProven(
      presented: PresentedTokens,
      change: (refs: TokenRefs) => Promise<ProvenTokens>,
    ): Promise<ProofResult> {
      const changePair = async (pair: ReadPair): Promise<ReadPair> => {
        if (pair.access === null && pair.refresh === null) return pair;
        const proven = await change(toRefs(pair));
        return { access: withProof(pair.access, proven.access), refresh: withProof(pair.refresh, proven.refresh) };
      };
      const readPairs = await Promise.all(toPairs(presented).map(readPair));
      const before = await Promise.all(readPairs.map(changePair));
      const { accepted, hasAskedAuthService } = await validateUnproven(before, presented);
      const validated = before.map(({ access, refresh }) => ({
        access: withProof(access, access !== null && accepted.has(access)),
        refresh,
      }));
      const after = await proveAccompanying(validated);
      const isNewlyProven = (pair: ReadPair, index: number) =>
        pair.access !== before[index]?.access || pair.refresh !== before[index].refresh;
      const pairs = await Promise.all(
        after.map(async (pair, index) => (isNewlyProven(pair, index) ? changePair(pair) : pair)),
      );
      return { pairs, hasAskedAuthService };
    },
  };
};

export type TokenProof = ReturnType<typeof createTokenProof>;
