import type { MaybePromise } from '../../platform/maybe-promise.ts';
import { createBoundedMap } from '../../platform/bounded-map.ts';
import { type JudgedMark, type Mark, type Marks, type Proven, toList, toMark } from './token-refs.ts';
import type { SharedLineage, SharedState } from './shared-families.ts';

/** One signed-in session, through all the tokens that it was ever given. */
export type Chain = {
  /** What the other replicas know it by. Null: they could not be asked. */
  sharedName: string | null;
  /** When it was signed out, in milliseconds since the epoch. Null: it was not. */
  endedAtMs: number | null;
  /** Somebody has signed in anew in its place: what it is given now must not take the place of that. */
  isReplaced: boolean;
};

export type LineageOptions = {
  now: () => number;
  /** What other replicas know. Null: this is the only one. */
  shared: SharedLineage | null;
  /** The most tokens remembered; the least recently used goes first. Default 200,000. */
  maxTokens?: number;
};

const newChain = (): Chain => ({ sharedName: null, endedAtMs: null, isReplaced: false });

/** The marks, of which those that are known elsewhere are proven too. */
const withProof = ({ access, refresh }: Marks, known: Proven): Marks => ({
  access: access === null ? null : { ...access, isProven: access.isProven || known.access },
  refresh: refresh === null ? null : { ...refresh, isProven: refresh.isProven || known.refresh },
});

/**
 * Which tokens belong to one session, by their fingerprints, so that a sign-out ends all of them: also those that are
 * still on their way to a browser. What other replicas know is looked up with each call; while they cannot be asked,
 * what this process knows decides alone. Only proven tokens are remembered.
 */
export const createLineage = ({ now, shared, maxTokens = 200_000 }: LineageOptions) => {
  const chains = createBoundedMap<string, Chain>(maxTokens);
  /** The chains of unproven tokens while they are being refreshed, so that a sign-out ends them. */
  const refreshing = new Map<string, { chain: Chain; refreshes: number }>();

  const chainHere = ({ fingerprint }: Mark): Chain | undefined =>
    chains.get(fingerprint) ?? refreshing.get(fingerprint)?.chain;

  /** A token that is remembered is proven. */
  const isProven = (mark: JudgedMark): boolean => mark.isProven || chains.has(mark.fingerprint);
  const judge = (marks: Marks): Marks =>
    withProof(marks, {
      access: marks.access !== null && isProven(marks.access),
      refresh: marks.refresh !== null && isProven(marks.refresh),
    });

  const keep = (chain: Chain, marks: Marks): void => {
    for (const mark of toList(marks)) {
      if (mark.isProven && !chains.has(mark.fingerprint)) chains.set(mark.fingerprint, chain);
    }
  };

  /** `of`: the tokens whose chain this is. Those that another replica knows are proven. */
  const absorb = (chain: Chain, state: SharedState | null | undefined, of?: Marks): void => {
    if (state === null || state === undefined) return;
    chain.sharedName = state.name ?? chain.sharedName;
    chain.endedAtMs ??= state.endedAtMs;
    chain.isReplaced ||= state.isReplaced;
    if (of !== undefined) keep(chain, withProof(of, state.known));
  };

  const change = (marks: Marks, how: (chain: Chain) => void): void => {
    for (const mark of toList(marks)) {
      const known = chainHere(mark);
      const chain = known ?? newChain();
      if (known !== undefined || mark.isProven) how(chain);
      if (mark.isProven) chains.set(mark.fingerprint, chain);
    }
  };

  /** Changes the chains of these tokens here and elsewhere. Tells which of the tokens are proven; others are not marked. */
  const changeEverywhere = async (
    marks: Marks,
    how: (chain: Chain) => void,
    tell: ((marks: Marks, chainNames: string[]) => Promise<Proven>) | undefined,
  ): Promise<Proven> => {
    const judged = judge(marks);
    change(judged, how);
    const chainNames = toList(judged).flatMap((mark) => (mark.isProven ? (chainHere(mark)?.sharedName ?? []) : []));
    const known = await tell?.(judged, chainNames);
    const proven = known === undefined ? judged : withProof(judged, known);
    change(proven, how);
    return { access: proven.access?.isProven === true, refresh: proven.refresh?.isProven === true };
  };

  const isEndedHere = (access: Mark): boolean => {
    const chain = chains.get(access.fingerprint);
    if ((chain?.endedAtMs ?? null) !== null) return true;
    return shared?.hasHeardOfEnd(access, chain?.sharedName ?? null) === true;
  };

  const isEndedElsewhere = async (others: SharedLineage, access: Mark): Promise<boolean> => {
    const endedAtMs = (await others.endedAtMs(access)) ?? null;
    if (endedAtMs === null) return false;
    // So that it stays known while the others cannot be asked.
    change({ access: toMark(access, true), refresh: null }, (chain) => {
      chain.endedAtMs ??= endedAtMs;
    });
    return true;
  };

  /** Lets a sign-out find the chain of tokens that are not proven yet, here or at another replica. Returns its end. */
  const holdWhileRefreshing = (chain: Chain, marks: Marks): (() => void) => {
    const list = toList(marks);
    // Beside a proven token the chain is found by that one. An unproven one may be made up to end the session.
    const held = list.some((mark) => mark.isProven) ? [] : list;
    for (const { fingerprint } of held) {
      const entry = refreshing.get(fingerprint) ?? { chain, refreshes: 0 };
      entry.refreshes += 1;
      refreshing.set(fingerprint, entry);
    }
    const unwatch = shared?.watch(held, ({ what, atMs }) => {
      if (what === 'ended') chain.endedAtMs ??= atMs;
      else chain.isReplaced = true;
    });
    return () => {
      unwatch?.();
      for (const { fingerprint } of held) {
        const entry = refreshing.get(fingerprint);
        if (entry === undefined) continue;
        entry.refreshes -= 1;
        if (entry.refreshes === 0) refreshing.delete(fingerprint);
      }
    };
  };

  return {
    /**
     * Runs a refresh with the chain of its tokens; where none is known, a new one. Where the tokens are of two chains,
     * an ended one wins.
     */
    async withChain<Result>(marks: Marks, refresh: (chain: Chain) => Promise<Result>): Promise<Result> {
      const judged = judge(marks);
      const known = toList(judged)
        .map(chainHere)
        .filter((chain) => chain !== undefined);
      const chain = known.find(({ endedAtMs }) => endedAtMs !== null) ?? known[0] ?? newChain();
      keep(chain, judged);
      const release = holdWhileRefreshing(chain, judged);
      try {
        absorb(chain, await shared?.join(judged), judged);
        return await refresh(chain);
      } finally {
        release();
      }
    },
    /** Whether this process knows that the Auth Service issued the token. Other replicas are not asked. */
    isProven,
    /** A session begins with these tokens. */
    async begin(marks: Marks): Promise<void> {
      const chain = newChain();
      for (const { fingerprint } of toList(marks)) chains.set(fingerprint, chain);
      absorb(chain, await shared?.extend(null, marks));
    },
    /** Adds tokens to the chain of others, and sees what has become of it meanwhile. */
    async extend(chain: Chain, of: Marks, marks: Marks): Promise<void> {
      // A sign-out by tokens that were not proven then could tell nobody else.
      const isUntold = chain.endedAtMs !== null && toList(of).some(({ fingerprint }) => !chains.has(fingerprint));
      keep(chain, of);
      for (const { fingerprint } of toList(marks)) chains.set(fingerprint, chain);
      // The others could not be asked when it was found: a sign-out elsewhere has not seen these tokens.
      if (chain.sharedName === null) absorb(chain, await shared?.join(of));
      absorb(chain, await shared?.extend(chain.sharedName, marks));
      if (isUntold) await shared?.end(of, []);
    },
    /** Adds proven tokens that somebody holds to the chain of the others that they hold. */
    async join(chain: Chain, marks: Marks): Promise<void> {
      const ended = toList(marks)
        .map(chainHere)
        .find((known) => (known?.endedAtMs ?? null) !== null);
      chain.endedAtMs ??= ended?.endedAtMs ?? null;
      keep(chain, marks);
      absorb(chain, await shared?.join(marks));
    },
    /** Sees what has become of the chain of these tokens elsewhere. */
    async look(chain: Chain, of: Marks): Promise<void> {
      const judged = judge(of);
      if (chain.sharedName === null) absorb(chain, await shared?.join(judged), judged);
      else absorb(chain, await shared?.look(chain.sharedName, judged));
    },
    /**
     * Ends every chain that one of these tokens belongs to, and these tokens, as far as they are proven. Tells which
     * of them are.
     */
    end: (marks: Marks): Promise<Proven> =>
      changeEverywhere(
        marks,
        (chain) => {
          chain.endedAtMs ??= now();
        },
        shared?.end,
      ),
    /** The browser that holds these tokens gets others. Tells which of them are proven; others are not marked. */
    replace: (marks: Marks): Promise<Proven> =>
      changeEverywhere(
        marks,
        (chain) => {
          chain.isReplaced = true;
        },
        shared?.replace,
      ),
    /** Whether this process knows that the session of this access token was signed out. */
    isEndedHere,
    /** Whether the session of this access token was signed out, here or elsewhere. No promise where nobody else has to be asked. */
    isEnded(access: Mark): MaybePromise<boolean> {
      if (isEndedHere(access)) return true;
      return shared === null ? false : isEndedElsewhere(shared, access);
    },
  };
};

export type Lineage = ReturnType<typeof createLineage>;
