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
/** Names and values of the bare scripts are as long as those of an assignment. */
const hashed = 'h'.repeat(22);
const sealedPeople = candidates.map((id) => String(id).padStart(22, 'p'));
const entry = 'e'.repeat(64);

/** One person makes all assignments of a benchmark, so the limits must not apply. */
const most = Number.MAX_SAFE_INTEGER;
const limits = { keysPerPersonPerHour: most, keysPerRotationPerHour: most, rotationsPerPersonPerHour: most };

/** The same Redis work as an assignment with a key: the same reads, counters, writes, expiries, history and message. */
const comparableScript = `
local given = redis.call('GET', KEYS[2])
local used = redis.call('GET', KEYS[3])
local isAnyAway = redis.call('EXISTS', KEYS[6])
local turns = redis.call('HMGET', KEYS[1], 'turns', ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
local ofCaller = redis.call('HMGET', KEYS[4], 'keys', 'rotations')
local number = (turns[1] or 0) + 1
local person = ARGV[5 + number % 5]
local before = redis.call('HGET', KEYS[1], 's:' .. person)
if number % 50 == 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[5], ARGV[1])
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'e', person .. ARGV[3])
else
  redis.call('XADD', KEYS[5], '*', 'e', person .. ARGV[3])
end
redis.call('HINCRBY', KEYS[4], 'keys', 1)
redis.call('INCR', KEYS[3])
redis.call('SET', KEYS[2], person .. ARGV[4], 'PX', ARGV[2])
redis.call('HSET', KEYS[1], 'turns', number, person, number, 's:' .. person, ARGV[4])
redis.call('PUBLISH', 'bare:turns', 'a-name-of-22-characters')
return {person, 0}`;

/** The part of that work which every fair assignment needs, without leave, history, handovers and messages. */
const smallerScript = `
local given = redis.call('GET', KEYS[2])
local used = redis.call('GET', KEYS[3])
local turns = redis.call('HMGET', KEYS[1], 'turns', ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
local number = (turns[1] or 0) + 1
local person = ARGV[5 + number % 5]
local ofCaller = redis.call('HMGET', KEYS[4], 'keys', 'rotations')
redis.call('HINCRBY', KEYS[4], 'keys', 1)
redis.call('INCR', KEYS[3])
redis.call('SET', KEYS[2], person, 'PX', ARGV[2])
redis.call('HSET', KEYS[1], 'turns', number, person, number)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {person, 0}`;

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

const ratio = (values: readonly number[], others: readonly number[]): string =>
  median(values.map((value, index) => value / (others[index] ?? Number.NaN)))
    .toFixed(2)
    .padStart(9);

/** Sends a script by one connection of its own, as often as it is called. */
const startBare = async (url: string, script: string) => {
  const redis = new Redis(url);
  const sha = String(await redis.script('LOAD', script));
  const ofRotation = `bare-${sha.slice(0, 4)}:rotation:{${hashed}}:`;
  const caller = `bare-${sha.slice(0, 4)}:assigner:${hashed}`;
  let serial = 0;
  return {
    run: () => {
      const key = String((serial += 1)).padStart(22, 'k');
      const [turns, given, used, history, leave] = ['turns', `key:${key}`, 'new-keys', 'history', 'leave'].map(
        (name) => ofRotation + name,
      ) as [string, string, string, string, string];
      const keys = [turns, given, used, caller, history, leave];
      const turn = '=12345 12340 1764265000000';
      return redis.evalsha(sha, keys.length, ...keys, 2_592_000_000, 86_400_000, entry, turn, ...sealedPeople);
    },
    close: () => redis.disconnect(),
  };
};

/**
 * Assignments per second in memory and on Redis, compared with EVALSHA on one connection: of a script with the same work, and
 * of a smaller one. In alternating rounds; the ratios are medians of the rounds' own.
 */
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
  const sealingSecret = 'the-sealing-secret-of-the-benchmarks';
  const ours = take(createRedisStore({ ...connection, prefix: 'auth-bff:', sealingSecret, limits }));
  const same = await startBare(server.url, comparableScript);
  const smaller = await startBare(server.url, smallerScript);
  const figures = { ours: [] as number[], same: [] as number[], smaller: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    figures.same.push(await perSecond(same.run));
    figures.ours.push(await perSecond(ours));
    figures.smaller.push(await perSecond(smaller.run));
  }
  line('bare EVALSHA with the same work', figures.same);
  line('bare EVALSHA without leave and history', figures.smaller);
  line('on Redis', figures.ours);
  const name = 'on Redis, relative to bare EVALSHA';
  print(`${name.padEnd(46)} ${ratio(figures.ours, figures.same)} (target: at least 0.7)`);
  print(`${`${name} without them`.padEnd(46)} ${ratio(figures.ours, figures.smaller)}`);
  connection.close();
  same.close();
  smaller.close();
};
