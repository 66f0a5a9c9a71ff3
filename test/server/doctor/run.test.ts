import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { variables } from '../../../server/src/config.ts';
import { createDeadlines } from '../../support/time/deadlines.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { serve } from '../../support/app/serve.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { craft, staffClaims, staffToken } from '../../support/token/tokens.ts';

const otherKey = 'another-key-that-is-long-enough-0123456789abcdef';
const start = (more: Partial<Parameters<typeof startAuthService>[0]> = {}) =>
  startAuthService({ signingKey, apiKey, ...more });
const tokenOf = async (authService: Awaited<ReturnType<typeof start>>) =>
  (await authService.issue({ type: 'staff', id: 123 })).access;

describe('the doctor', () => {
  it('mentions every variable and no value', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { COOKIE_DOMAIN: 'told-nowhere.example' });
    const run = await runDoctorHere({ env });
    for (const variable of variables) expect(run.stdout).toMatch(new RegExp(`\\b${variable}\\b`));
    expect(run.line('✓', 'COOKIE_DOMAIN')).toContain('is set and valid');
    expect(run.stdout).not.toContain('told-nowhere');
  });

  it('sends only GET requests, one of them with the API key and one with the token', async () => {
    await using authService = await start();
    await runDoctorHere({ env: wellEnvironment(authService.url), token: await tokenOf(authService) });
    expect(new Set(authService.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    const carrying = (header: string) =>
      authService.calls.filter(({ headers }) => headers[header] !== undefined).map(({ endpoint }) => endpoint);
    expect(carrying('x-api-key')).toEqual(['employee']);
    expect(carrying('cookie')).toEqual(['validate']);
  });

  it('needs no signing key for remote validation, and validates the token at the Auth Service', async () => {
    await using authService = await start();
    const { DJANGO_JWT_SIGNING_KEY: _none, ...env } = wellEnvironment(authService.url, {
      TOKEN_VALIDATION: 'remote',
      SEALING_KEY: otherKey,
    });
    const run = await runDoctorHere({ env, token: await tokenOf(authService) });
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('is not needed');
    expect(run.line('✓', 'token')).toContain('accepts it');
    expect(run.code).toBe(0);
  });
});

describe('the doctor, given a token,', () => {
  it('distinguishes a token of another service from a wrong key', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url);
    const run = await runDoctorHere({ env, token: staffToken(Date.now(), {}, otherKey) });
    expect(run.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toContain('and the Auth Service refuses the token too');
    expect(run.line('✗', 'token')).toContain('but the Auth Service refuses it');
    expect(run.code).toBe(1);
  });

  it('warns if a previous key signed the token', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, {
      DJANGO_JWT_SIGNING_KEY: otherKey,
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: `${otherKey}2,${signingKey}`,
    });
    const run = await runDoctorHere({ env, token: await tokenOf(authService) });
    expect(run.line('!', 'DJANGO_JWT_SIGNING_KEY')).toContain('key 2 of DJANGO_JWT_SIGNING_KEY_PREVIOUS did');
    expect(run.code).toBe(0);
  });

  it.each([` ${signingKey}`, `"${signingKey}"`, ` '${signingKey}'\n`])(
    'detects a signing key with surrounding white space or quotes: %j',
    async (key) => {
      await using authService = await start();
      const env = wellEnvironment(authService.url, { DJANGO_JWT_SIGNING_KEY: key });
      const run = await runDoctorHere({ env, token: await tokenOf(authService) });
      expect(run.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toContain('has surrounding white space or quotes');
      expect(run.code).toBe(1);
    },
  );

  it('names the algorithm of the token if it differs from JWT_ALGORITHM', async () => {
    await using authService = await start();
    const header = { alg: 'HS512', typ: 'JWT' };
    const token = craft({ header, payload: staffClaims(Date.now()), key: signingKey, hash: 'sha512' });
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), token });
    expect(run.line('✗', 'JWT_ALGORITHM')).toMatch(
      /is HS256, but the token is signed with HS512\. If .* set JWT_ALGORITHM to HS512/,
    );
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.code).toBe(1);
  });

  it('does not repeat an unsupported algorithm', async () => {
    await using authService = await start();
    const token = craft({ header: { alg: 'none-of-these' }, payload: staffClaims(Date.now()), key: signingKey });
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), token });
    expect(run.line('✗', 'JWT_ALGORITHM')).toContain('other than HS256, HS384 and HS512');
    expect(run.line('!', 'DJANGO_JWT_SIGNING_KEY')).toContain('not checked because');
    expect(run.stdout).not.toContain('none-of-these');
  });

  it.each([
    ['expired', -3_600_000, {}, '!', /staff access token that expired 27\d\d s ago/],
    ['of the future', 3_600_000, {}, '✗', /the token is invalid: its iat lies in the future\. See the line `clock`/],
    ['a refresh token', 0, { token_type: 'refresh' }, '✗', /the token is invalid: its token_type is not access/],
    ['one before its second factor', 0, { otp_required: true }, '✗', /it still needs a second factor/],
    ['without an exp', 0, { exp: undefined }, '✗', /its exp is not a time/],
  ] as const)('reports a token that is %s', async (_what, shiftMs, claims, mark, says) => {
    await using authService = await start();
    const token = staffToken(Date.now() + shiftMs, claims, signingKey);
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), token });
    expect(run.line(mark, 'token')).toMatch(says);
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.stdout).not.toContain(token.slice(0, 12));
    expect(authService.count('validate')).toBe(1);
  });

  it('reports a clock problem for a token of the future', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url);
    const run = await runDoctorHere({ env, token: staffToken(Date.now() + 3_600_000, {}, signingKey) });
    expect(run.line('✗', 'clock')).toMatch(/issued (35\d\d|3600) s in the future/);
  });

  it.each([
    [200, 300, '!', '200 s is more than half of the token lifetime of 300 s'],
    [0, 900, '!', '0 s is too short to refresh'],
    [150, 300, '✓', '150 s suits the token lifetime of 300 s'],
    [10, 300, '✓', '10 s suits the token lifetime of 300 s'],
  ] as const)(
    'checks whether a threshold of %d s suits a lifetime of %d s',
    async (threshold, lifetime, mark, says) => {
      await using authService = await start({ accessLifetimeSeconds: lifetime });
      const env = wellEnvironment(authService.url, { TOKEN_REFRESH_THRESHOLD: String(threshold) });
      const run = await runDoctorHere({ env, token: await tokenOf(authService) });
      expect(run.line(mark, 'TOKEN_REFRESH_THRESHOLD')).toContain(says);
      expect(run.code).toBe(0);
    },
  );
});

/** Counts the requests that any server of this process has answered. */
const countAnswers = () => {
  let answered = 0;
  const onFinish = () => {
    answered += 1;
  };
  subscribe('http.server.response.finish', onFinish);
  return {
    answered: () => answered,
    [Symbol.dispose]: () => void unsubscribe('http.server.response.finish', onFinish),
  };
};

describe('the doctor, with an Auth Service', () => {
  it.each([
    ['hangs', { kind: 'hang' }, 'it does not respond in time', 300],
    ['resets', { kind: 'reset' }, 'it closes the connection without a response', 60_000],
    ['speaks no HTTP', { kind: 'garbage' }, 'is not HTTP', 60_000],
    ['answers 503', { kind: 'status', status: 503 }, 'it responds with status 503', 60_000],
  ] as const)('that %s, reports one problem within the deadline', async (_what, fault, says, deadlineMs) => {
    await using authService = await start();
    authService.fault('*', fault);
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), deadlineMs });
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(says);
    expect(run.line('!', 'AUTH_API_KEY')).toContain('not checked because the Auth Service is unavailable');
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
  });

  it('of which one endpoint hangs, names the endpoint and still checks everything else', async () => {
    await using authService = await start();
    authService.fault('employee', { kind: 'hang' });
    const deadlines = createDeadlines();
    using answers = countAnswers();
    let wasAlone = false;
    // Deadlines pass once the hanging question is the only one without an answer, and the answers have been read.
    const passing = setInterval(() => {
      const isAlone = answers.answered() + authService.count('employee') === deadlines.created();
      if (isAlone && wasAlone) deadlines.pass();
      wasAlone = isAlone;
    }, 5);
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), createDeadline: deadlines.create });
    clearInterval(passing);
    expect(run.line('✗', 'paths')).toContain('employee-internal fails: it does not respond in time');
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('is unavailable: it does not respond in time');
    expect(run.line('✓', 'refresh')).toContain('has the refresh endpoint');
  });

  it('at another base path, reports the missing paths', async () => {
    await using authService = await start();
    const run = await runDoctorHere({ env: wellEnvironment(`${authService.url}/elsewhere`) });
    expect(run.line('✗', 'paths')).toMatch(/token-validate, user-info, users-info and \d+ more does not exist/);
    expect(run.line('✗', 'paths')).toContain('Set AUTH_SERVICE_URL to the part of the address before /api/');
    expect(run.code).toBe(1);
  });

  it('behind a proxy that removes trailing slashes, names the proxy', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(308, { location: url.replace(/\/$/, '') }).end();
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toMatch(
      /its trailing slash \(status 308\)\. Make the proxy in front of the Auth Service keep the trailing slash/,
    );
    expect(run.code).toBe(1);
  });

  it('that is a web page, reports that the endpoints do not respond with JSON', async () => {
    await using front = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('responds with a page instead of JSON');
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('with a Content-Type other than JSON');
    expect(run.line('!', 'dialect')).toContain('status 200 without a token');
    expect(run.stdout).not.toContain('Welcome');
  });

  it('with hostile responses, prints no control characters', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response
        .writeHead(302, { location: `http://user:pass-in-url@evil.example/\u009b2J${url}`, date: 'soon 5' })
        .end();
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('http://evil.example/%C2%9B2J');
    expect(run.line('!', 'clock')).toContain("not checked because the Auth Service's responses have no Date header");
    expect(run.stdout).not.toMatch(/pass-in-url|\u009b/);
  });

  it('that redirects to a javascript: address, reports the redirect', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(302, { location: `javascript:${url}` }).end();
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('redirects to an address that is not http or https');
  });

  it('without the common refresh endpoint, accepts the two older ones', async () => {
    await using authService = await start();
    authService.fault('refresh', { kind: 'status', status: 404 });
    const run = await runDoctorHere({ env: wellEnvironment(authService.url) });
    expect(run.line('!', 'refresh')).toContain('has only the older refresh endpoints');
  });
});

describe('the origin of the Auth Service', () => {
  it('missing in CORS_ORIGINS is a warning, because the guide requires it', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { CORS_ORIGINS: 'https://tts.example.org,http://ams.example.org' });
    const run = await runDoctorHere({ env });
    expect(run.line('✓', 'CORS_ORIGINS')).toContain('https://tts.example.org may call with credentials');
    expect(run.line('!', 'CORS_ORIGINS')).toContain('browsers send no Secure cookies from plain HTTP');
    expect(run.stdout).toContain(`the Auth Service's own origin, ${authService.url}, may not call`);
    expect(run.code).toBe(0);
  });
});
