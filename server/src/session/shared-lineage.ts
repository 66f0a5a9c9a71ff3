import type { BlindNames } from '../blind-names.ts';
import type { OptionalRedis } from '../optional-redis.ts';
import { entryLifetimeMs } from './entry-lifetime.ts';
import { type Mark, type Marks, toList } from './lineage.ts';

/** What became of a chain, as far as all replicas know. */
export type SharedState = { name: string; endedAtMs: number | null; isReplaced: boolean };

export type SharedLineageOptions = {
  optionalRedis: OptionalRedis;
  names: BlindNames;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** What all keys begin with. */
  prefix: string;
};

const maxUntold = 10_000;
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

/**
 * The chains of all replicas, in Redis. Each token's name leads to its chain, which is a hash of its access tokens'
 * names; an access token that was signed out has a mark of its own, so that one look decides about a request. Answers
 * are null while Redis is away; a sign-out is told once it is back.
 *
 * Two who meet see each other by their order: a refresh writes which chain its tokens lead to, then looks for marks; a
 * sign-out writes its marks, then looks where the tokens lead.
 */
export const createSharedLineage = (options: SharedLineageOptions) => {
  const { optionalRedis, names, now, prefix } = options;
  const { redis, ask } = optionalRedis;
  redis.defineCommand('extendChain' satisfies keyof Commands, { numberOfKeys: 1, lua: extendScript });
  redis.defineCommand('markChain' satisfies keyof Commands, { numberOfKeys: 1, lua: markScript });
  const commands = redis as unknown as Commands;
  /** Sign-outs that Redis has not heard of yet, oldest first. */
  const untold = new Set<Marks>();

  const nameOf = ({ fingerprint }: Mark) => names('token', fingerprint);
  const chainKey = (name: string) => `${prefix}chain:${name}`;
  const leadKey = (mark: Mark) => `${prefix}chain-of:${nameOf(mark)}`;
  const endedKey = (name: string) => `${prefix}ended:${name}`;
  const endedKeys = new WeakMap<Mark, string>();
  /** Remembered for as long as the token is: every call with it asks. */
  const endedKeyOf = (access: Mark): string => {
    const key = endedKeys.get(access) ?? endedKey(nameOf(access));
    endedKeys.set(access, key);
    return key;
  };
  const ttlMs = (expiresAtMs: number) => entryLifetimeMs(expiresAtMs, now());
  const longestTtlMs = (marks: Marks) => Math.max(...toList(marks).map(({ expiresAtMs }) => ttlMs(expiresAtMs)));

  const toState = (name: string, ended: string | null | undefined, isReplaced: boolean): SharedState => ({
    name,
    endedAtMs: ended === null || ended === undefined || ended === '' ? null : Number(ended),
    isReplaced,
  });

  const read = async (name: string): Promise<SharedState> => {
    const [ended, replaced] = await redis.hmget(chainKey(name), 'ended', 'replaced');
    return toState(name, ended, typeof replaced === 'string');
  };

  const add = async (name: string, marks: Marks): Promise<SharedState> => {
    const { access } = marks;
    const token = access === null ? [] : [nameOf(access), access.expiresAtMs];
    const [ended, replaced] = await commands.extendChain(chainKey(name), longestTtlMs(marks), now(), ...token);
    return toState(name, ended, replaced === 1);
  };

  const lead = (name: string, marks: readonly Mark[]) =>
    Promise.all(marks.map((mark) => redis.set(leadKey(mark), name, 'PX', ttlMs(mark.expiresAtMs))));

  /** Marks every chain that these tokens lead to; of those that lead nowhere, the chain that each would begin. */
  const markChains = async (what: 'ended' | 'replaced', marks: Marks): Promise<string[][]> => {
    const found = await Promise.all(
      toList(marks).map(async (mark) => (await redis.get(leadKey(mark))) ?? nameOf(mark)),
    );
    return Promise.all(
      [...new Set(found)].map((name) => commands.markChain(chainKey(name), what, now(), longestTtlMs(marks))),
    );
  };

  const markEnded = (name: string, expiresAtMs: number) => redis.set(endedKey(name), now(), 'PX', ttlMs(expiresAtMs));

  const tellEnd = (marks: Marks): Promise<string | null> =>
    ask(
      async () => {
        const { access } = marks;
        if (access !== null) await markEnded(nameOf(access), access.expiresAtMs);
        for (const fields of await markChains('ended', marks)) {
          const tokens = fields.flatMap((field, index) =>
            field.startsWith(tokenField) ? [[field.slice(tokenField.length), Number(fields[index + 1])] as const] : [],
          );
          await Promise.all(tokens.map(([name, expiresAtMs]) => markEnded(name, expiresAtMs)));
        }
        return 'told';
      },
      { insists: true },
    );

  const tellUntold = async (): Promise<void> => {
    for (const marks of untold) {
      untold.delete(marks);
      if ((await tellEnd(marks)) === null) return void untold.add(marks);
    }
  };

  redis.on('ready', () => void tellUntold());

  return {
    /** What became of the chain that these tokens lead to; where they lead nowhere, a chain begins with them. */
    join: (marks: Marks): Promise<SharedState | null> =>
      ask(async () => {
        const list = toList(marks);
        const leads = await Promise.all(list.map((mark) => redis.get(leadKey(mark))));
        const [known, ...others] = new Set(leads.filter((name) => name !== null));
        const name = known ?? list.map(nameOf)[0] ?? '';
        await lead(
          name,
          list.filter((_mark, index) => leads[index] === null),
        );
        const { access } = marks;
        const [state, ended, ...otherStates] = await Promise.all([
          add(name, marks),
          access === null ? null : redis.get(endedKey(nameOf(access))),
          ...others.map(read),
        ]);
        const states = [state, toState(name, ended, false), ...otherStates];
        return {
          name,
          endedAtMs: states.find(({ endedAtMs }) => endedAtMs !== null)?.endedAtMs ?? null,
          isReplaced: states.some(({ isReplaced }) => isReplaced),
        };
      }),

    /** Adds tokens to a chain, or begins one with them, and tells what has become of it. An ended one takes none. */
    extend: (known: string | null, marks: Marks): Promise<SharedState | null> =>
      ask(async () => {
        const list = toList(marks);
        const name = known ?? list.map(nameOf)[0] ?? '';
        await lead(name, list);
        return add(name, marks);
      }),

    look: (name: string): Promise<SharedState | null> => ask(() => read(name)),

    async end(marks: Marks): Promise<void> {
      if (toList(marks).length === 0 || (await tellEnd(marks)) !== null) return;
      if (untold.size < maxUntold) untold.add(marks);
    },

    async replace(marks: Marks): Promise<void> {
      if (toList(marks).length > 0) await ask(() => markChains('replaced', marks));
    },

    /** When the session of this access token was signed out. Null: it was not. */
    async endedAtMs(access: Mark): Promise<number | null> {
      const key = endedKeyOf(access);
      const answer = await ask(() => redis.get(key).then((ended) => ended ?? ''));
      if (answer !== null && untold.size > 0) void tellUntold();
      return answer === null || answer === '' ? null : Number(answer);
    },
  };
};

export type SharedLineage = ReturnType<typeof createSharedLineage>;
