import type { Cluster, Redis } from 'ioredis';
import { cutoffKeyOf } from '../cutoff/cutoff-store.ts';
import {
  mergeStates,
  type RevocationState,
  type StoredFamily,
  type StoredToken,
  toState,
  toTime,
  withoutSince,
} from './family-state.ts';
import { createFamilyKeys, type FamilyKeysOptions } from './family-keys.ts';
import { defineFamilyCommands, tokenField } from './family-scripts.ts';
import type { ExpiringNames, Revocation } from './revocation-queue.ts';
import {
  entryTtlMs,
  type ProvableTokenRef,
  type ProvenTokens,
  toRefList,
  type TokenRef,
  type TokenRefs,
} from './token-refs.ts';

/** The values of several keys. In a cluster they are on different nodes. */
const readAll = (redis: Redis | Cluster, keys: string[]): Promise<Array<string | null>> =>
  'nodes' in redis ? Promise.all(keys.map((key) => redis.get(key))) : redis.mget(keys);

/** What a revocation has reached. */
export type RevocationReach = {
  /** Which of its tokens were stored before, and are therefore proven. */
  stored: ProvenTokens;
  /** The tokens and families that it applies to. */
  names: ExpiringNames;
};

export type FamilyStoreOptions = FamilyKeysOptions & {
  redis: Redis | Cluster;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The longest TTL of an entry, in milliseconds. */
  maxTtlMs: number;
};

/** Whether a revocation is written to Redis, or only looks up the names that it would reach. */
type RevocationSteps = {
  /** Resolves to the fields of the family and their values. */
  family: (name: string, ttlMs: number) => Promise<string[]>;
  token: (name: string, expiresAtMs: number) => Promise<unknown>;
};

/**
 * Token families in Redis. Each token has an entry with the name of its family. The family is a hash with the names of
 * its access tokens. An access token that was signed out has an additional entry, so that one round trip decides about a
 * request. Only proven tokens are stored. All methods reject with the errors of Redis.
 *
 * A refresh and a sign-out at the same time see each other because of their order: a refresh first writes the family of
 * its tokens, then reads the revocations; a sign-out first writes its revocation, then reads the families of its tokens.
 */
export const createFamilyStore = ({ redis, keyHasher, now, prefix, maxTtlMs }: FamilyStoreOptions) => {
  const commands = defineFamilyCommands(redis);
  const { nameOf, familyKey, familyNameKey, revokedKey, sinceKey } = createFamilyKeys({ keyHasher, prefix });
  const ttlMs = (expiresAtMs: number) => entryTtlMs(expiresAtMs, now(), maxTtlMs);
  const longestTtlMs = (refs: readonly TokenRef[]) => Math.max(...refs.map(({ expiresAtMs }) => ttlMs(expiresAtMs)));

  const read = async (name: string): Promise<RevocationState> => {
    const [ended, replaced, since] = await redis.hmget(familyKey(name), 'ended', 'replaced', 'since');
    return toState(ended, typeof replaced === 'string', since);
  };

  const addToken = async (
    name: string,
    refs: readonly TokenRef[],
    access: TokenRef | null,
  ): Promise<RevocationState> => {
    const token = access === null ? [] : [nameOf(access), access.expiresAtMs];
    const [ended, replaced, since] = await commands.addTokenToFamily(
      familyKey(name),
      longestTtlMs(refs),
      now(),
      ...token,
    );
    return toState(ended, replaced === 1, since);
  };

  const writeFamilyName = (name: string, refs: readonly TokenRef[]) =>
    Promise.all(refs.map((ref) => redis.set(familyNameKey(ref), name, 'PX', ttlMs(ref.expiresAtMs))));

  /** The family name of each token, or null, and which tokens are proven: a stored token is. */
  const readFamilyNames = async (refs: TokenRefs) => {
    const entries = await Promise.all(
      toRefList(refs).map(async (ref) => ({ ref, name: await redis.get(familyNameKey(ref)) })),
    );
    const isStored = (ref: ProvableTokenRef | null) =>
      entries.some((entry) => entry.ref === ref && entry.name !== null);
    return {
      entries,
      proven: entries.filter(({ ref, name }) => ref.isProven || name !== null),
      stored: { access: isStored(refs.access), refresh: isStored(refs.refresh) },
    };
  };

  const writeSteps = (what: Revocation['what']): RevocationSteps => ({
    family: (name, lifetimeMs) => commands.revokeFamily(familyKey(name), what, now(), lifetimeMs),
    token: async (name, expiresAtMs) =>
      what === 'ended' ? redis.set(revokedKey(name), now(), 'PX', ttlMs(expiresAtMs)) : null,
  });
  const readSteps: RevocationSteps = {
    family: async (name) => Object.entries(await redis.hgetall(familyKey(name))).flat(),
    token: async () => null,
  };

  const keepSteps = (sinceMs: number): RevocationSteps => ({
    family: (name, lifetimeMs) => commands.keepFamily(familyKey(name), sinceMs, lifetimeMs),
    token: (name, expiresAtMs) => redis.set(sinceKey(name), sinceMs, 'PX', ttlMs(expiresAtMs)),
  });

  /** Reaches every family of these tokens. For a token without a family, reaches the family that would begin with it. */
  const reachAll = async (
    { refs, familyNames }: Pick<Revocation, 'refs' | 'familyNames'>,
    steps: RevocationSteps,
  ): Promise<RevocationReach> => {
    const { access } = refs;
    const names = new Map<string, number>();
    const reachToken = async (name: string, expiresAtMs: number) => {
      names.set(name, now() + ttlMs(expiresAtMs));
      await steps.token(name, expiresAtMs);
    };
    if (access?.isProven === true) await reachToken(nameOf(access), access.expiresAtMs);
    const { proven, stored } = await readFamilyNames(refs);
    if (proven.length === 0) return { stored, names };
    const provenTokens = proven.map(({ ref }) => ref);
    if (access !== null && stored.access) await reachToken(nameOf(access), access.expiresAtMs);
    for (const ref of provenTokens) names.set(nameOf(ref), now() + ttlMs(ref.expiresAtMs));
    const lifetimeMs = longestTtlMs(provenTokens);
    const families = new Set([...familyNames, ...proven.map(({ ref, name }) => name ?? nameOf(ref))]);
    await Promise.all(
      [...families].map(async (name) => {
        const fields = await steps.family(name, lifetimeMs);
        names.set(name, now() + lifetimeMs);
        const tokens = fields.flatMap((field, index) =>
          field.startsWith(tokenField) ? [[field.slice(tokenField.length), Number(fields[index + 1])] as const] : [],
        );
        await Promise.all(tokens.map(([tokenName, expiresAtMs]) => reachToken(tokenName, expiresAtMs)));
      }),
    );
    return { stored, names };
  };

  return {
    /** The name of a token in Redis: also the name of the family that begins with it. */
    nameOf,

    /** The names of these tokens, each with the time at which its entry expires. */
    expiringNamesOf: (refs: readonly TokenRef[]): ExpiringNames =>
      new Map(refs.map((ref) => [nameOf(ref), now() + ttlMs(ref.expiresAtMs)])),

    /** The state of a family, by its name. */
    read,

    /** Adds issued tokens to a family, which counts as begun at `sinceMs` unless that is 0. */
    async add(name: string, refs: TokenRefs, sinceMs: number): Promise<RevocationState> {
      const list = toRefList(refs);
      const { access } = refs;
      await writeFamilyName(name, list);
      if (sinceMs > 0) await commands.keepFamily(familyKey(name), sinceMs, longestTtlMs(list));
      const state = await addToken(name, list, access);
      if (state.sinceMs > 0 && access !== null) {
        await keepSteps(state.sinceMs).token(nameOf(access), access.expiresAtMs);
      }
      return state;
    },

    /** The state of the families of these tokens. `isWritten`: first stores the family of the proven ones. */
    async find(refs: TokenRefs, { isWritten }: { isWritten: boolean }): Promise<StoredFamily> {
      const { access } = refs;
      const { entries, proven, stored } = await readFamilyNames(refs);
      const storedName = entries.map(({ name }) => name).find((name) => name !== null) ?? null;
      const [first] = proven;
      const name = storedName ?? (isWritten && first !== undefined ? nameOf(first.ref) : null);
      const provenTokens = proven.map(({ ref }) => ref);
      const isAdded = isWritten && name !== null;
      if (isAdded) {
        const unnamed = proven.filter((entry) => entry.name === null).map(({ ref }) => ref);
        await writeFamilyName(name, unnamed);
      }
      const provenAccess = provenTokens.find((ref) => ref === access) ?? null;
      const otherFamilies = new Set(entries.map((entry) => entry.name ?? nameOf(entry.ref)));
      if (isAdded) otherFamilies.delete(name);
      const states = await Promise.all([
        ...(isAdded ? [addToken(name, provenTokens, provenAccess)] : []),
        ...(access === null ? [] : [redis.get(revokedKey(nameOf(access))).then((ended) => toState(ended, false))]),
        // Only the family itself keeps the session.
        ...[...otherFamilies].map(async (other) => withoutSince(await read(other))),
      ]);
      return { name, stored, ...mergeStates(states) };
    },

    /** Writes a revocation. */
    revoke: (revocation: Revocation): Promise<RevocationReach> => reachAll(revocation, writeSteps(revocation.what)),

    /** Looks up what a revocation would reach, without writing it. */
    reachOf: (revocation: Pick<Revocation, 'refs' | 'familyNames'>): Promise<RevocationReach> =>
      reachAll(revocation, readSteps),

    /** Lets the families of these tokens count as begun at `sinceMs`, with all of their tokens. */
    keep: (kept: Pick<Revocation, 'refs' | 'familyNames'>, sinceMs: number): Promise<RevocationReach> =>
      reachAll(kept, keepSteps(sinceMs)),

    /** What is stored about an access token and its person, in one round trip. `person`: the name of the person in cutoffs. */
    async lookUp(access: TokenRef, person: string): Promise<StoredToken> {
      const name = nameOf(access);
      const [ended, since, cutoff] = await readAll(redis, [
        revokedKey(name),
        sinceKey(name),
        cutoffKeyOf(prefix, person),
      ]);
      return { revokedAtMs: toTime(ended), sinceMs: toTime(since) ?? 0, cutoffMs: toTime(cutoff) };
    },
  };
};

export type FamilyStore = ReturnType<typeof createFamilyStore>;
