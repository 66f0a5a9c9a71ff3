import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { type Browser, reasonOf } from '../support/app/browser.ts';
import { createRawConnections } from '../support/app/raw-connections.ts';
import { postHeaders } from '../support/app/raw-request.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { heldBy, startHeldReplicas } from '../support/processes/start-replicas.ts';
import { craft, staffClaims } from '../support/token/tokens.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';
import { john, johnsCredentials as credentials } from '../support/app/people.ts';

const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
/** All requests of a test come from one address: the request limit must not hide a missing revocation. */
const unlimited = { RATE_LIMIT_PER_MINUTE: '0' };
const modes = [
  ['remote', { TOKEN_VALIDATION: 'remote', SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY: '', ...unlimited }],
  ['local', unlimited],
] as const;

/** The signature of all made-up tokens, which no genuine token has. */
const noSignature = 'A'.repeat(43);
const forgedValues = 4;

/** A token with the claims of a genuine one, that lives for 400 days. */
const forge = (nowMs: number, tokenType: 'access' | 'refresh'): string => {
  const exp = Math.floor(nowMs / 1000) + 400 * 86_400;
  const token = craft({ payload: staffClaims(nowMs, { jti: crypto.randomUUID(), token_type: tokenType, exp }) });
  return token.slice(0, token.lastIndexOf('.') + 1) + noSignature;
};

const start = async (env: Record<string, string>) => {
  const test = await startHeldReplicas({ env });
  const client = new Redis(test.redis.url);
  const raw = createRawConnections(test.first.url);
  let requests = 0;
  const post = async (procedure: string, cookie: string) => {
    requests += 1;
    const headers = { ...postHeaders, cookie };
    return raw.ask({ method: 'POST', target: `/trpc/${procedure}`, headers, body: '{}' });
  };
  const forgedCookies = (values: number) =>
    Array.from(
      { length: values },
      () => `access_token=${forge(test.clock.now(), 'access')}; refresh_token=${forge(test.clock.now(), 'refresh')}`,
    ).join('; ');
  return {
    ...test,
    dbSize: () => client.dbsize(),
    /** An anonymous sign-out with several made-up values of each cookie. */
    forgedSignOut: () => post('session.logout', forgedCookies(forgedValues)),
    /** An anonymous refresh with made-up cookies. */
    forgedRefresh: () => post('session.refresh', forgedCookies(1)),
    requests: () => requests,
    /** Calls of the Auth Service that carry a made-up token. */
    forgedCalls: () =>
      test.authService.calls.filter(({ headers }) => String(headers.cookie).includes(`.${noSignature}`)).length,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      raw[Symbol.dispose]();
      await test[Symbol.asyncDispose]();
    },
  };
};

const me = async (browser: Browser) => void (await browser.trpc.session.me.query());
const refused = async (call: Promise<unknown>) => {
  const reason = await reasonOf(call);
  if (reason !== 'session_ended') throw new Error(`Expected session_ended, got ${reason}.`);
};

describe.skipIf(!hasRedis()).each(modes)('made-up cookies with %s validation', (mode, env) => {
  it('store nothing in Redis and cost at most one call to the Auth Service', async () => {
    await using test = await start(env);
    // The first requests create the service's own keys, such as the rate-limit counters.
    await test.forgedSignOut();
    await test.forgedRefresh();
    const before = await test.dbSize();
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all([test.forgedSignOut(), test.forgedSignOut(), test.forgedRefresh()]);
      expect(answers[0]?.status).toBe(200);
      expect(answers[0]?.setCookies.join()).toContain('access_token=;');
    }
    expect(await test.dbSize()).toBeLessThanOrEqual(before + 3);
    expect(test.forgedCalls()).toBeLessThanOrEqual(mode === 'local' ? 0 : test.requests());
  });

  it('do not prevent sign-in, refresh and sign-out on all replicas', async () => {
    await using test = await start(env);
    const victim = createVictim();
    const over = new AbortController();
    const attacking = (async () => {
      while (!over.signal.aborted) {
        await test.forgedSignOut();
        await test.forgedRefresh();
      }
    })();
    const browser = test.first.browser();
    await victim.attempt(() => browser.trpc.session.login.mutate(credentials));
    const signedIn = heldBy(browser);
    await victim.attempt(() => me(test.holder(test.second, signedIn)));
    const other = test.holder(test.second, signedIn);
    await victim.attempt(() => other.trpc.session.refresh.mutate());
    const refreshed = heldBy(other);
    await victim.attempt(() => me(test.holder(test.first, refreshed)));
    await victim.attempt(() => test.holder(test.first, refreshed).trpc.session.logout.mutate());
    for (const held of [signedIn, refreshed]) {
      await victim.attempt(() => refused(test.holder(test.second, held).trpc.session.me.query()));
      await victim.attempt(() => refused(test.holder(test.second, held).trpc.session.refresh.mutate()));
    }
    // Tokens that the Auth Service issued directly, which no replica has seen.
    const unseen = await test.authService.issue(john);
    await victim.attempt(() => test.holder(test.first, unseen).trpc.session.logout.mutate());
    await victim.attempt(() => refused(test.holder(test.second, unseen).trpc.session.me.query()));
    over.abort();
    await attacking;
    reportVictim(`made-up cookies, ${mode} validation`, victim);
    expect(victim.failures()).toEqual({});
    expect(victim.rate()).toBe(1);
    expect(test.forgedCalls()).toBeLessThanOrEqual(mode === 'local' ? 0 : test.requests());
  });
});
