import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import type { RedisChannel } from '../../platform/redis/redis-channel.ts';
import { toRedisCause } from '../../platform/redis/redis-errors.ts';
import { entryLifetimeMs } from './entry-lifetime.ts';
import { createHeardMarks } from './received-revocations.ts';
import { createMarkMessages, type MarkMessage } from './revocation-messages.ts';
import { type JudgedMark, type Mark, type Marks, type Proven, toList } from './token-refs.ts';
import { type Change, createUnstoredSignOuts, type Names, type UnstoredTrouble } from './revocation-queue.ts';

/** What became of a chain, as far as all replicas know. */
export type SharedState = {
  /** Null: nothing of it is stored. */
  name: string | null;
  endedAtMs: number | null;
  isReplaced: boolean;
  /** Which of the tokens that it was looked up by are stored. */
  known: Proven;
};

export type SharedLineageOptions = {
  redisGuard: RedisGuard;
  names: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** What all keys begin with. */
  prefix: string;
  /** The longest that an entry lives, in milliseconds. */
  longestMs: number;
  /** Where the replicas tell each other of sign-outs. */
  channel: RedisChannel;
  /** Milliseconds between two attempts to store the sign-outs that are not stored yet. Default 1,000. */
  retryMs?: number | undefined;
  /** Told where Redis refuses to store sign-outs, once a minute at most for each value of `isPublished`. */
  onUnstored?: ((trouble: UnstoredTrouble) => void) | undefined;
};

const tokenField = 'token:';

/**
 * KEYS: the chain. ARGV: how long it lives at least and what time it is, in milliseconds, then the name of an access
 * token and when it expires. Answers {when it was ended or an empty text, whether it was replaced}; an ended chain
 * takes no more tokens, and those that have expired are dropped.
 */
const extendScript = `
local ended = redis.call('HGET', KEYS[1], 'ended')
if not ended then
  local fields = redis.call('HGETALL', KEYS[1])
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 6) == 'token:' and tonumber(fields[at + 1]) < tonumber(ARGV[2]) then
      redis.call('HDEL', KEYS[1], fields[at])
    end
  end
  if ARGV[3] then redis.call('HSET', KEYS[1], 'token:' .. ARGV[3], ARGV[4]) end
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
end
return {ended or '', redis.call('HEXISTS', KEYS[1], 'replaced')}
`;

/** KEYS: the chain. ARGV: what became of it, when, and how long it lives at least. Answers its fields and their values. */
const markScript = `
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return redis.call('HGETALL', KEYS[1])
`;

type Commands = {
  extendChain: (chain: string, ...args: Array<string | number>) => Promise<[ended: string, isReplaced: number]>;
  markChain: (chain: string, what: 'ended' | 'replaced', atMs: number, ttlMs: number) => Promise<string[]>;
};

/** Told what became of a token. */
export type OnChange = (change: Pick<MarkMessage, 'what' | 'atMs'>) => void;

/** How a change reaches the store, or is only looked up there. */
type Access = {
  /** Answers the fields of the chain and their values. */
  chain: (name: string, ttlMs: number) => Promise<string[]>;
  token: (name: string, expiresAtMs: number) => Promise<unknown>;
};

const noneKnown: Proven = { access: false, refresh: false };

/**
 * The chains of all replicas, in Redis. Each token's name leads to its chain, which is a hash of its access tokens'
 * names; an access token that was signed out has a mark of its own, so that one look decides about a request. Only
 * proven tokens are stored. Answers are null while Redis is away; a sign-out is stored once it is back.
 *
 * Two who meet see each other by their order: a refresh writes which chain its tokens lead to, then looks for marks; a
 * sign-out writes its marks, then looks where the tokens lead.
 *
 * Sign-outs are published as well, and remembered by the replicas that hear of them: a Redis that is full stores
 * nothing, but still passes messages on. What is stored counts beside what was heard.
 */
export const createSharedLineage = (options: SharedLineageOptions) => {
  const { redisGuard, names, now, prefix, longestMs, channel, retryMs, onUnstored } = options;
  const monotonicNow = options.monotonicNow ?? (() => performance.now());
  const { redis, ask } = redisGuard;
  redis.defineCommand('extendChain' satisfies keyof Commands, { numberOfKeys: 1, lua: extendScript });
  redis.defineCommand('markChain' satisfies keyof Commands, { numberOfKeys: 1, lua: markScript });
  const commands = redis as unknown as Commands;
  const heard = createHeardMarks({ now });
  const messages = createMarkMessages({ names, channel: channel.name, now, longestMs });
  /** Told of unproven tokens, by the names of those that are being refreshed in this process. */
  const watchers = new Map<string, Set<OnChange>>();
  channel.onMessage((text) => {
    const message = messages.read(text);
    if (message === null) return;
    if (message.isProven) heard.note(message);
    for (const [name] of message.names) {
      for (const onChange of watchers.get(name) ?? []) onChange(message);
    }
  });

  const knownNames = new WeakMap<Mark, string>();
  /** Remembered for as long as the token is: every call with an access token asks. */
  const nameOf = (mark: Mark): string => {
    const name = knownNames.get(mark) ?? names('token', mark.fingerprint);
    knownNames.set(mark, name);
    return name;
  };
  const chainKey = (name: string) => `${prefix}chain:${name}`;
  const leadKey = (mark: Mark) => `${prefix}chain-of:${nameOf(mark)}`;
  const endedKey = (name: string) => `${prefix}ended:${name}`;
  const ttlMs = (expiresAtMs: number) => entryLifetimeMs(expiresAtMs, now(), longestMs);
  const longestTtlMs = (marks: readonly Mark[]) => Math.max(...marks.map(({ expiresAtMs }) => ttlMs(expiresAtMs)));

  type State = Pick<SharedState, 'endedAtMs' | 'isReplaced'>;
  const toState = (ended: string | null | undefined, isReplaced: boolean): State => ({
    endedAtMs: ended === null || ended === undefined || ended === '' ? null : Number(ended),
    isReplaced,
  });
  const merge = (states: readonly State[]): State => ({
    endedAtMs: states.find(({ endedAtMs }) => endedAtMs !== null)?.endedAtMs ?? null,
    isReplaced: states.some(({ isReplaced }) => isReplaced),
  });

  const read = async (name: string): Promise<State> => {
    const [ended, replaced] = await redis.hmget(chainKey(name), 'ended', 'replaced');
    return toState(ended, typeof replaced === 'string');
  };

  const add = async (name: string, marks: readonly Mark[], access: Mark | null): Promise<State> => {
    const token = access === null ? [] : [nameOf(access), access.expiresAtMs];
    const [ended, replaced] = await commands.extendChain(chainKey(name), longestTtlMs(marks), now(), ...token);
    return toState(ended, replaced === 1);
  };

  const lead = (name: string, marks: readonly Mark[]) =>
    Promise.all(marks.map((mark) => redis.set(leadKey(mark), name, 'PX', ttlMs(mark.expiresAtMs))));

  /** Where each token leads, and which of them are proven: a token that is stored is. */
  const leadsOf = async (marks: Marks) => {
    const leads = await Promise.all(
      toList(marks).map(async (mark) => ({ mark, name: await redis.get(leadKey(mark)) })),
    );
    const isKnownMark = (mark: JudgedMark | null) => leads.some((one) => one.mark === mark && one.name !== null);
    return {
      leads,
      proven: leads.filter(({ mark, name }) => mark.isProven || name !== null),
      known: { access: isKnownMark(marks.access), refresh: isKnownMark(marks.refresh) },
    };
  };

  /** What became of the chains of these tokens. `isWritten`: stores where the proven ones lead, before it looks. */
  const find = async (marks: Marks, { isWritten }: { isWritten: boolean }): Promise<SharedState> => {
    const { access } = marks;
    const { leads, proven, known } = await leadsOf(marks);
    const stored = leads.map(({ name }) => name).find((name) => name !== null) ?? null;
    const [first] = proven;
    const name = stored ?? (isWritten && first !== undefined ? nameOf(first.mark) : null);
    const provenList = proven.map(({ mark }) => mark);
    if (isWritten && name !== null) {
      await lead(
        name,
        proven.filter((one) => one.name === null).map(({ mark }) => mark),
      );
    }
    const isAdded = isWritten && name !== null;
    const provenAccess = provenList.find((mark) => mark === access) ?? null;
    const others = new Set(leads.map((one) => one.name ?? nameOf(one.mark)));
    if (isAdded) others.delete(name);
    const states = await Promise.all([
      ...(isAdded ? [add(name, provenList, provenAccess)] : []),
      ...(access === null ? [] : [redis.get(endedKey(nameOf(access))).then((ended) => toState(ended, false))]),
      ...[...others].map(read),
    ]);
    return { name, known, ...merge(states) };
  };

  /** Adds what was heard of these names to what is stored. */
  const withHeard = (state: SharedState | null, heardNames: ReadonlyArray<string | null>): SharedState | null => {
    if (heard.isEmpty()) return state;
    const marks = heardNames.map((name) => (name === null ? null : heard.of(name))).filter((mark) => mark !== null);
    if (marks.length === 0) return state;
    return {
      ...(state ?? { name: null, known: noneKnown }),
      ...merge(state === null ? marks : [state, ...marks]),
    };
  };

  const markEnded = (name: string, expiresAtMs: number) => redis.set(endedKey(name), now(), 'PX', ttlMs(expiresAtMs));

  const writing = (what: Change['what']): Access => ({
    chain: (name, lifetimeMs) => commands.markChain(chainKey(name), what, now(), lifetimeMs),
    token: async (name, expiresAtMs) => (what === 'ended' ? markEnded(name, expiresAtMs) : null),
  });
  const reading: Access = {
    chain: async (name) => Object.entries(await redis.hgetall(chainKey(name))).flat(),
    token: async () => null,
  };

  /** Marks every chain that these tokens lead to; of those that lead nowhere, the chain that each would begin. */
  const apply = async ({ marks, chainNames }: Change, { chain, token }: Access) => {
    const { access } = marks;
    const reached = new Map<string, number>();
    const reach = async (name: string, expiresAtMs: number) => {
      reached.set(name, now() + ttlMs(expiresAtMs));
      await token(name, expiresAtMs);
    };
    if (access?.isProven === true) await reach(nameOf(access), access.expiresAtMs);
    const { proven, known } = await leadsOf(marks);
    if (proven.length === 0) return { known, names: reached };
    const provenList = proven.map(({ mark }) => mark);
    if (access !== null && known.access) await reach(nameOf(access), access.expiresAtMs);
    for (const mark of provenList) reached.set(nameOf(mark), now() + ttlMs(mark.expiresAtMs));
    const lifetimeMs = longestTtlMs(provenList);
    const all = new Set([...chainNames, ...proven.map(({ mark, name }) => name ?? nameOf(mark))]);
    await Promise.all(
      [...all].map(async (name) => {
        const fields = await chain(name, lifetimeMs);
        reached.set(name, now() + lifetimeMs);
        const tokens = fields.flatMap((field, index) =>
          field.startsWith(tokenField) ? [[field.slice(tokenField.length), Number(fields[index + 1])] as const] : [],
        );
        await Promise.all(tokens.map(([tokenName, expiresAtMs]) => reach(tokenName, expiresAtMs)));
      }),
    );
    return { known, names: reached };
  };

  /** Whether Redis took it. Whether anybody has heard it is not known. */
  const publish = async (message: Omit<MarkMessage, 'atMs' | 'names'>, all: Names): Promise<boolean> => {
    for (const text of messages.write({ ...message, atMs: now(), names: [...all] })) {
      if ((await ask(() => channel.publish(text))) === null) return false;
    }
    return true;
  };

  /** Null: not stored, for `refusal`, or because Redis is away. */
  const store = async (change: Change, { critical }: { critical: boolean }) => {
    let refusal: string | null = null;
    const stored = await ask(
      () =>
        apply(change, writing(change.what)).catch((error: Error) => {
          if (error.name === 'ReplyError') refusal = toRedisCause(error.message);
          throw error;
        }),
      { critical },
    );
    if (stored !== null && stored.names.size > 0) void publish({ what: change.what, isProven: true }, stored.names);
    return { stored, refusal: refusal as string | null };
  };

  const namesOf = (list: readonly Mark[]): Names =>
    new Map(list.map((mark) => [nameOf(mark), now() + ttlMs(mark.expiresAtMs)]));

  const unstored = createUnstoredSignOuts({
    store: async (change) => {
      const { stored, refusal } = await store(change, { critical: false });
      return { isStored: stored !== null, refusal };
    },
    publish: (all) => publish({ what: 'ended', isProven: true }, all),
    // After that none comes back.
    isClosed: () => redis.status === 'end',
    monotonicNow,
    retryMs,
    onUnstored,
  });
  redis.on('ready', unstored.retry);

  /**
   * Nothing is stored about unproven tokens. A replica may be refreshing them just now, which would prove them: it is
   * told, and whether it had stored them by then is looked up after that.
   */
  const tellRefreshing = async (change: Change): Promise<Proven> => {
    await publish({ what: change.what, isProven: false }, namesOf(toList(change.marks)));
    const { stored } = await store(change, { critical: true });
    return stored?.known ?? noneKnown;
  };

  /** Stores a change and publishes it; one of a Redis that stores nothing is only published. Tells which tokens are stored. */
  const tell = async (change: Change, { isKept }: { isKept: boolean }): Promise<Proven> => {
    if (toList(change.marks).length === 0) return noneKnown;
    const { stored, refusal } = await store(change, { critical: true });
    if (stored !== null) return stored.names.size > 0 ? stored.known : tellRefreshing(change);
    const found = refusal === null ? null : await ask(() => apply(change, reading));
    const all = found?.names ?? namesOf(toList(change.marks).filter(({ isProven }) => isProven));
    // Tokens that were looked up and are not stored may be made up.
    const isMadeUp = found !== null && all.size === 0;
    if (isKept && !isMadeUp) await unstored.add(change, all, refusal);
    if (!isKept && refusal !== null) await publish({ what: change.what, isProven: true }, all);
    return found?.known ?? noneKnown;
  };

  return {
    /**
     * What became of the chain that these tokens lead to; where they lead nowhere, a chain begins with those that are
     * proven.
     */
    async join(marks: Marks): Promise<SharedState | null> {
      // Where Redis takes no writes, it still tells what it knows.
      const state =
        (await ask(() => find(marks, { isWritten: true }))) ?? (await ask(() => find(marks, { isWritten: false })));
      return withHeard(state, [...toList(marks).map(nameOf), state?.name ?? null]);
    },

    /** Adds tokens to a chain, or begins one with them, and tells what has become of it. An ended one takes none. */
    async extend(known: string | null, marks: Marks): Promise<SharedState | null> {
      const list = toList(marks);
      const name = known ?? list.map(nameOf)[0] ?? '';
      const toShared = (state: State): SharedState => ({ name, known: noneKnown, ...state });
      const added = await ask(async () => {
        await lead(name, list);
        return toShared(await add(name, list, marks.access));
      });
      const state = added ?? (known === null ? null : await ask(async () => toShared(await read(known))));
      return withHeard(state, [name]);
    },

    /** `of`: tokens of this chain. */
    async look(name: string, of: Marks): Promise<SharedState | null> {
      const state = await ask(async (): Promise<SharedState> => ({ name, known: noneKnown, ...(await read(name)) }));
      return withHeard(state, [name, ...toList(of).map(nameOf)]);
    },

    /** Ends the chains of these tokens, in every replica. Tells which of the tokens were stored before. */
    end: (marks: Marks, chainNames: readonly string[]): Promise<Proven> =>
      tell({ what: 'ended', marks, chainNames }, { isKept: true }),

    replace: (marks: Marks, chainNames: readonly string[]): Promise<Proven> =>
      tell({ what: 'replaced', marks, chainNames }, { isKept: false }),

    /** Tells of changes that come by unproven tokens at other replicas, while these are being refreshed. Returns its end. */
    watch(marks: readonly Mark[], onChange: OnChange): () => void {
      const watched = marks.map(nameOf);
      for (const name of watched) watchers.set(name, (watchers.get(name) ?? new Set()).add(onChange));
      return () => {
        for (const name of watched) {
          watchers.get(name)?.delete(onChange);
          if (watchers.get(name)?.size === 0) watchers.delete(name);
        }
      };
    },

    /** Whether a replica has published that this access token, or its chain, was signed out. Needs no I/O. */
    hasHeardOfEnd: (access: Mark, chainName: string | null): boolean =>
      !heard.isEmpty() &&
      [nameOf(access), chainName].some((name) => name !== null && (heard.of(name)?.endedAtMs ?? null) !== null),

    /** When the session of this access token was signed out. Null: it was not. */
    async endedAtMs(access: Mark): Promise<number | null> {
      const answer = await ask(() => redis.get(endedKey(nameOf(access))).then((ended) => ended ?? ''));
      return answer === null || answer === '' ? null : Number(answer);
    },
  };
};

export type SharedLineage = ReturnType<typeof createSharedLineage>;
