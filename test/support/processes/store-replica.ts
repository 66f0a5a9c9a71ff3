import type { HandOver, LeaveSystem, Rotation, Take } from '../../../server/src/assignment/assignment-store.ts';
import { createRedisStore } from '../../../server/src/assignment/redis/redis-store.ts';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { silentLog } from '../output/silent-log.ts';

// A process with a Redis store of its own, which runs the operations that its parent sends.

export type StoreOperation =
  | { kind: 'take'; input: Take }
  | { kind: 'handOver'; input: HandOver }
  | { kind: 'leave'; system: LeaveSystem; id: number; isAway: boolean }
  | { kind: 'reset'; rotation: Rotation };
export type StoreRequest = { number: number; operation: StoreOperation };
/** `result` is missing: the operation failed, and Redis is back. */
export type StoreReply = { number: number; result?: unknown };

/** Longer than any machine takes. */
const timeoutMs = 60_000;
const unlimited = 1_000_000_000;
const { redis, untilReady } = createRedis({ url: process.env.REDIS_URL ?? '', log: silentLog, timeoutMs });
// Each operation in flight may wait for Redis.
redis.setMaxListeners(0);
const store = createRedisStore({
  redis,
  prefix: process.env.REDIS_PREFIX ?? '',
  sealingSecret: process.env.SEALING_KEY ?? '',
  limits: { keysPerPersonPerHour: unlimited, keysPerRotationPerHour: unlimited, rotationsPerPersonPerHour: unlimited },
});

const run = async (operation: StoreOperation): Promise<unknown> => {
  if (operation.kind === 'take') return store.take(operation.input);
  if (operation.kind === 'handOver') return store.handOver(operation.input);
  if (operation.kind === 'reset') return store.reset(operation.rotation);
  const { system, id, isAway } = operation;
  return store.setLeave(system, id, isAway ? { until: null, note: 'Zahnarzt' } : null);
};

const answer = async ({ number, operation }: StoreRequest): Promise<void> => {
  try {
    const result = (await run(operation)) ?? null;
    process.send?.({ number, result } satisfies StoreReply);
  } catch {
    // The parent repeats the operation. While Redis is down, that would fail at once.
    if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
    process.send?.({ number } satisfies StoreReply);
  }
};

process.on('message', (request: StoreRequest) => void answer(request));
process.on('disconnect', () => process.exit());
await untilReady();
process.send?.({ number: 0, result: 'ready' } satisfies StoreReply);
