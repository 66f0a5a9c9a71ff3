import type { AppOptions } from '../app-options.ts';
import type { Directory } from '../directory/directory.ts';
import type { Platform } from '../platform/platform.ts';
import { defaultAssignmentLimits } from './assignment-limits.ts';
import { createAssignments } from './assignments.ts';
import { startSystemTimer } from '../platform/start-timer.ts';
import { createMemoryStore } from './memory/memory-store.ts';
import { createRedisStore } from './redis/redis-store.ts';
import { createTurnFeed } from './turn-feed.ts';

export type AssignmentServiceOptions = Pick<AppOptions, 'assignmentLimits' | 'startTurnTimer'> & {
  platform: Platform;
  directory: Directory;
};

/** The assignment engine with its store: Redis if it is configured, otherwise memory. */
export const createAssignmentService = (options: AssignmentServiceOptions) => {
  const { platform, directory, assignmentLimits, startTurnTimer = startSystemTimer } = options;
  const { config, log, metrics, now, monotonicNow, redis } = platform;
  const limits = { ...defaultAssignmentLimits, ...assignmentLimits };
  const memoryStore = createMemoryStore({
    limits,
    now,
    onForgotten: (what) =>
      log.warn(
        { what },
        'The memory store of assignments is full: it evicts the oldest keys or unused rotations early, and such a key may be assigned again. Set REDIS_URL to keep them in Redis.',
      ),
  });
  const redisStore =
    redis === null
      ? null
      : createRedisStore({
          ...redis.connection,
          prefix: config.redisPrefix,
          sealingSecret: config.sealingSecret,
          limits,
          monotonicNow,
          openChannel: (channel) =>
            redis.openChannel({
              ...channel,
              onRefused: (cause) =>
                log.error(
                  { cause, channel: channel.name },
                  'Redis rejected SUBSCRIBE: subscriptions to turns are up to 15 s late in this process. Grant the Redis user SUBSCRIBE and PUBLISH on this channel.',
                ),
            }),
        });
  const store = redisStore ?? memoryStore;
  const assignments = createAssignments({
    store,
    turnFeed: createTurnFeed({ store, startTimer: startTurnTimer }),
    directory,
    onLimited: () => metrics.countRateLimited('assignment_keys'),
    onAssignment(event) {
      metrics.countAssignment(event);
      log.info({ ...event, replayed: event.outcome === 'replayed' }, 'assignment');
    },
  });
  return {
    assignments,
    /** Estimated memory of rotations and keys. Null: they are in Redis. */
    memoryBytes: redisStore === null ? memoryStore.bytes : null,
  };
};
