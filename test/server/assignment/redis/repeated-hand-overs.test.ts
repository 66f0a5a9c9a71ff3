import { expect, it } from 'vitest';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import { inRedis } from '../../../support/redis/in-redis.ts';
import { hasRedis, startRedis } from '../../../support/redis/redis.ts';

it.skipIf(!hasRedis())(
  'a repeat counts for its time by the clock of Redis, and otherwise as long as the key',
  async () => {
    await using server = await startRedis();
    await inRedis(server, async (redis) => {
      const store = createRedisStore({ redis, prefix: 'auth-bff:', sealingSecret: 'secret' });
      const call = {
        rotation: 'tts/technician',
        candidates: [1, 5, 12, 23, 31],
        by: 'staff 2',
        callerId: 2,
        key: 'T-1',
      };
      await store.take(call);
      const handOver = (repeatKey: string, repeatForMs?: number) => store.handOver({ ...call, repeatKey, repeatForMs });
      expect(await handOver('for an hour', 3_600_000)).toEqual({ assignee: 5, replayed: false });
      expect(await handOver('for no time', 0)).toEqual({ assignee: 12, replayed: false });
      expect(await handOver('for no time', 0)).toEqual({ assignee: 23, replayed: false });
      expect(await handOver('as long as the key')).toEqual({ assignee: 31, replayed: false });
      expect(await handOver('for an hour', 3_600_000)).toEqual({ assignee: 5, replayed: true });
      expect(await handOver('as long as the key')).toEqual({ assignee: 31, replayed: true });
      expect(await handOver('for no time', 0)).toBe('all_excluded');
    });
  },
);
