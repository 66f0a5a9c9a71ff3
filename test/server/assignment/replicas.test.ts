import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { postHeaders } from '../../support/app/raw-request.ts';
import { hasRedis } from '../../support/redis/redis.ts';
import { runReplicas } from '../../support/processes/run-replicas.ts';

/** As many as `ASSIGNMENT_TURNS` says, such as 9000. */
const turns = Number(process.env.ASSIGNMENT_TURNS ?? 150);
const callers = 25;
/** Some minutes: a restart of Redis takes as long as the machine lets it. */
const maxAttempts = 10_000;

type Answer = { result?: { data: { json: { assignee: { id: number } | null; replayed: boolean } } } };

describe.skipIf(!hasRedis())('three replicas with one Redis', () => {
  it('stay fair and give no key to two people when one dies and Redis restarts', async () => {
    await using test = await runReplicas({
      count: 3,
      redis: { isDurable: true },
      authService: { accessLifetimeSeconds: 36_000 },
      env: { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'error' },
    });
    const { redis, processes: replicas, urls } = test;
    const connections = urls.map((url) => createRawConnections(url));
    const { access } = await test.authService.issue({ type: 'staff', id: 2 });

    const next = async (replica: number, key: string): Promise<number> => {
      const { ask } = connections[replica] ?? createRawConnections('no such replica');
      const { status, body } = await ask({
        method: 'POST',
        target: '/trpc/assignments.next',
        headers: { ...postHeaders, cookie: `access_token=${access}` },
        body: JSON.stringify({ json: { system: 'TTS', role: 'Technician', key } }),
      });
      const { result } = JSON.parse(body) as Answer;
      const id = result?.data.json.assignee?.id;
      if (id === undefined) throw new Error(`No turn: ${status}`);
      return id;
    };

    const given = new Map<string, Set<number>>();
    let begun = 0;
    let asked = 0;
    /** Like a ticket desk, repeats the same key at another replica until it gets a response. */
    const assign = async (key: string): Promise<void> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const id = await next((asked += 1) % urls.length, key);
          given.set(key, (given.get(key) ?? new Set()).add(id));
          return;
        } catch (error) {
          if (attempt === maxAttempts) throw error;
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
        // A desk without a response also retries later.
        if (number % 10 === 0) await assign(`T-${number}`);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await Promise.all(happened);
    // No assignment is lost from before the death, between the two events, or after the restart.
    await Promise.all(Array.from({ length: Math.floor(turns / 10) }, (_, index) => assign(`T-${index * 10 + 1}`)));

    expect(happened).toHaveLength(2);
    expect(given.size).toBe(turns);
    expect([...given.values()].filter((people) => people.size !== 1)).toEqual([]);
    const counts = new Map<number, number>();
    for (const [id = 0] of given.values()) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([1, 5, 12, 23, 123]);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  }, 600_000);
});
