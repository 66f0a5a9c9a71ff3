import type { Awaitable } from '../awaitable.ts';
import { createBoundedMap } from '../bounded-map.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import type { SharedLineage, SharedState } from './shared-lineage.ts';

/** One signed-in session, through all the tokens that it was ever given. */
export type Chain = {
  /** What the other replicas know it by. Null: they could not be asked. */
  sharedName: string | null;
  /** When it was signed out, in milliseconds since the epoch. Null: it was not. */
  endedAtMs: number | null;
  /** Somebody has signed in anew in its place: what it is given now must not take the place of that. */
  isReplaced: boolean;
};

/** What a token is known by, and until when. */
export type Mark = Pick<VerifiedToken, 'fingerprint' | 'expiresAtMs'>;

/** The tokens of one session that are at hand. */
export type Marks = { access: Mark | null; refresh: Mark | null };

export const toList = ({ refresh, access }: Marks): Mark[] => [refresh, access].filter((mark) => mark !== null);

export type LineageOptions = {
  now: () => number;
  /** What other replicas know. Null: this is the only one. */
  shared: SharedLineage | null;
  /** The most tokens remembered; the least recently used goes first. Default 200,000. */
  maxTokens?: number;
};

const newChain = (): Chain => ({ sharedName: null, endedAtMs: null, isReplaced: false });

/**
 * Which tokens belong to one session, by their fingerprints, so that a sign-out ends all of them: also those that are
 * still on their way to a browser. What other replicas know is looked up with each call; while they cannot be asked,
 * what this process knows decides alone.
 */
export const createLineage = ({ now, shared, maxTokens = 200_000 }: LineageOptions) => {
  const chains = createBoundedMap<string, Chain>(maxTokens);

  const absorb = (chain: Chain, state: SharedState | null | undefined): void => {
    if (state === null || state === undefined) return;
    chain.sharedName = state.name;
    chain.endedAtMs ??= state.endedAtMs;
    chain.isReplaced ||= state.isReplaced;
  };

  const keep = (chain: Chain, marks: Marks): void => {
    for (const { fingerprint } of toList(marks)) chains.set(fingerprint, chain);
  };

  const change = (marks: Marks, how: (chain: Chain) => void): void => {
    for (const { fingerprint } of toList(marks)) {
      const chain = chains.get(fingerprint) ?? newChain();
      how(chain);
      chains.set(fingerprint, chain);
    }
  };

  const isEndedHere = ({ fingerprint }: Mark): boolean => (chains.get(fingerprint)?.endedAtMs ?? null) !== null;

  const isEndedElsewhere = async (others: SharedLineage, access: Mark): Promise<boolean> => {
    const endedAtMs = (await others.endedAtMs(access)) ?? null;
    if (endedAtMs === null) return false;
    // So that it stays known while the others cannot be asked.
    change({ access, refresh: null }, (chain) => {
      chain.endedAtMs ??= endedAtMs;
    });
    return true;
  };

  return {
    /** The chain of these tokens; where none is known, a new one. Where the tokens are of two chains, an ended one wins. */
    async chainOf(marks: Marks): Promise<Chain> {
      const list = toList(marks);
      const known = list.map(({ fingerprint }) => chains.get(fingerprint)).filter((chain) => chain !== undefined);
      const chain = known.find(({ endedAtMs }) => endedAtMs !== null) ?? known[0] ?? newChain();
      for (const { fingerprint } of list) if (!chains.has(fingerprint)) chains.set(fingerprint, chain);
      absorb(chain, await shared?.join(marks));
      return chain;
    },
    /** A session begins with these tokens. */
    async begin(marks: Marks): Promise<void> {
      const chain = newChain();
      keep(chain, marks);
      absorb(chain, await shared?.extend(null, marks));
    },
    /** Adds tokens to the chain of others, and sees what has become of it meanwhile. */
    async extend(chain: Chain, of: Marks, marks: Marks): Promise<void> {
      keep(chain, marks);
      // The others could not be asked when it was found: a sign-out elsewhere has not seen these tokens.
      if (chain.sharedName === null) absorb(chain, await shared?.join(of));
      absorb(chain, await shared?.extend(chain.sharedName, marks));
    },
    /** Sees what has become of the chain of these tokens elsewhere. */
    async look(chain: Chain, of: Marks): Promise<void> {
      absorb(chain, await (chain.sharedName === null ? shared?.join(of) : shared?.look(chain.sharedName)));
    },
    /** Ends every chain that one of these tokens belongs to, and these tokens. */
    async end(marks: Marks): Promise<void> {
      change(marks, (chain) => {
        chain.endedAtMs ??= now();
      });
      await shared?.end(marks);
    },
    /** The browser that holds these tokens gets others. */
    async replace(marks: Marks): Promise<void> {
      change(marks, (chain) => {
        chain.isReplaced = true;
      });
      await shared?.replace(marks);
    },
    /** Whether this process knows that the session of this access token was signed out. */
    isEndedHere,
    /** Whether the session of this access token was signed out, here or elsewhere. No promise where nobody else has to be asked. */
    isEnded(access: Mark): Awaitable<boolean> {
      if (isEndedHere(access)) return true;
      return shared === null ? false : isEndedElsewhere(shared, access);
    },
  };
};

export type Lineage = ReturnType<typeof createLineage>;
