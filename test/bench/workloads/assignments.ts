import { Redis } from 'ioredis';
import type { AssignmentStore } from '../../../server/src/assignment/assignment-store.ts';
import { createMemoryStore } from '../../../server/src/assignment/memory-store.ts';
import { createRedisStore } from '../../../server/src/assignment/redis-store.ts';
import { createLog } from '../../../server/src/platform/log.ts';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

const rounds = 5;
const turnsPerRound = 20_000;
/** Commands under way at once, as with `redis-benchmark -c 1 -P 50`: one connection, and no waiting for each answer. */
const atOnce = 50;
const candidates = [1, 5, 12, 23, 123];

/** One person gives all turns of a benchmark. */
const most = Number.MAX_SAFE_INTEGER;
const limits = { keysPerPersonPerHour: most, keysPerRotationPerHour: most, rotationsPerPersonPerHour: most };

/** As much work for Redis as a turn with a key: the same reads, counts, writes and expiries. */
const comparableScript = `
local given = redis.call('GET', KEYS[2])
local isThere = redis.call('EXISTS', KEYS[1])
local used = redis.call('GET', KEYS[3])
local turns = redis.call('HMGET', KEYS[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7])
local ofCaller = redis.call('HMGET', KEYS[4], 'keys', 'rotations')
redis.call('HINCRBY', KEYS[4], 'keys', 1)
redis.call('HINCRBY', KEYS[4], 'rotations', 0)
redis.call('PTTL', KEYS[4])
redis.call('INCR', KEYS[3])
redis.call('PTTL', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[3], redis.call('HINCRBY', KEYS[1], 'turns', 1))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
return {ARGV[3], 0}`;

const perSecond = async (task: (index: number) => Promise<unknown>): Promise<number> => {
  let begun = 0;
  const worker = async () => {
    while (begun < turnsPerRound) {
      begun += 1;
      await task(begun);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return turnsPerRound / ((performance.now() - startedAt) / 1_000);
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Turns per second in memory and on Redis, beside bare EVALSHA of a comparable script on one connection, in alternating rounds. */
export const measureAssignments = async (print: (line: string) => void): Promise<void> => {
  let serial = 0;
  const take = (store: AssignmentStore) => () =>
    store.take({ rotation: 'tts/technician', candidates, key: `T-${(serial += 1)}`, by: 'staff 123' });
  const line = (name: string, values: readonly number[]) =>
    print(`${name.padEnd(46)} ${Math.round(median(values)).toLocaleString('en').padStart(9)} turns a second`);

  const memory: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    memory.push(await perSecond(take(createMemoryStore({ now: Date.now, limits }))));
  }
  line('in memory', memory);
  if (!hasRedis()) return;

  await using server = await startRedis();
  const connection = createRedis({ url: server.url, log: createLog({ logLevel: 'silent' }) });
  await connection.untilReady();
  const bare = new Redis(server.url);
  const sha = String(await bare.script('LOAD', comparableScript));
  const ours = take(
    createRedisStore({
      ...connection,
      prefix: 'auth-bff:',
      sealingSecret: 'the-sealing-secret-of-the-benchmarks',
      limits,
    }),
  );
  const theirs = () => {
    const keys = ['bare:turns', `bare:given:${(serial += 1)}`, 'bare:used', 'bare:caller'];
    return bare.evalsha(sha, 4, ...keys, 2_592_000_000, 86_400_000, ...candidates);
  };
  const figures = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    figures.theirs.push(await perSecond(theirs));
    figures.ours.push(await perSecond(ours));
  }
  line('bare EVALSHA, one connection', figures.theirs);
  line('on Redis', figures.ours);
  print(
    `${'on Redis, of bare EVALSHA'.padEnd(46)} ${(median(figures.ours) / median(figures.theirs)).toFixed(2).padStart(9)} (at least 0.5 is the aim)`,
  );
  connection.close();
  bare.disconnect();
};
