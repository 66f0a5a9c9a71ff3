import { describe, expect, it } from 'vitest';
import { startDeployedUpstream } from '../../support/auth-service/deployed-upstream.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { serve } from '../../support/app/serve.ts';
import { signingKey } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';

const staff = () => staffToken(Date.now(), { token_type: 'access' }, signingKey);
const employee = () => {
  const claims = { user_type: 'employee', employee_id: 123, token_type: 'access' };
  return staffToken(Date.now(), claims, signingKey);
};
const wellAt = (url: string, more: Record<string, string> = {}) => wellEnvironment(url, more);

describe('the doctor, with the deployed service, which redirects unknown paths,', () => {
  it('reports a wrong path in AUTH_SERVICE_URL', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await runDoctorHere({ env: wellAt(`${upstream.url}/auth`) });
    expect(run.line('✗', 'paths')).toBe(
      '✗ paths                    every path responds like a path that cannot exist (status 302 to /staff/login/). Set AUTH_SERVICE_URL to the part of the address before /api/, and check whether this is the Auth Service.',
    );
    expect(run.stdout).not.toContain('endpoints exist');
    expect(run.code).toBe(1);
  });

  it('reports endpoints that respond like a missing path as unchecked', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await runDoctorHere({ env: wellAt(upstream.url) });
    expect(run.line('✓', 'paths')).toContain('5 of the 18 called endpoints exist, and none is redirected');
    expect(run.line('!', 'paths')).toMatch(
      /not checked because the Auth Service responds to token-validate, user-info, users-info and 10 more as to a path that cannot exist \(status 302 to \/staff\/login\/\)\. Pipe in an access token/,
    );
    expect(run.line('!', 'refresh')).toContain(
      'not checked because the Auth Service responds to the refresh endpoint as to a path that cannot exist',
    );
    expect(run.code).toBe(0);
  });

  it('checks staff endpoints with a staff token, and never sends it to sign-out or employee endpoints', async () => {
    const token = staff();
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'staff' } });
    const run = await runDoctorHere({ env: wellAt(upstream.url), token });
    expect(run.line('✓', 'token')).toContain('the Auth Service accepts it');
    expect(run.line('✓', 'paths')).toContain('13 of the 18 called endpoints exist');
    expect(run.line('!', 'paths')).toMatch(
      /responds to employee-profile, employee-second-factor, employee-refresh and 2 more/,
    );
    expect(run.line('✓', 'refresh')).toContain('has the refresh endpoint');
    const sentTo = upstream.calls.filter((call) => call.token !== null).map(({ path }) => path);
    expect(sentTo.filter((path) => /logout|employees|login/.test(path))).toEqual([]);
    expect(new Set(upstream.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(run.code).toBe(0);
  });

  it('never sends an employee token to staff endpoints, which would read it as the staff user with that id', async () => {
    const token = employee();
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'employee' } });
    const run = await runDoctorHere({ env: wellAt(upstream.url), token });
    expect(run.line('✓', 'token')).toContain('employee access token');
    expect(run.line('✓', 'refresh')).toContain('has the refresh endpoint');
    const sentTo = new Set(upstream.calls.filter((call) => call.token !== null).map(({ path }) => path));
    expect([...sentTo].toSorted()).toEqual([
      '/api/me/',
      '/api/v1/hdts/employees/api/2fa/disable/',
      '/api/v1/hdts/employees/api/2fa/enable/',
      '/api/v1/hdts/employees/api/profile/',
      '/api/v1/hdts/employees/api/profile/change-password/',
      '/api/v1/hdts/employees/api/token/refresh/',
      '/api/v1/no-such-path-asked-by-auth-bff-doctor/',
      '/api/v1/token/refresh/cookie/',
    ]);
  });

  it('finds a missing endpoint with a token', async () => {
    const token = staff();
    const lacks = ['/api/v1/tts/round-robin/', '/api/v1/token/refresh/cookie/'];
    await using upstream = await startDeployedUpstream({ tokens: { [token]: 'staff' }, lacks });
    const run = await runDoctorHere({ env: wellAt(upstream.url), token });
    expect(run.line('✗', 'paths')).toContain('round-robin, refresh does not exist (status 404)');
    expect(run.line('!', 'refresh')).toContain('responds to an older refresh endpoint as to a path that cannot exist');
  });

  it('finds a missing sign-in endpoint without a token', async () => {
    await using upstream = await startDeployedUpstream({ lacks: ['/api/v1/users/login/api/'] });
    const run = await runDoctorHere({ env: wellAt(upstream.url) });
    expect(run.line('✗', 'paths')).toContain(
      'staff-sign-in responds like a path that cannot exist (status 302 to /staff/login/), so these people cannot sign in',
    );
  });

  it('ignores the query of a redirect when it compares responses', async () => {
    await using front = await serve(({ url = '' }, response) => {
      response.writeHead(302, { location: `/accounts/login/?next=${encodeURIComponent(url)}` }).end();
    });
    const run = await runDoctorHere({ env: wellAt(front.url) });
    expect(run.line('✗', 'paths')).toContain('like a path that cannot exist (status 302 to /accounts/login/)');
  });
});

describe('the doctor, with a Host that is not in ALLOWED_HOSTS,', () => {
  it('reports the Host as the only problem', async () => {
    await using upstream = await startDeployedUpstream({ allowedHosts: ['auth.example.org'] });
    const run = await runDoctorHere({ env: wellAt(upstream.url) });
    const { host } = new URL(upstream.url);
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(
      `responds with 400 to every request, as Django does if ALLOWED_HOSTS does not contain the requested host (${host}). Add the host to ALLOWED_HOSTS`,
    );
    for (const name of ['paths', 'dialect', 'refresh', 'captcha', 'AUTH_API_KEY']) {
      expect(run.line('!', name)).toContain('not checked because the Auth Service is unavailable');
    }
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
    expect(run.code).toBe(1);
  });

  it('does not report the Host if only one path responds with 400', async () => {
    await using front = await serve(({ url = '' }, response) => {
      const status = url.endsWith('/token/validate/') ? 400 : 404;
      response.writeHead(status, { 'content-type': 'text/html' }).end('no');
    });
    const run = await runDoctorHere({ env: wellAt(front.url) });
    expect(run.line('✓', 'AUTH_SERVICE_URL')).toContain('responds in');
    expect(run.stdout.split('\n').filter((line) => /^[^✓].*ALLOWED_HOSTS/.test(line))).toEqual([]);
  });

  it('distinguishes it from a proxy that requires https', async () => {
    await using front = await serve((_request, response) => {
      const body = '<center>The plain HTTP request was sent to HTTPS port</center>';
      response.writeHead(400, { 'content-type': 'text/html' }).end(body);
    });
    const run = await runDoctorHere({ env: wellAt(front.url) });
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain(
      'because this port requires https. Set AUTH_SERVICE_URL to https://',
    );
  });
});

describe('the captcha check of the doctor', () => {
  it('warns about an enabled captcha, for which session.login needs captchaToken', async () => {
    await using upstream = await startDeployedUpstream();
    const run = await runDoctorHere({ env: wellAt(upstream.url) });
    expect(run.line('!', 'captcha')).toContain(
      'is enabled: session.login without captchaToken fails with captcha_required. Send captchaToken',
    );
    expect(run.stdout).not.toContain('6Lc-site-key');
    expect(run.code).toBe(0);
  });

  it('reports a disabled captcha as ok', async () => {
    await using upstream = await startDeployedUpstream({ hasCaptcha: false, base: '/auth' });
    const run = await runDoctorHere({ env: wellAt(`${upstream.url}/auth`) });
    expect(run.line('✓', 'captcha')).toContain('is disabled');
  });

  it('reports an unknown state as unchecked', async () => {
    await using front = await serve(({ url = '' }, response) => {
      const isPage = url === '/staff/login/';
      response.writeHead(isPage ? 503 : 401, { 'content-type': 'application/json' }).end('{"detail":"no"}');
    });
    const run = await runDoctorHere({ env: wellAt(front.url) });
    expect(run.line('!', 'captcha')).toContain('not checked because the login page /staff/login/');
  });
});
