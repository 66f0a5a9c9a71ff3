import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import {
  type DoctorJson,
  doctorScript,
  runDoctorHere,
  runCli,
  runCliHere,
  runDoctor,
  wellEnvironment,
} from '../../support/processes/run-doctor.ts';
import { freePort } from '../../support/processes/run-process.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { serve } from '../../support/app/serve.ts';
import { apiKey, dialects, signingKey } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';

const otherKey = 'another-key-that-is-long-enough-0123456789abcdef';
const start = (more: Partial<Parameters<typeof startAuthService>[0]> = {}) =>
  startAuthService({ signingKey, apiKey, ...more });
const tokenOf = async (authService: Awaited<ReturnType<typeof start>>) =>
  (await authService.issue({ type: 'staff', id: 123 })).access;

describe('auth-bff doctor in a healthy environment', () => {
  it('reports every item of the checklist as ok, run by `npm run doctor`, and exits with 0', async () => {
    await using authService = await start();
    const token = `${await tokenOf(authService)}\n`;
    const env = wellEnvironment(authService.url, { SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01' });
    const run = await runDoctor({ env, token, command: doctorScript() });
    expect(run.line('✓', 'AUTH_SERVICE_URL')).toMatch(/responds in \d+ ms\.$/);
    expect(run.line('✓', 'paths')).toContain('none is redirected');
    expect(run.line('✓', 'dialect')).toContain('guide');
    expect(run.line('✓', 'refresh')).toContain('has the refresh endpoint');
    expect(run.line('✓', 'AUTH_API_KEY')).toContain(
      'opens the employee endpoint, which refuses requests without a key',
    );
    expect(run.line('✓', 'token')).toContain('the Auth Service accepts it');
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.line('✓', 'JWT_ALGORITHM')).toContain('HS256');
    expect(run.line('✓', 'TOKEN_REFRESH_THRESHOLD')).toContain('300 s suits the token lifetime of 900 s');
    expect(run.line('✓', 'clock')).toContain('agrees');
    expect(run.line('✓', 'CORS_ORIGINS')).toContain(`${authService.url} may call with credentials`);
    expect(run.line('✓', 'REDIS_URL')).toContain('is not set: run one replica only');
    expect(run.stdout).toMatch(/\n0 problems, 0 warnings, 0 not checked\.\n$/);
    expect(run.stdout).not.toMatch(/^[✗!]/m);
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });

  it('reports the unchecked items if there is no token, and exits with 0', async () => {
    await using authService = await start();
    const run = await runDoctorHere({ env: wellEnvironment(authService.url) });
    for (const name of ['token', 'DJANGO_JWT_SIGNING_KEY', 'JWT_ALGORITHM', 'TOKEN_REFRESH_THRESHOLD']) {
      expect(run.line('!', name)).toContain('not checked because no token was given. Pipe in an access token');
    }
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints the findings as JSON with --json', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { AUTH_API_KEY: 'not-the-key' });
    const run = await runCliHere(['doctor', '--json'], { env });
    const { ok, findings } = JSON.parse(run.stdout) as DoctorJson;
    expect(run.code).toBe(1);
    expect(ok).toBe(false);
    expect(findings.find(({ level }) => level === 'problem')).toEqual({
      name: 'AUTH_API_KEY',
      level: 'problem',
      message: 'the employee endpoint refuses the key (status 403)',
      fix: 'Set AUTH_API_KEY to the key that is configured at the Auth Service',
    });
    expect(findings.find(({ name }) => name === 'dialect')).toMatchObject({ level: 'ok', fix: null });
    expect(findings.find(({ name }) => name === 'token')).toMatchObject({ level: 'unchecked' });
    for (const finding of findings) expect(Object.keys(finding)).toEqual(['name', 'level', 'message', 'fix']);
  });
});

describe('auth-bff doctor exits with 1 and names the action', () => {
  it.each(dialects)('if the signing key did not sign a token that the %s service accepts', async (dialect) => {
    await using authService = await start({ dialect });
    const env = wellEnvironment(authService.url, { DJANGO_JWT_SIGNING_KEY: otherKey });
    const run = await runDoctorHere({ env, token: await tokenOf(authService) });
    expect(run.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toMatch(
      /although the Auth Service accepts the token\. Set it to the Auth/,
    );
    expect(run.line('✓', 'token')).toContain('accepts it');
    expect(run.code).toBe(1);
  });

  it('if the employee endpoint refuses the API key', async () => {
    await using authService = await start();
    const run = await runDoctorHere({ env: wellEnvironment(authService.url, { AUTH_API_KEY: 'not-the-key' }) });
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('refuses the key (status 403). Set AUTH_API_KEY to');
    expect(run.code).toBe(1);
  });

  it('if nothing listens at AUTH_SERVICE_URL: with one problem, and checks of everything else', async () => {
    const env = wellEnvironment(`http://127.0.0.1:${await freePort()}`);
    const run = await runDoctorHere({ env, token: staffToken(Date.now(), {}, signingKey) });
    expect(run.line('✗', 'AUTH_SERVICE_URL')).toContain('nothing listens at this address. Start the Auth Service');
    for (const name of ['paths', 'dialect', 'refresh', 'AUTH_API_KEY']) {
      expect(run.line('!', name)).toContain('not checked because the Auth Service is unavailable');
    }
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.line('✓', 'CORS_ORIGINS')).toContain('may call');
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
    expect(run.code).toBe(1);
  });

  it('if every path is redirected to another address', async () => {
    await using front = await serve(({ url }, response) => {
      response.writeHead(301, { location: `https://auth.example.org/base${url}` }).end();
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'paths')).toMatch(
      /to the same path at https:\/\/auth\.example\.org\/base \(status 301\)\. Set AUTH_SERVICE_URL to https:\/\/auth\.example\.org\/base\.$/,
    );
    expect(run.code).toBe(1);
  });

  it('if the clocks differ, by the Date header of the responses', async () => {
    await using front = await serve((_request, response) => {
      response.setHeader('date', new Date(Date.now() - 120_000).toUTCString());
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"detail":"no"}');
    });
    const run = await runDoctorHere({ env: wellEnvironment(front.url) });
    expect(run.line('✗', 'clock')).toMatch(
      /clock is 1(19|[2-9]\d) s behind this machine's clock.*Synchronize both clocks by NTP/,
    );
    expect(run.code).toBe(1);
  });

  it('if Redis is down', async () => {
    await using authService = await start();
    const env = wellEnvironment(authService.url, { REDIS_URL: `redis://:redis-pass-1@127.0.0.1:${await freePort()}` });
    // In a child process, whose standard error shows unhandled errors of ioredis.
    const run = await runDoctor({ env, token: await tokenOf(authService) });
    expect(run.line('✗', 'REDIS_URL')).toContain('nothing listens at this address. Start Redis');
    expect(run.stdout).not.toContain('redis-pass-1');
    expect(run.stdout.match(/^✗/gm)).toHaveLength(1);
    expect(run).toMatchObject({ code: 1, stderr: '' });
  });

  it('if variables are invalid, and still checks everything else', async () => {
    await using authService = await start();
    const { AUTH_API_KEY: _missing, ...env } = wellEnvironment(authService.url, {
      PORT: 'four thousand',
      REDIS_URL: 'http://redis',
      COOKIE_SECURE: 'false',
      API_KEY: 'set-under-another-name',
    });
    const run = await runDoctorHere({ env, token: await tokenOf(authService) });
    expect(run.line('✗', 'AUTH_API_KEY')).toContain('is not set; expected the key for the internal endpoints');
    expect(run.line('✗', 'PORT')).toContain('expected a whole number');
    expect(run.line('✗', 'REDIS_URL')).toContain('expected an address such as redis://');
    expect(run.line('!', 'API_KEY')).toContain('Set AUTH_API_KEY instead');
    expect(run.line('!', 'COOKIE_SECURE')).toContain('the session cookies over plain HTTP');
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.line('✓', 'paths')).toContain('called endpoints exist');
    expect(run.code).toBe(1);
  });

  it('if no variable is set', async () => {
    const run = await runDoctorHere({ env: {}, token: staffToken(Date.now(), {}, signingKey) });
    for (const name of ['DJANGO_JWT_SIGNING_KEY', 'AUTH_SERVICE_URL', 'AUTH_API_KEY']) {
      expect(run.line('✗', name)).toContain('is not set; expected');
    }
    expect(run.line('!', 'paths')).toContain('not checked because AUTH_SERVICE_URL is invalid');
    expect(run.stdout).not.toContain('placeholder');
    expect(run).toMatchObject({ code: 1, stderr: '' });
  });

  it.each([
    ['is empty', '', 'standard input is empty', runDoctorHere],
    [
      'is garbage',
      'garbage-1234567890 and more',
      'standard input holds no token: it is not three parts of base64url',
      runDoctorHere,
    ],
    // In a child process: it exits although nothing reads the rest.
    ['is longer than any token', 'x'.repeat(70_000), 'standard input has more than 65536 characters', runDoctor],
  ])('if standard input %s', async (_what, token, says, runIt) => {
    await using authService = await start();
    const run = await runIt({ env: wellEnvironment(authService.url), token });
    expect(run.line('✗', 'token')).toContain(says);
    expect(run.line('✓', 'AUTH_API_KEY')).toContain('opens');
    expect(run.stdout).not.toMatch(/garbage|xxxx/);
    expect(run).toMatchObject({ code: 1, stderr: '' });
  });
});

describe('auth-bff doctor exits with 0', () => {
  it('for the deployed service, names its dialect, and warns that its employee endpoint is open', async () => {
    await using authService = await start({ dialect: 'deployed' });
    const token = (await authService.issue({ type: 'employee', id: 1 })).access;
    const run = await runDoctorHere({ env: wellEnvironment(authService.url), token });
    expect(run.line('✓', 'dialect')).toContain('deployed');
    expect(run.line('✓', 'paths')).toContain('none is redirected');
    expect(run.line('!', 'AUTH_API_KEY')).toContain('also open without a key');
    expect(run.line('✓', 'token')).toContain('employee access token');
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.code).toBe(0);
  });

  it('if the refresh threshold exceeds the token lifetime, and warns about it', async () => {
    await using authService = await start({ accessLifetimeSeconds: 300 });
    const env = wellEnvironment(authService.url, { TOKEN_REFRESH_THRESHOLD: '600' });
    const run = await runDoctorHere({ env, token: await tokenOf(authService) });
    const says = '600 s is not below the token lifetime of 300 s, so the BFF uses 150 s';
    expect(run.line('!', 'TOKEN_REFRESH_THRESHOLD')).toContain(says);
    expect(run.code).toBe(0);
  });

  it.skipIf(!hasRedis())('with a usable Redis, and names its version', async () => {
    await using redis = await startRedis({ isDurable: true });
    await using authService = await start();
    const run = await runDoctorHere({ env: wellEnvironment(authService.url, { REDIS_URL: redis.url }) });
    expect(run.line('✓', 'REDIS_URL')).toMatch(/Redis \d+\.\d+\.\d+ is usable\.$/);
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('auth-bff', () => {
  const usage = 'Usage: auth-bff <command>';

  it.each([[[]], [['--help']], [['doctor', '-h']]])('prints its usage and exits with 0: %j', async (args) => {
    const run = await runCliHere(args);
    expect(run.stdout).toContain(usage);
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    ['an unknown option', ['doctor', '--tokens=eyJhbGciOi'], runCliHere],
    ['a token in the command line', ['doctor', '--token', 'eyJhbGciOi'], runCliHere],
    ['a token behind the command', ['doctor', 'eyJhbGciOi'], runCliHere],
    ['an option without its value', ['doctor', '--token'], runCliHere],
    ['an unknown command', ['eyJhbGciOi'], runCliHere],
    ['options that another command has', ['start', '--json'], runCliHere],
  ])('rejects %s with its usage and exit code 2, without repeating it', async (_what, args, runIt) => {
    const run = await runIt(args);
    expect(run.stderr).toContain(usage);
    expect(run.stderr).not.toContain('eyJ');
    expect(run).toMatchObject({ code: 2, stdout: '' });
  });

  it('starts the service, which names the missing variables', async () => {
    const run = await runCli(['start']);
    expect(run.stderr).toContain('AUTH_SERVICE_URL: is not set');
    expect(run.code).toBe(1);
  });
});
