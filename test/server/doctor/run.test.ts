import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { variables } from '../../../server/src/config.ts';
import { createDeadlines } from '../../support/time/deadlines.ts';
import { examineHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { serve } from '../../support/app/serve.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { craft, staffClaims, staffToken } from '../../support/token/tokens.ts';

const otherKey = 'another-key-that-is-long-enough-0123456789abcdef';
const start = (more: Partial<Parameters<typeof startAuthService>[0]> = {}) =>
  startAuthService({ signingKey, apiKey, ...more });
const tokenOf = async (authService: Awaited<ReturnType<typeof start>>) =>
  (await authService.issue({ type: 'staff', id: 123 })).access;

describe('the doctor', () => {
  it('accounts for every variable, set or not, and repeats the value of none', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { COOKIE_DOMAIN: 'told-nowhere.example' });
    const run = await examineHere({ env });
    for (const variable of variables) expect(run.stdout).toMatch(new RegExp(`\\b${variable}\\b`));
    expect(run.line('✓', 'COOKIE_DOMAIN')).toContain('is set and can be read');
    expect(run.stdout).not.toContain('told-nowhere');
  });

  it('changes nothing: it asks by GET, and one question each carries the key and the token', async () => {
    await using authService = await start();
    await examineHere({ env: wellEnvironment(authService.url), token: await tokenOf(authService) });
    expect(new Set(authService.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    const carrying = (header: string) =>
      authService.calls.filter(({ headers }) => headers[header] !== undefined).map(({ endpoint }) => endpoint);
    expect(carrying('x-api-key')).toEqual(['employee']);
    expect(carrying('cookie')).toEqual(['validate']);
  });

  it('needs no signing key where tokens are validated remotely, and asks about the token', async () => {
    await using authService = await start();
    const { DJANGO_JWT_SIGNING_KEY: _none, ...env } = wellEnvironment(authService.url, {
      TOKEN_VALIDATION: 'remote',
      SEALING_KEY: otherKey,
    });
    const run = await examineHere({ env, token: await tokenOf(authService) });
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('is not needed');
    expect(run.line('✓', 'token')).toContain('accepts it');
    expect(run.code).toBe(0);
  });
});

describe('a token', () => {
  it('of another service is told from a wrong key', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url);
    const run = await examineHere({ env, token: staffToken(Date.now(), {}, otherKey) });
    expect(run.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toContain('which the Auth Service refuses too');
    expect(run.line('✗', 'token')).toContain('but the Auth Service refuses it');
    expect(run.code).toBe(1);
  });

  it('by a key that is being replaced is a warning', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, {
      DJANGO_JWT_SIGNING_KEY: otherKey,
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: `${otherKey}2,${signingKey}`,
    });
    const run = await examineHere({ env, token: await tokenOf(authService) });
    expect(run.line('!', 'DJANGO_JWT_SIGNING_KEY')).toContain('key 2 of DJANGO_JWT_SIGNING_KEY_PREVIOUS did');
    expect(run.code).toBe(0);
  });

  it.each([` ${signingKey}`, `"${signingKey}"`, ` '${signingKey}'\n`])(
    'shows that the right key was copied with its edges: %j',
    async (key) => {
      await using authService = await start();
      const env = wellEnvironment(authService.url, { DJANGO_JWT_SIGNING_KEY: key });
      const run = await examineHere({ env, token: await tokenOf(authService) });
      expect(run.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toContain('has white space or quotes around it');
      expect(run.code).toBe(1);
    },
  );

  it('tells the algorithm that it is signed with', async () => {
    await using authService = await start();
    const header = { alg: 'HS512', typ: 'JWT' };
    const token = craft({ header, payload: staffClaims(Date.now()), key: signingKey, hash: 'sha512' });
    const run = await examineHere({ env: wellEnvironment(authService.url), token });
    expect(run.line('✗', 'JWT_ALGORITHM')).toMatch(/is HS256, and the token is signed with HS512\. Set .* HS512/);
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('made the signature');
    expect(run.code).toBe(1);
  });

  it('with an algorithm that is not read is repeated nowhere', async () => {
    await using authService = await start();
    const token = craft({ header: { alg: 'none-of-these' }, payload: staffClaims(Date.now()), key: signingKey });
    const run = await examineHere({ env: wellEnvironment(authService.url), token });
    expect(run.line('✗', 'JWT_ALGORITHM')).toContain('none of HS256, HS384 and HS512');
    expect(run.line('!', 'DJANGO_JWT_SIGNING_KEY')).toContain('not checked because');
    expect(run.stdout).not.toContain('none-of-these');
  });

  it.each([
    ['expired', -3_600_000, {}, '!', /an access token of staff that ended 27\d\d s ago/],
    ['of the future', 3_600_000, {}, '✗', /it is refused: its iat lies in the future\. Look at the line on the clock/],
    ['a refresh token', 0, { token_type: 'refresh' }, '✗', /it is refused: its token_type is not access/],
    ['one before its second factor', 0, { otp_required: true }, '✗', /it still needs a second factor/],
    ['without an exp', 0, { exp: undefined }, '✗', /its exp is not a time/],
  ] as const)('that is %s is told in a line', async (_what, shiftMs, claims, mark, says) => {
    await using authService = await start();
    const token = staffToken(Date.now() + shiftMs, claims, signingKey);
    const run = await examineHere({ env: wellEnvironment(authService.url), token });
    expect(run.line(mark, 'token')).toMatch(says);
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('made the signature');
    expect(run.stdout).not.toContain(token.slice(0, 12));
    expect(authService.count('validate')).toBe(1);
  });

  it('of the future shows that a clock is off', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url);
    const run = await examineHere({ env, token: staffToken(Date.now() + 3_600_000, {}, signingKey) });
    expect(run.line('✗', 'clock')).toMatch(/issued (35\d\d|3600) s in the future/);
  });

  it.each([
    [200, 300, '!', '200 s are more than half of the 300 s'],
    [0, 900, '!', '0 s leave no time to refresh'],
    [150, 300, '✓', '150 s of the 300 s'],
    [10, 300, '✓', '10 s of the 300 s'],
  ] as const)('shows whether a threshold of %d s suits its %d s', async (threshold, lifetime, mark, says) => {
    await using authService = await start({ accessLifetimeSeconds: lifetime });
    const env = wellEnvironment(authService.url, { TOKEN_REFRESH_THRESHOLD: String(threshold) });
    const run = await examineHere({ env, token: await tokenOf(authService) });
    expect(run.line(mark, 'TOKEN_REFRESH_THRESHOLD')).toContain(says);
    expect(run.code).toBe(0);
  });
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

describe('an Auth Service', () => {
  it.each([
    ['hangs', { kind: 'hang' }, 'it does not answer in time', 300],
    ['resets', { kind: 'reset' }, 'it ends the connection without an answer', 60_000],
    ['speaks no HTTP', { kind: 'garbage' }, 'is not HTTP', 60_000],
    ['answers 503', { kind: 'status', status: 503 }, 'it answers 503', 60_000],
  ] as const)('that %s is one ✗, within the deadline', async (_what, fault, says, deadlineMs) => {
    await using authService = await start();
    authService.fault('*', fault);
    const run = await examineHere({ env: wellEnvironment(authService.url), deadlineMs });
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(says);
    expect(run.line('!', 'AUTH_API_KEY')).toContain('not checked because the Auth Service cannot be asked');
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
  });

  it('of which one endpoint hangs is told by that endpoint, and everything else is checked', async () => {
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
    const run = await examineHere({ env: wellEnvironment(authService.url), createDeadline: deadlines.create });
    clearInterval(passing);
    expect(run.line('✗', 'paths')).toContain('of employee-internal: it does not answer in time');
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('cannot be asked: it does not answer in time');
    expect(run.line('✓', 'refresh')).toContain('has the endpoint');
  });

  it('that is not where AUTH_SERVICE_URL says is told by its paths', async () => {
    await using authService = await start();
    const run = await examineHere({ env: wellEnvironment(`${authService.url}/elsewhere`) });
    expect(run.line('✗', 'paths')).toMatch(/there is no token-validate, user-info, users-info and \d+ more/);
    expect(run.line('✗', 'paths')).toContain('Set AUTH_SERVICE_URL to what stands before /api/');
    expect(run.code).toBe(1);
  });

  it('that takes trailing slashes away is told apart from one at another address', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(308, { location: url.replace(/\/$/, '') }).end();
    });
    const run = await examineHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toMatch(
      /its trailing slash \(status 308\)\. Have the proxy before it keep the slash/,
    );
    expect(run.code).toBe(1);
  });

  it('that is a page is none', async () => {
    await using front = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
    });
    const run = await examineHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('answers with a page');
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('is not declared as JSON');
    expect(run.line('!', 'dialect')).toContain('nobody is answered 200');
    expect(run.stdout).not.toContain('Welcome');
  });

  it('whose answers are hostile is repeated without what it could do to a terminal', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response
        .writeHead(302, { location: `http://user:pass-in-url@evil.example/\u009b2J${url}`, date: 'soon 5' })
        .end();
    });
    const run = await examineHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('http://evil.example/%C2%9B2J');
    expect(run.line('!', 'clock')).toContain('not checked because its answers have no Date');
    expect(run.stdout).not.toMatch(/pass-in-url|\u009b/);
  });

  it('that redirects to what is no address is told so', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(302, { location: `javascript:${url}` }).end();
    });
    const run = await examineHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toContain('is redirected to what is no http address');
  });

  it('without the common refresh endpoint is one with the older two', async () => {
    await using authService = await start();
    authService.fault('refresh', { kind: 'status', status: 404 });
    const run = await examineHere({ env: wellEnvironment(authService.url) });
    expect(run.line('!', 'refresh')).toContain('there are only the older endpoints');
  });
});

describe('an origin', () => {
  it('of the Auth Service that may not call is a warning, as the guide asks for it', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { CORS_ORIGINS: 'https://tts.example.org,http://ams.example.org' });
    const run = await examineHere({ env });
    expect(run.line('✓', 'CORS_ORIGINS')).toContain('https://tts.example.org may call with credentials');
    expect(run.line('!', 'CORS_ORIGINS')).toContain('from plain HTTP no cookie comes along');
    expect(run.stdout).toContain(`the Auth Service's own origin, ${authService.url}, may not call`);
    expect(run.code).toBe(0);
  });
});
