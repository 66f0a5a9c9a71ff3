import { describe, expect, it } from 'vitest';
import { startDeployedUpstream } from '../../support/app/deployed-upstream.ts';
import { examineHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { serve } from '../../support/app/serve.ts';
import { signingKey } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';

const staff = () => staffToken(Date.now(), { token_type: 'access' }, signingKey);
const employee = () => {
  const claims = { user_type: 'employee', employee_id: 123, token_type: 'access' };
  return staffToken(Date.now(), claims, signingKey);
};
const wellAt = (url: string, more: Record<string, string> = {}) => wellEnvironment(url, more);

describe('in front of the deployed service, which answers unknown paths with a redirect', () => {
  it('a wrong path in AUTH_SERVICE_URL is told, and does not read as if all were there', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await examineHere({ env: wellAt(`${upstream.url}/auth`) });
    expect(run.line('✗', 'paths')).toBe(
      '✗ paths                    every path is answered like one that cannot exist (status 302 to /staff/login/). Set AUTH_SERVICE_URL to what stands before /api/, or ask whether this is the Auth Service.',
    );
    expect(run.stdout).not.toContain('are there');
    expect(run.code).toBe(1);
  });

  it('paths that cannot be told from one that does not exist are said not to be checked', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await examineHere({ env: wellAt(upstream.url) });
    expect(run.line('✓', 'paths')).toContain('5 of the 18 that are called are there, and none is redirected');
    expect(run.line('!', 'paths')).toMatch(
      /not checked because the Auth Service answers token-validate, user-info, users-info and 10 more like a path that cannot exist \(status 302 to \/staff\/login\/\)\. Pipe in an access token/,
    );
    expect(run.line('!', 'refresh')).toContain('not checked because the Auth Service answers the endpoint for it like');
    expect(run.code).toBe(0);
  });

  it('a token of staff tells those of staff, and is never sent to sign out or to what is for employees', async () => {
    const token = staff();
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'staff' } });
    const run = await examineHere({ env: wellAt(upstream.url), token });
    expect(run.line('✓', 'token')).toContain('the Auth Service accepts it');
    expect(run.line('✓', 'paths')).toContain('13 of the 18 that are called are there');
    expect(run.line('!', 'paths')).toMatch(
      /answers employee-profile, employee-second-factor, employee-refresh and 2 more/,
    );
    expect(run.line('✓', 'refresh')).toContain('has the endpoint');
    const sentTo = upstream.calls.filter((call) => call.token !== null).map(({ path }) => path);
    expect(sentTo.filter((path) => /logout|employees|login/.test(path))).toEqual([]);
    expect(new Set(upstream.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(run.code).toBe(0);
  });

  it('a token of an employee is never sent to what is for staff, which would take it for the staff user of that number', async () => {
    const token = employee();
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'employee' } });
    const run = await examineHere({ env: wellAt(upstream.url), token });
    expect(run.line('✓', 'token')).toContain('an access token of an employee');
    expect(run.line('✓', 'refresh')).toContain('has the endpoint');
    const sentTo = new Set(upstream.calls.filter((call) => call.token !== null).map(({ path }) => path));
    expect([...sentTo].toSorted()).toEqual([
      '/api/me/',
      '/api/v1/hdts/employees/api/profile/',
      '/api/v1/hdts/employees/api/token/refresh/',
      '/api/v1/no-such-path-asked-by-auth-bff-doctor/',
      '/api/v1/token/refresh/cookie/',
    ]);
  });

  it('an endpoint that is missing is told with a token', async () => {
    const token = staff();
    const lacks = ['/api/v1/tts/round-robin/', '/api/v1/token/refresh/cookie/'];
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'staff' }, lacks });
    const run = await examineHere({ env: wellAt(upstream.url), token });
    expect(run.line('✗', 'paths')).toContain('there is no round-robin, refresh (status 404)');
    expect(run.line('!', 'refresh')).toContain('answers an older endpoint for it like a path that cannot exist');
  });

  it('a sign-in that nobody can reach is told without a token', async () => {
    await using upstream = await startDeployedUpstream({ lacks: ['/api/v1/users/login/api/'] });
    const run = await examineHere({ env: wellAt(upstream.url) });
    expect(run.line('✗', 'paths')).toContain(
      'staff-sign-in is answered like a path that cannot exist (status 302 to /staff/login/), so that nobody can sign in',
    );
  });

  it('a redirect whose address differs by what was asked is the same redirect', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(302, { location: `/accounts/login/?next=${encodeURIComponent(url)}` }).end();
    });
    const run = await examineHere({ env: wellAt(front.url) });
    expect(run.line('✗', 'paths')).toContain('like one that cannot exist (status 302 to /accounts/login/)');
  });
});

describe('a Host that the Auth Service does not allow', () => {
  it('is named as such, and nothing else is blamed for it', async () => {
    await using upstream = await startDeployedUpstream({ allowedHosts: ['auth.example.org'] });
    const run = await examineHere({ env: wellAt(upstream.url) });
    const { host } = new URL(upstream.url);
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(
      `answers 400 to everything, as Django does where ALLOWED_HOSTS lacks the Host that is asked (${host}). Add the host to ALLOWED_HOSTS`,
    );
    for (const name of ['paths', 'dialect', 'refresh', 'captcha', 'AUTH_API_KEY']) {
      expect(run.line('!', name)).toContain('not checked because the Auth Service cannot be asked');
    }
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
    expect(run.code).toBe(1);
  });

  it('is no reason to blame it where only one path answers 400', async () => {
    await using front = await serve(({ url = '' }, response) => {
      const status = url.endsWith('/token/validate/') ? 400 : 404;
      response.writeHead(status, { 'content-type': 'text/html' }).end('no');
    });
    const run = await examineHere({ env: wellAt(front.url) });
    expect(run.line('✓', 'AUTH_SERVICE_URL')).toContain('answers, in');
    expect(run.stdout).not.toContain('ALLOWED_HOSTS');
  });

  it('is told from a proxy that wants https', async () => {
    await using front = await serve((_request, response) => {
      const body = '<center>The plain HTTP request was sent to HTTPS port</center>';
      response.writeHead(400, { 'content-type': 'text/html' }).end(body);
    });
    const run = await examineHere({ env: wellAt(front.url) });
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(
      'because it wants https there. Set AUTH_SERVICE_URL to https://',
    );
  });
});

describe('a captcha', () => {
  it('that is on is warned of: session.login then needs captchaToken', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await examineHere({ env: wellAt(upstream.url) });
    expect(run.line('!', 'captcha')).toContain(
      'is on, so that session.login without captchaToken is refused with captcha_required. Have the frontends send',
    );
    expect(run.stdout).not.toContain('6Lc-site-key');
    expect(run.code).toBe(0);
  });

  it('that is off is said to be', async () => {
    await using upstream = await startDeployedUpstream({ hasCaptcha: false, base: '/auth' });
    const run = await examineHere({ env: wellAt(`${upstream.url}/auth`) });
    expect(run.line('✓', 'captcha')).toContain('is off');
  });

  it('that nothing shows is not checked, rather than off', async () => {
    await using front = await serve(({ url = '' }, response) => {
      const isPage = url === '/staff/login/';
      response.writeHead(isPage ? 503 : 401, { 'content-type': 'application/json' }).end('{"detail":"no"}');
    });
    const run = await examineHere({ env: wellAt(front.url) });
    expect(run.line('!', 'captcha')).toContain('not checked because the login page /staff/login/');
  });
});
