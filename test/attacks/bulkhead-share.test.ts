import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { staff } from '../../server/dev/auth-service/people/people-staff.ts';
import { type Browser, errorDataOf } from '../support/app/browser.ts';
import { browserOf, crowd } from '../support/app/crowd.ts';
import { apiKey, createClock, dialects, forgetful, signingKey, startApp } from '../support/app/start-app.ts';
import { startHoldingProxy } from '../support/auth-service/start-holding-proxy.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';

const attackers = crowd(4, 500_000);
const attackersAddress = '203.0.113.66';
const companyIds = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `XX${from + index}`);
const seeded = staff.filter(({ is_active }) => is_active).slice(0, 4);

/** A BFF whose Auth Service holds the responses to the attackers until released, and answers other callers normally. */
const startAttacked = async (dialect: (typeof dialects)[number]) => {
  const { now } = createClock();
  const upstream = await startAuthService({ dialect, signingKey, apiKey, now });
  const tokens = new Set<string>();
  const proxy = await startHoldingProxy({
    upstream: upstream.url,
    isHeld: ({ cookie = '', 'x-forwarded-for': address }) =>
      address === attackersAddress || [...tokens].some((token) => cookie.includes(token)),
  });
  const app = await startApp({
    now,
    upstream,
    env: { ...forgetful, AUTH_SERVICE_URL: proxy.url, TRUST_PROXY: '1', LOG_LEVEL: 'warn' },
  });
  let requests = 0;
  app.app.server.server.on('request', () => {
    requests += 1;
  });
  const answers: Array<Promise<PromiseSettledResult<unknown>>> = [];
  let answered = 0;
  const attackBy = async (id: number) => {
    const { access } = await upstream.issue({ type: 'staff', id });
    tokens.add(access);
    return {
      /** Sends calls in one batch. Resolves when the BFF has received it, before any response. */
      async send(calls: (trpc: Browser['trpc']) => Array<Promise<unknown>>): Promise<void> {
        const before = requests;
        const browser = app.browser();
        browser.holdTokens({ access });
        for (const call of calls(browser.trpc)) {
          const ended = Promise.allSettled([call]).then(([outcome]) => {
            answered += 1;
            return outcome;
          });
          answers.push(ended);
        }
        await expect.poll(() => requests).toBeGreaterThan(before);
      },
    };
  };
  return {
    app,
    upstream,
    proxy,
    attackBy,
    /** Number of attackers' calls that have a response. */
    answered: () => answered,
    /** Releases the held responses. Returns the outcome of each attacker's call: `OK`, or the reason. */
    async release(): Promise<string[]> {
      proxy.release();
      const outcomes = await Promise.all(answers);
      return Promise.all(
        outcomes.map(async (outcome) =>
          outcome.status === 'fulfilled' ? 'OK' : (await errorDataOf(Promise.reject(outcome.reason as Error))).reason,
        ),
      );
    },
    async [Symbol.asyncDispose]() {
      proxy.release();
      await app[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
};

type Attacked = Awaited<ReturnType<typeof startAttacked>>;

/** Loads a page as several people. Nothing is cached, so every lookup is an upstream request. */
const lookUp = async ({ app }: Attacked, attack: string) => {
  const victim = createVictim();
  const users = crowd(100, 1_000);
  await Promise.all(
    seeded.map(async ({ id, company_id: companyId }, index) => {
      const { trpc } = await browserOf(app, id);
      const others = users.slice(index * 4, index * 4 + 4);
      await victim.attempt(() => trpc.users.byId.query({ id: others[0] ?? 0 }));
      await Promise.all(others.map((other) => victim.attempt(() => trpc.users.byId.query({ id: other }))));
      await victim.attempt(() => trpc.users.byIds.query({ ids: others }));
      await victim.attempt(() => trpc.users.byCompanyId.query({ companyId }));
      await victim.attempt(() => trpc.users.me.query());
    }),
  );
  reportVictim(attack, victim);
  expect(victim.failures()).toEqual({});
  expect(victim.rate()).toBe(1);
};

describe.each(dialects)('lookups of other people do not queue behind those of one person (%s dialect)', (dialect) => {
  it('while that person sends batches of 50 company ids whose calls never end', async () => {
    await using test = await startAttacked(dialect);
    const attacker = await test.attackBy(attackers[0] ?? 0);
    for (let batch = 0; batch < 3; batch += 1) {
      await attacker.send((trpc) =>
        companyIds(50, batch * 50).map((companyId) => trpc.users.byCompanyId.query({ companyId })),
      );
    }
    await expect.poll(test.proxy.held).toBe(16);
    await lookUp(test, `150 slow company ids of one person (${dialect})`);
    const outcomes = await test.release();
    // One person gets a quarter of the slots, and half of the queue.
    expect(test.proxy.mostHeld()).toBe(16);
    expect(outcomes.filter((outcome) => outcome === 'user_not_found')).toHaveLength(16 + 128);
    expect(outcomes.filter((outcome) => outcome === 'overloaded')).toHaveLength(150 - 16 - 128);
  });

  it('while that person looks up thousands of users that others look up too', async () => {
    await using test = await startAttacked(dialect);
    const attacker = await test.attackBy(attackers[0] ?? 0);
    const page = (from: number) => attacker.send((trpc) => [trpc.users.byIds.query({ ids: crowd(400, from) })]);
    for (let count = 0; count < 4; count += 1) await page(100_000 + count * 400);
    await expect.poll(test.proxy.held).toBe(16);
    await page(1_000);
    await lookUp(test, `2,000 slow users of one person (${dialect})`);
    expect([test.proxy.mostHeld(), test.answered()]).toEqual([16, 0]);
    // The attacker's calls wait for the attacker's own share, and none is rejected.
    expect(new Set(await test.release())).toEqual(new Set(['OK']));
  });

  it('while the bulk-lookup probe runs in the first lookup of that person', async () => {
    await using test = await startAttacked(dialect);
    const attacker = await test.attackBy(attackers[0] ?? 0);
    const page = (from: number) => attacker.send(({ users }) => crowd(20, from).map((id) => users.byId.query({ id })));
    await page(100_000);
    await expect.poll(test.proxy.held).toBe(1);
    await page(1_000);
    await lookUp(test, `slow first lookups of one person (${dialect})`);
    await test.release();
  });
});

describe('lookups of other people by company id do not queue behind those of one person', () => {
  const dialect = 'guide';
  it('while that person looks up the same company ids', async () => {
    await using test = await startAttacked(dialect);
    const attacker = await test.attackBy(attackers[0] ?? 0);
    await attacker.send((trpc) => companyIds(24).map((companyId) => trpc.users.byCompanyId.query({ companyId })));
    await expect.poll(test.proxy.held).toBe(16);
    await attacker.send((trpc) =>
      seeded.map(({ company_id: companyId }) => trpc.users.byCompanyId.query({ companyId })),
    );
    await lookUp(test, `the same company ids, slow for one person (${dialect})`);
    await test.release();
  });

  it('while four people look them up', async () => {
    await using test = await startAttacked(dialect);
    for (const [index, id] of attackers.entries()) {
      const attacker = await test.attackBy(id);
      await attacker.send((trpc) =>
        companyIds(24, index * 24).map((companyId) => trpc.users.byCompanyId.query({ companyId })),
      );
    }
    await expect.poll(test.proxy.held).toBeGreaterThanOrEqual(16 + 16 + 16 + 8);
    await lookUp(test, `96 slow company ids of four people (${dialect})`);
    await test.release();
  });
});

it('lookups do not queue behind those of one person if the Auth Service lacks the bulk endpoint', async () => {
  await using test = await startAttacked('guide');
  test.upstream.fault('users', { kind: 'status', status: 404 });
  const { trpc } = await browserOf(test.app, 123);
  await Promise.all(crowd(2).map((id) => trpc.users.byId.query({ id })));
  const attacker = await test.attackBy(attackers[0] ?? 0);
  const page = (from: number) => attacker.send(({ users }) => crowd(50, from).map((id) => users.byId.query({ id })));
  await page(100_000);
  await expect.poll(test.proxy.held).toBe(16);
  for (let count = 0; count < 2; count += 1) await page(1_000 + count * 50);
  const victim = createVictim();
  await Promise.all(
    seeded.map(async ({ id }, index) => {
      const browser = await browserOf(test.app, id);
      // Includes users that the attacker looks up.
      const ids = [...crowd(4, 1_090 - index), ...crowd(4, 5_000 + index * 8)];
      await Promise.all(ids.map((other) => victim.attempt(() => browser.trpc.users.byId.query({ id: other }))));
    }),
  );
  reportVictim('150 slow users of one person, one by one', victim);
  expect([victim.failures(), victim.rate()]).toEqual([{}, 1]);
  expect([test.proxy.mostHeld(), test.answered()]).toEqual([16, 0]);
  expect(new Set(await test.release())).toEqual(new Set(['OK']));
});

it('lookups and sign-ins of other people do not queue behind sign-ins from one network with made-up e-mails', async () => {
  await using test = await startAttacked('guide');
  const attacks = Array.from({ length: 40 }, (_, index) =>
    test.app
      .browser({ headers: { 'x-forwarded-for': attackersAddress } })
      .trpc.session.login.mutate({ email: `nobody.${index}@example.com`, password: 'x' })
      .catch(() => {}),
  );
  await expect.poll(test.proxy.held).toBe(16);
  const victim = createVictim();
  await Promise.all(
    seeded.map(({ email }, index) => {
      const { trpc } = test.app.browser({ headers: { 'x-forwarded-for': `198.51.100.${index}` } });
      return victim.attempt(() => trpc.session.login.mutate({ email, password: 'staff-pass-1' }));
    }),
  );
  reportVictim('40 slow sign-ins from one network', victim);
  expect([victim.failures(), victim.rate()]).toEqual([{}, 1]);
  await lookUp(test, '40 slow sign-ins from one network');
  expect(test.proxy.mostHeld()).toBe(16);
  await test.release();
  await Promise.all(attacks);
});
