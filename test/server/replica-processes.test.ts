import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { dialects } from '../support/start-app.ts';
import { hasRedis } from '../support/redis.ts';
import { runReplicas } from '../support/run-replicas.ts';

const john = { type: 'staff', id: 123 } as const;

describe.skipIf(!hasRedis()).each(dialects)('two processes over one Redis, before the %s dialect', (dialect) => {
  it('ask the Auth Service once for 200 who refresh with one token, and sign nobody out', async () => {
    await using test = await runReplicas({ count: 2, authService: { dialect } });
    const tokens = await test.authService.issue(john);
    const browsers = Array.from({ length: 200 }, (_, index) => {
      const browser = test.browser(index % 2);
      browser.holdTokens(tokens);
      return browser;
    });
    const answers = await Promise.all(browsers.map((browser) => browser.trpc.session.refresh.mutate()));
    expect(answers.filter(({ user }) => user.id === 123)).toHaveLength(200);
    expect(test.authService.count('refresh')).toBe(1);

    const held = new Set(browsers.map(({ cookies }) => JSON.stringify(Object.fromEntries(cookies))));
    expect(held.size).toBe(1);
    const sessions = await Promise.all(browsers.slice(0, 20).map((browser) => browser.trpc.session.me.query()));
    expect(sessions.filter(({ user }) => user.id === 123)).toHaveLength(20);
    expect(browsers[0]?.cookies.get('access_token')).not.toBe(tokens.access);
  });

  it('go on without the one that dies while it refreshes, within the bound', async () => {
    await using test = await runReplicas({ count: 2, authService: { dialect } });
    const tokens = await test.authService.issue(john);
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

    // The dead one's lock ends by itself within 7 s; what is left of them is cut short.
    const client = new Redis(test.redis.url);
    const [lock = 'no lock'] = await client.keys('*:lock');
    const boundMs = await client.pttl(lock);
    await client.pexpire(lock, 1);
    client.disconnect();
    expect(boundMs).toBeGreaterThan(0);
    expect(boundMs).toBeLessThanOrEqual(7_000);

    const answers = await Promise.all(refreshes);
    expect(answers.filter(({ user }) => user.id === 123)).toHaveLength(20);
    expect(test.authService.count('refresh')).toBe(2);
    expect(new Set(others.map(({ cookies }) => cookies.get('refresh_token'))).size).toBe(1);
  });
});
