import type { HandOver, Take } from '../../../server/src/assignment/assignment-store.ts';
import { createRedisStore } from '../../../server/src/assignment/redis/redis-store.ts';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { silentLog } from '../output/silent-log.ts';

// A process with a Redis store of its own, which runs the operations that its parent sends.

export type StoreOperation =
  | { kind: 'take'; input: Take }
  | { kind: 'handOver'; input: HandOver }
  | { kind: 'leave'; system: string; id: number; isAway: boolean };
export type StoreRequest = { number: number; operation: StoreOperation };
/** `result` is missing: the operation failed. */
export type StoreReply = { number: number; result?: unknown };

/** An operation that takes longer fails, and the test repeats it. */
const timeoutMs = 2_000;
const unlimited = 1_000_000_000;
const { redis, untilReady } = createRedis({ url: process.env.REDIS_URL ?? '', log: silentLog, timeoutMs });
const store = createRedisStore({
  redis,
  prefix: 'replicas:',
  sealingSecret: 'a-sealing-secret-of-the-tests',
  limits: { keysPerPersonPerHour: unlimited, keysPerRotationPerHour: unlimited, rotationsPerPersonPerHour: unlimited },
});

const run = async (operation: StoreOperation): Promise<unknown> => {
  if (operation.kind === 'take') return store.take(operation.input);
  if (operation.kind === 'handOver') return store.handOver(operation.input);
  const { system, id, isAway } = operation;
  await store.setLeave(system, id, isAway ? { until: null, note: null } : null);
  return 'set';
};

process.on('message', ({ number, operation }: StoreRequest) => {
  run(operation).then(
    (result) => process.send?.({ number, result } satisfies StoreReply),
    () => process.send?.({ number } satisfies StoreReply),
  );
});
process.on('disconnect', () => process.exit());
await untilReady();
process.send?.({ number: 0, result: 'ready' } satisfies StoreReply);
