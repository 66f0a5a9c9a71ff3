import { Redis } from 'ioredis';
import type { AssignmentStore } from '../../../server/src/assignment/assignment-store.ts';
import { createMemoryStore } from '../../../server/src/assignment/memory/memory-store.ts';
import { createRedisStore } from '../../../server/src/assignment/redis/redis-store.ts';
import { createLog } from '../../../server/src/platform/log.ts';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

const rounds = 5;
const assignmentsPerRound = 20_000;
/** Commands in flight, as with `redis-benchmark -c 1 -P 50`: one pipelined connection. */
const concurrency = 50;
const candidates = [1, 5, 12, 23, 123];

/** One person makes all assignments of a benchmark, so the limits must not apply. */
const most = Number.MAX_SAFE_INTEGER;
const limits = { keysPerPersonPerHour: most, keysPerRotationPerHour: most, rotationsPerPersonPerHour: most };

/** The same Redis work as an assignment with a key: the same reads, counters, writes and expiries. */
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
    while (begun < assignmentsPerRound) {
      begun += 1;
      await task(begun);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return assignmentsPerRound / ((performance.now() - startedAt) / 1_000);
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Assignments per second in memory and on Redis, compared with EVALSHA of a similar script on one connection, in alternating rounds. */
export const measureAssignments = async (print: (line: string) => void): Promise<void> => {
  let serial = 0;
  const take = (store: AssignmentStore) => () =>
    store.take({ rotation: 'tts/technician', candidates, key: `T-${(serial += 1)}`, by: 'staff 123', callerId: 123 });
  const line = (name: string, values: readonly number[]) =>
    print(`${name.padEnd(46)} ${Math.round(median(values)).toLocaleString('en').padStart(9)} assignments a second`);

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
    `${'on Redis, of bare EVALSHA'.padEnd(46)} ${(median(figures.ours) / median(figures.theirs)).toFixed(2).padStart(9)} (target: at least 0.5)`,
  );
  connection.close();
  bare.disconnect();
};
