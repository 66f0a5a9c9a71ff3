import { describe, expect, it, vi } from 'vitest';
import { createBrowser } from '../../support/app/browser.ts';
import { runReplicas } from '../../support/processes/run-replicas.ts';
import { hasRedis } from '../../support/redis/redis.ts';

/** The number of tickets: the environment variable `ASSIGNMENT_TICKETS`, such as 900. */
const tickets = Number(process.env.ASSIGNMENT_TICKETS ?? 45);
const callersAtOnce = 8;
const technicians = { system: 'TTS', role: 'Technician' };
const manager = 2;
const callers = [manager, 1, 12];
const awayId = 5;
/** Some minutes: a restart of Redis takes as long as the machine lets it. */
const patient = { timeout: 300_000, interval: 10 };

describe.skipIf(!hasRedis())('three replicas with one Redis', () => {
  it('hand tickets on, know who is away and tell the same history when one dies and Redis restarts', async () => {
    await using test = await runReplicas({
      count: 3,
      redis: { isDurable: true },
      authService: { accessLifetimeSeconds: 36_000 },
      env: { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'error' },
    });
    const { redis, processes } = test;
    const tokens = new Map<number, string>();
    for (const id of [...callers, awayId]) {
      tokens.set(id, (await test.authService.issue({ type: 'staff', id })).access);
    }
    const clientOf = (id: number, replica: number, headers: Record<string, string> = {}) => {
      const browser = createBrowser({ url: test.urls[replica] ?? 'no such replica', headers });
      browser.holdTokens({ access: tokens.get(id) ?? '' });
      return browser.trpc.assignments;
    };
    let sent = 0;
    /** Repeats a call at the next replica that runs until it is answered, always with one idempotency key. */
    const ask = <Answer>(
      id: number,
      call: (assignments: ReturnType<typeof clientOf>) => Promise<Answer>,
      idempotencyKey?: string,
    ): Promise<Answer> =>
      vi.waitFor(() => {
        do sent += 1;
        while (processes[sent % processes.length]?.hasExited());
        const headers = idempotencyKey === undefined ? {} : { 'x-idempotency-key': idempotencyKey };
        return call(clientOf(id, sent % processes.length, headers));
      }, patient);
    const assign = async (id: number, key?: string): Promise<number> =>
      (await ask(id, ({ next }) => next.mutate({ ...technicians, key }))).assignee?.id ?? 0;
    const handOver = async (id: number, key: string, idempotencyKey: string): Promise<number> =>
      (await ask(id, ({ reassign }) => reassign.mutate({ ...technicians, key }), idempotencyKey)).assignee?.id ?? 0;

    const wrong: string[] = [];
    const had = new Map<string, number[]>();
    const handle = async (number: number): Promise<void> => {
      const key = `T-${number}`;
      const by = callers[number % callers.length] ?? manager;
      const people = [await assign(by, key)];
      for (let step = 0; step < number % 3; step += 1) {
        // Two replicas get the same handover at once.
        const [one = 0, other] = await Promise.all([1, 2].map(() => handOver(by, key, `${key}-${step}`)));
        if (one !== other) wrong.push(`${key}: handed on to ${one} and ${other}`);
        people.push(one);
      }
      if ((await assign(by, key)) !== people.at(-1)) wrong.push(`${key}: two people`);
      had.set(key, people);
    };

    await ask(awayId, ({ setAvailability }) => setAvailability.mutate({ system: 'TTS', away: true, note: 'Zahnarzt' }));
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < tickets) {
        begun += 1;
        const number = begun;
        if (number === Math.ceil(tickets / 3)) processes[2]?.kill('SIGKILL');
        if (number === Math.ceil((tickets / 3) * 2)) {
          await redis.stop();
          await redis.start();
        }
        await handle(number);
      }
    };
    await Promise.all(Array.from({ length: callersAtOnce }, caller));

    expect(wrong).toEqual([]);
    expect(had.size).toBe(tickets);
    // Nobody gets a ticket twice, and the person who is away gets none.
    const all = [...had.values()];
    expect(all.filter((people) => new Set(people).size !== people.length)).toEqual([]);
    expect(new Set(all.flat())).toEqual(new Set([1, 12, 23, 123]));

    const historyAt = (replica: number) =>
      vi.waitFor(() => clientOf(manager, replica).history.query({ ...technicians, limit: 500 }), patient);
    const [{ entries }, other] = await Promise.all([historyAt(0), historyAt(1)]);
    expect(other.entries).toEqual(entries);
    const told = new Map<string | null, number[]>();
    for (const { key, assignee, by, kind } of entries.toReversed()) {
      const before = told.get(key) ?? [];
      told.set(key, [...before, assignee]);
      const number = Number(key?.slice(2));
      expect([by, kind]).toEqual([callers[number % callers.length], before.length === 0 ? 'assigned' : 'reassigned']);
    }
    // The oldest of many tickets are no longer in the answer.
    const known = entries.length < 500 ? [...told].map(([key]) => key ?? '') : [];
    expect(known.map((key) => told.get(key))).toEqual(known.map((key) => had.get(key)));
    expect(entries.length === 500 || told.size === tickets).toBe(true);

    const rotation = () => ask(manager, (assignments) => assignments.rotation.query(technicians));
    const away = (await rotation()).people.at(-1);
    expect([away?.user.id, away?.turns, away?.away]).toEqual([awayId, 0, { until: null, note: 'Zahnarzt' }]);
    // Back, they have waited longest. After a reset, the order is that of the ids.
    await ask(manager, ({ setAvailability }) => setAvailability.mutate({ system: 'TTS', userId: awayId, away: false }));
    expect(await assign(manager)).toBe(awayId);
    await ask(manager, ({ reset }) => reset.mutate(technicians));
    expect((await rotation()).people.map(({ user, turns }) => [user.id, turns])).toEqual(
      [1, 5, 12, 23, 123].map((id) => [id, 0]),
    );
    for (const id of [1, 5, 12]) expect(await assign(manager)).toBe(id);
    expect(await assign(manager, 'T-2')).toBe(had.get('T-2')?.at(-1));
  }, 600_000);
});
