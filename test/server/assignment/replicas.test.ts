import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service.ts';
import { hasRedis, startRedis } from '../../support/redis.ts';
import { runProcess } from '../../support/run-process.ts';
import { apiKey, signingKey } from '../../support/start-app.ts';

const turns = 30_000;
const callers = 50;

type Answer = { result?: { data: { json: { assignee: { id: number } | null; replayed: boolean } } } };

describe.skipIf(!hasRedis())('three replicas over one Redis', () => {
  it('stay fair, and give no key to two people, through the death of one and a restart of Redis', async () => {
    await using redis = await startRedis({ isDurable: true });
    await using authService = await startAuthService({ signingKey, apiKey, accessLifetimeSeconds: 3_600 });
    const { access } = await authService.issue({ type: 'staff', id: 2 });
    const env = {
      AUTH_SERVICE_URL: authService.url,
      DJANGO_JWT_SIGNING_KEY: signingKey,
      AUTH_API_KEY: apiKey,
      REDIS_URL: redis.url,
      RATE_LIMIT_PER_MINUTE: '0',
      PORT: '0',
      OPS_PORT: '0',
      LOG_LEVEL: 'info',
    };
    const replicas = [1, 2, 3].map(() => runProcess({ args: ['server/src/main.ts'], env }));
    await using _replicas = {
      [Symbol.asyncDispose]: async () =>
        void (await Promise.all(replicas.map((replica) => replica[Symbol.asyncDispose]()))),
    };
    const urls = await Promise.all(
      replicas.map(async (replica) => (await replica.printed(/"address":"([^"]+)"/))[1] ?? ''),
    );

    const next = async (url: string, key: string): Promise<number> => {
      const answer = await fetch(`${url}/trpc/assignments.next`, {
        method: 'POST',
        headers: { cookie: `access_token=${access}`, 'content-type': 'application/json', 'x-csrf': '1' },
        body: JSON.stringify({ json: { system: 'TTS', role: 'Technician', key } }),
      });
      const { result } = (await answer.json()) as Answer;
      const id = result?.data.json.assignee?.id;
      if (id === undefined) throw new Error(`No turn: ${answer.status}`);
      return id;
    };

    const given = new Map<string, Set<number>>();
    let begun = 0;
    let asked = 0;
    /** As a ticket desk does: the same key again, at another replica, until it is answered. */
    const assign = async (key: string): Promise<void> => {
      for (let attempt = 1; ; attempt += 1) {
        const url = urls[(asked += 1) % urls.length] ?? '';
        try {
          const id = await next(url, key);
          given.set(key, (given.get(key) ?? new Set()).add(id));
          return;
        } catch (error) {
          if (attempt === 300) throw error;
          await delay(20);
        }
      }
    };
    const events: Record<number, () => Promise<void>> = {
      [turns / 3]: async () => void replicas[2]?.kill('SIGKILL'),
      [(turns / 3) * 2]: async () => {
        await redis.stop();
        await redis.start();
      },
    };
    const happened: Promise<void>[] = [];
    const caller = async () => {
      while (begun < turns) {
        begun += 1;
        const number = begun;
        const event = events[number];
        if (event !== undefined) happened.push(event());
        await assign(`T-${number}`);
        // A desk that heard no answer asks again, later, too.
        if (number % 100 === 0) await assign(`T-${number}`);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await Promise.all(happened);

    expect(happened).toHaveLength(2);
    expect(given.size).toBe(turns);
    expect([...given.values()].filter((people) => people.size !== 1)).toEqual([]);
    const counts = new Map<number, number>();
    for (const [id = 0] of given.values()) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([1, 5, 12, 23, 123]);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(callers);
  }, 180_000);
});
