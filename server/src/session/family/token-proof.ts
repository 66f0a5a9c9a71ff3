import { type RequestMeta, requestMetaOf, personOf } from '../../auth-service/transport.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { TryCounter } from '../../rate-limit/try-counter.ts';
import { newestFirst } from '../../token/choose-token.ts';
import { isSameSubject, type Subject } from '../../token/principal.ts';
import type { VerifiedToken, Verifier } from '../../token/verified-token.ts';
import { type Marks, type Proven, toMark } from './marks.ts';
import { type PresentedTokens, type TokenPair, toPairs } from '../presented-tokens.ts';

/** A token that a request carries, and what it says. */
export type HeldToken = { token: string; verified: VerifiedToken; isProven: boolean };
/** Null: the request does not carry it, or it cannot be valid. */
export type HeldPair = { access: HeldToken | null; refresh: HeldToken | null };

export type Marked = {
  pairs: HeldPair[];
  /** Whether the Auth Service was asked about one of them. */
  hasAsked: boolean;
};

export type TokenProofOptions = {
  verifier: Pick<Verifier, 'verify' | 'verifyAtAnyAge' | 'verifyRefresh' | 'isProven'>;
  /** Counts the tokens that are believed of each person. */
  counter: Pick<TryCounter, 'reserve'>;
  names: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
};

const dayMs = 86_400_000;
/** How many tokens of a person are believed in a day because a proven one stood beside them. */
const maxBesideADay = 30;

const toMarks = ({ access, refresh }: HeldPair): Marks => ({
  access: access === null ? null : toMark(access.verified, access.isProven),
  refresh: refresh === null ? null : toMark(refresh.verified, refresh.isProven),
});

const withProof = (held: HeldToken | null, isProven: boolean): HeldToken | null =>
  held === null || held.isProven || !isProven ? held : { ...held, isProven };

/**
 * Finds out which tokens of a request the Auth Service has issued. Where tokens are verified here, each that can be read
 * is proven. With remote validation a token is proven if the Auth Service has accepted it, or handed it out through the
 * BFF, which the marks in this process and in Redis tell.
 */
export const createTokenProof = ({ verifier, counter, names, now }: TokenProofOptions) => {
  const read = async (token: string | null, readAs: (token: string) => Promise<VerifiedToken>) => {
    if (token === null) return null;
    const verified = await readAs(token).catch(() => null);
    return verified === null ? null : { token, verified, isProven: verifier.isProven(verified) };
  };
  const readPair = async ({ accessToken, refreshToken }: TokenPair): Promise<HeldPair> => {
    const [access, refresh] = await Promise.all([
      read(accessToken, verifier.verifyAtAnyAge),
      read(refreshToken, verifier.verifyRefresh),
    ]);
    return { access, refresh };
  };

  /**
   * Asks the Auth Service about access tokens that are not proven, newest first, until it refuses one: so a request
   * whose tokens are all made up costs one call, however many it carries.
   */
  const askAbout = async (pairs: readonly HeldPair[], cause: RequestMeta) => {
    const unproven = pairs
      .map(({ access }) => access)
      .filter((access) => access !== null)
      .filter(({ isProven, verified }) => !isProven && verified.expiresAtMs > now())
      .toSorted(newestFirst);
    const accepted = new Set<HeldToken>();
    for (const access of unproven) {
      const isAccepted = await verifier.verify(access.token, requestMetaOf(cause)).then(
        () => true,
        () => false,
      );
      if (!isAccepted) break;
      accepted.add(access);
    }
    return { accepted, hasAsked: unproven.length > 0 };
  };

  /**
   * Whether a token of this person is believed because it came with a proven one. Somebody with an account can make up
   * as many as they like, so that only some are.
   */
  const isBelieved = async (subject: Subject): Promise<boolean> => {
    const name = names('limit tokens beside', personOf(subject));
    return (await counter.reserve(name, { max: maxBesideADay, windowMs: dayMs })).isCounted;
  };

  const proveBeside = (pairs: readonly HeldPair[]): Promise<HeldPair[]> => {
    const owners = pairs.flatMap(({ access }) => (access?.isProven === true ? [access.verified.principal] : []));
    return Promise.all(
      pairs.map(async (pair) => {
        const { refresh } = pair;
        if (refresh === null || refresh.isProven) return pair;
        const { principal } = refresh.verified;
        const isBeside = owners.some((owner) => isSameSubject(owner, principal));
        return isBeside && (await isBelieved(principal)) ? { ...pair, refresh: withProof(refresh, true) } : pair;
      }),
    );
  };

  return {
    isBelieved,

    /**
     * Has the tokens of a request marked, as far as they are proven. `mark` tells which of its tokens are. Tokens that
     * are proven at once are marked before the Auth Service is asked about others.
     */
    async mark(presented: PresentedTokens, mark: (marks: Marks) => Promise<Proven>): Promise<Marked> {
      const markPair = async (pair: HeldPair): Promise<HeldPair> => {
        if (pair.access === null && pair.refresh === null) return pair;
        const proven = await mark(toMarks(pair));
        return { access: withProof(pair.access, proven.access), refresh: withProof(pair.refresh, proven.refresh) };
      };
      const atOnce = await Promise.all((await Promise.all(toPairs(presented).map(readPair))).map(markPair));
      const { accepted, hasAsked } = await askAbout(atOnce, presented);
      const asked = atOnce.map(({ access, refresh }) => ({
        access: withProof(access, access !== null && accepted.has(access)),
        refresh,
      }));
      const judged = await proveBeside(asked);
      const isChanged = (pair: HeldPair, before: HeldPair | undefined) =>
        pair.access !== before?.access || pair.refresh !== before.refresh;
      const pairs = await Promise.all(
        judged.map(async (pair, index) => (isChanged(pair, atOnce[index]) ? markPair(pair) : pair)),
      );
      return { pairs, hasAsked };
    },
  };
};

export type TokenProof = ReturnType<typeof createTokenProof>;
