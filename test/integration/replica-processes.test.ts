import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { staff } from '../../server/dev/auth-service/people/people.ts';
import type { Dialect } from '../../server/dev/auth-service/options.ts';
import { createRawConnections } from '../support/app/raw-connections.ts';
import { postHeaders, type RawAnswer, resultOf } from '../support/app/raw-request.ts';
import { dialects } from '../support/app/start-app.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { runReplicas } from '../support/processes/run-replicas.ts';
import { john } from '../support/app/people.ts';
import { inRedis } from '../support/redis/in-redis.ts';

/** One start of each dialect for all tests. The last test of a dialect kills a process. */
const started = new Map<Dialect, ReturnType<typeof runReplicas>>();
const runningIn = (dialect: Dialect) => {
  const running = started.get(dialect) ?? runReplicas({ count: 2, authService: { dialect } });
  started.set(dialect, running);
  return running;
};
afterAll(async () => {
  for (const running of started.values()) await (await running)[Symbol.asyncDispose]();
});

/** The person of a session. */
const idOf = (answer: RawAnswer) => (resultOf(answer) as { user: { id: number } }).user.id;
/** The cookies that an answer sets, as a browser sends them. */
const heldAfter = ({ setCookies }: RawAnswer) => setCookies.map((line) => line.split(';')[0]).join('; ');

/** The number of refreshes: the environment variable `REFRESHES`, such as 4000. */
const refreshCount = Number(process.env.REFRESHES ?? 80);

it.skipIf(!hasRedis())(
  'two processes return the result of a refresh to every duplicate, and never refresh_superseded',
  async () => {
    const test = await runningIn('guide');
    test.authService.resetCalls();
    const duplicates = 8;
    const tokenCount = Math.ceil(refreshCount / duplicates);
    // Many people, because exchanges are limited per person.
    const people = staff.filter(({ is_active: isActive, second_factor: secondFactor }) => isActive && !secondFactor);
    const outcomes: Record<string, number> = {};
    const refresh = async (index: number) => {
      const tokens = await test.authService.issue({ type: 'staff', id: people[index % people.length]?.id ?? 123 });
      await Promise.all(
        Array.from({ length: duplicates }, async (_, duplicate) => {
          const browser = test.browser(duplicate % 2);
          browser.holdTokens(tokens);
          // The duplicates are spread over the duration of the exchange.
          for (let turn = 0; turn < 6 * duplicate; turn += 1) await nextTurn();
          const outcome = await browser.trpc.session.refresh.mutate().then(
            () => 'refreshed',
            (error: { data?: { reason?: string } | null; message: string }) => error.data?.reason ?? error.message,
          );
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }),
      );
    };
    for (let index = 0; index < tokenCount; index += 4) {
      await Promise.all(Array.from({ length: Math.min(4, tokenCount - index) }, (_, at) => refresh(index + at)));
    }
    expect(outcomes).toEqual({ refreshed: tokenCount * duplicates });
    expect(test.authService.count('refresh')).toBe(tokenCount);
  },
  600_000,
);

describe.skipIf(!hasRedis()).each(dialects)('two processes over one Redis, before the %s dialect', (dialect) => {
  let test: Awaited<ReturnType<typeof runReplicas>>;
  beforeAll(async () => {
    test = await runningIn(dialect);
  });

  it('make one upstream refresh for 200 concurrent refreshes with one token, and sign no browser out', async () => {
    test.authService.resetCalls();
    const tokens = await test.authService.issue(john);
    using first = createRawConnections(test.urls[0] ?? '');
    using second = createRawConnections(test.urls[1] ?? '');
    const connections = (index: number) => (index % 2 === 0 ? first : second);
    const cookie = `access_token=${tokens.access}; refresh_token=${tokens.refresh}`;
    const request = { method: 'POST', target: '/trpc/session.refresh', headers: { ...postHeaders, cookie } };
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => connections(index).ask(request)));
    expect(answers.filter((answer) => idOf(answer) === 123)).toHaveLength(200);
    expect(test.authService.count('refresh')).toBe(1);

    const held = [...new Set(answers.map(heldAfter))];
    // The deployed service keeps the refresh token.
    expect(held).toEqual([expect.stringMatching(/^access_token=eyJ[^;]+(; refresh_token=eyJ[^;]+)?$/)]);
    const me = { target: '/trpc/session.me', headers: { cookie: held[0] ?? '' } };
    const sessions = await Promise.all(Array.from({ length: 20 }, (_, index) => connections(index).ask(me)));
    expect(sessions.filter((answer) => idOf(answer) === 123)).toHaveLength(20);
    expect(held[0]).not.toContain(tokens.access);
  });

  it('complete a refresh within the lock timeout after the process that holds the lock dies', async () => {
    test.authService.resetCalls();
    // Another person, because the calls of one person in a minute are limited.
    const tokens = await test.authService.issue({ type: 'staff', id: 5 });
    const holding = (replica: number) => {
      const browser = test.browser(replica);
      browser.holdTokens(tokens);
      return browser;
    };
    test.authService.fault('refresh', { kind: 'hang' });
    const death = holding(0)
      .trpc.session.refresh.mutate()
      .catch((error: Error) => error);
    await vi.waitFor(() => expect(test.authService.count('refresh')).toBe(1));
    const others = Array.from({ length: 20 }, () => holding(1));
    const refreshes = others.map((browser) => browser.trpc.session.refresh.mutate());
    test.processes[0]?.kill('SIGKILL');
    test.authService.clearFaults();
    expect(await death).toBeInstanceOf(Error);

    // The lock of the dead process expires within 7 s. The test shortens the rest.
    const boundMs = await inRedis(test.redis, async (client) => {
      const [lock = 'no lock'] = await client.keys('*:lock');
      const ttlMs = await client.pttl(lock);
      await client.pexpire(lock, 1);
      return ttlMs;
    });
    expect(boundMs).toBeGreaterThan(0);
    expect(boundMs).toBeLessThanOrEqual(7_000);

    const answers = await Promise.all(refreshes);
    expect(answers.filter(({ user }) => user.id === 5)).toHaveLength(20);
    expect(test.authService.count('refresh')).toBe(2);
    expect(new Set(others.map(({ cookies }) => cookies.get('refresh_token'))).size).toBe(1);
  });
});
