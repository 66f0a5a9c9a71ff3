import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type Dialect, startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { staff } from '../../server/dev/auth-service/people/people.ts';
import { type Browser, reasonOf } from '../support/app/browser.ts';
import { serve } from '../support/app/serve.ts';
import { apiKey, createClock, dialects, signingKey, startApp } from '../support/app/start-app.ts';
import { createSignInTries } from '../support/app/try-sign-in.ts';
import { staffToken } from '../support/token/tokens.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';

const attacker = '198.51.100.7';
/** The Auth Service answers sign-ins with this password with 500. */
const poison = 'poison';
const victims = staff
  .filter((person) => person.is_active && !person.second_factor && !person.locked && !person.captcha)
  .slice(0, 6)
  .map(({ id, email, password }, index) => ({
    id,
    credentials: { email, password },
    address: `203.0.113.${index + 1}`,
  }));
type VictimCall = (browser: Browser, person: (typeof victims)[number]) => Promise<unknown>;
const signIn: VictimCall = ({ trpc }, { credentials }) => trpc.session.login.mutate(credentials);

/**
 * An Auth Service behind a proxy that limits sign-ins to 30 per address, answers 500 to one password and to the
 * attacker's tokens, and can simulate an outage.
 */
const startUpstream = async (dialect: Dialect, now: () => number) => {
  const authService = await startAuthService({ dialect, signingKey, apiKey, now });
  const signInsOf = new Map<string, number>();
  let isAway = false;
  const answer = (request: IncomingMessage, body: Buffer, response: ServerResponse): void => {
    const isSignIn = request.url?.includes('login') === true;
    const address = String(request.headers['x-forwarded-for']);
    if (isSignIn) signInsOf.set(address, (signInsOf.get(address) ?? 0) + 1);
    const isUnknownToken = request.url?.includes('/token/validate/') === true && address === attacker;
    if (isAway) {
      request.socket.destroy();
    } else if ((isSignIn && body.includes(poison)) || isUnknownToken) {
      response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Server Error (500)</h1>');
    } else if (isSignIn && (signInsOf.get(address) ?? 0) > 30) {
      response.writeHead(429, { 'content-type': 'text/html', 'retry-after': '30' }).end('<h1>Too Many Requests</h1>');
    } else {
      const { method, url, headers } = request;
      forward(`${authService.url}${url}`, { method, headers }, (real) => {
        response.writeHead(real.statusCode ?? 502, real.headers);
        real.pipe(response);
      }).end(body);
    }
  };
  const proxy = await serve((request, response) => {
    void buffer(request).then((body) => answer(request, body, response));
  });
  return {
    authService,
    url: proxy.url,
    goAway: (away: boolean) => {
      isAway = away;
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await authService.close();
    },
  };
};

const start = async (dialect: Dialect, env: Record<string, string> = {}) => {
  const clock = createClock();
  const upstream = await startUpstream(dialect, clock.now);
  const app = await startApp({
    upstream: upstream.authService,
    now: clock.now,
    monotonicNow: clock.now,
    env: { AUTH_SERVICE_URL: upstream.url, TRUST_PROXY: '1', LOG_LEVEL: 'warn', ...env },
  });
  let attempts = 0;
  const from = (address: string) => app.browser({ headers: { 'x-forwarded-for': address } });
  const tryIn = createSignInTries(app.url);
  const attack = async (address: string, password: string) => {
    attempts += 1;
    return (await tryIn({ email: `unknown-${attempts}@example.com`, password, address })).end;
  };
  return {
    app,
    upstream,
    clock,
    from,
    attack,
    /** Each of the victims makes a call, one every 2 s, each with one more bad call at the same time. Default: a correct sign-in. */
    async callBeside(bad: () => Promise<unknown>, good: VictimCall = signIn) {
      const victim = createVictim();
      for (const person of victims) {
        const attempt = bad();
        await victim.attempt(() => good(from(person.address), person));
        await attempt;
        clock.advance(2_000);
      }
      return victim;
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
};
/** The reasons of a rejection by the Auth Service or by a limit of the BFF. */
const refused = expect.stringMatching(/^(auth_service_unavailable|bad_credentials|rate_limited)$/);
type Test = Awaited<ReturnType<typeof start>>;

const expectEveryVictim = (name: string, victim: Awaited<ReturnType<Test['callBeside']>>) => {
  reportVictim(name, victim);
  expect(victim.failures()).toEqual({});
  expect([victim.attempts(), victim.rate()]).toEqual([victims.length, 1]);
};

describe.each(dialects)('an anonymous attacker does not affect other callers (%s dialect)', (dialect) => {
  it('with sign-ins for new e-mails that the Auth Service answers with 429', async () => {
    await using test = await start(dialect);
    const bad = () => test.attack(attacker, 'wrong');
    for (let count = 0; count < 31; count += 1) expect(await bad()).toEqual(refused);
    expectEveryVictim(`429 from one address (${dialect})`, await test.callBeside(bad));
  });

  it('with passwords that the Auth Service answers with 500', async () => {
    await using test = await start(dialect);
    const bad = () => test.attack(attacker, poison);
    for (let count = 0; count < 31; count += 1) expect(await bad()).toEqual(refused);
    expectEveryVictim(`500 from one address (${dialect})`, await test.callBeside(bad));
  });

  it('with tokens of made-up people that only the Auth Service can validate', async () => {
    const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
    const env = { TOKEN_VALIDATION: 'remote', SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY: '' };
    await using test = await start(dialect, env);
    let id = 1_000;
    const bad = () => {
      id += 1;
      const browser = test.from(attacker);
      browser.holdTokens({ access: staffToken(test.clock.now(), { user_id: id }) });
      return reasonOf(browser.trpc.session.me.query());
    };
    for (let count = 0; count < 31; count += 1) expect(await bad()).toEqual(refused);
    const victim = await test.callBeside(bad, async (browser, person) => {
      browser.holdTokens(await test.upstream.authService.issue({ type: 'staff', id: person.id }));
      await browser.trpc.session.me.query();
    });
    expectEveryVictim(`500 for made-up tokens (${dialect})`, victim);
  });
});

// The proxy produces the rejections and outages, so they are the same in both dialects.
describe('an anonymous attacker does not affect other callers in any dialect', () => {
  const dialect = 'guide';

  it('from the addresses of one IPv6 network', async () => {
    await using test = await start(dialect);
    let host = 0;
    const bad = () => {
      host += 1;
      return test.attack(`2001:db8:0:1::${host}`, poison);
    };
    for (let count = 0; count < 31; count += 1) expect(await bad()).toEqual(refused);
    expectEveryVictim(`500 from one IPv6 network (${dialect})`, await test.callBeside(bad));
  });

  it('with failing sign-ins after an outage that use up the probes of the breaker', async () => {
    await using test = await start(dialect);
    const bad = () => test.attack(attacker, poison);
    test.upstream.goAway(true);
    for (let count = 0; count < 11; count += 1) expect(await bad()).toEqual(refused);
    test.upstream.goAway(false);
    test.clock.advance(5_000);
    expectEveryVictim(`500 from one address after an outage (${dialect})`, await test.callBeside(bad));
  });

  it('with failing sign-ins from many networks for longer than one open period of the breaker', async () => {
    await using test = await start(dialect);
    const bad = () =>
      Promise.all(Array.from({ length: 12 }, (_, network) => test.attack(`2001:db8:1:${network + 1}::1`, poison)));
    await bad();
    for (const person of victims.slice(0, 1)) {
      expect(await reasonOf(signIn(test.from(person.address), person))).toBe('auth_service_unavailable');
    }
    test.clock.advance(5_000);
    await bad();
    expectEveryVictim(`500 from 12 networks (${dialect})`, await test.callBeside(bad));
  });
});
