import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service.ts';
import { createBrowser } from '../support/browser.ts';
import { capture } from '../support/captured.ts';
import { holdPort, runProcess } from '../support/run-process.ts';
import { apiKey, signingKey } from '../support/start-app.ts';

const environment = (authServiceUrl: string, more: Record<string, string> = {}) => ({
  AUTH_SERVICE_URL: authServiceUrl,
  DJANGO_JWT_SIGNING_KEY: signingKey,
  AUTH_API_KEY: apiKey,
  PORT: '0',
  ...more,
});
const startMain = (env: Record<string, string>) => runProcess({ args: ['server/src/main.ts'], env });
const address = /"address":"([^"]+)"/;

describe('the service, started with environment variables alone', () => {
  it('serves, and ends with exit code 0 on SIGTERM', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using main = startMain(environment(authService.url));
    const [, url = ''] = await main.printed(address);
    expect(main.output()).toMatch(/REDIS_URL is not set.*Run one replica/);
    const browser = createBrowser({ url });
    await browser.trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });
    expect((await browser.trpc.users.byId.query({ id: 123 })).lastName).toBe('Doe');
    await main.printed(/"person":"staff 123"/);
    main.kill('SIGTERM');
    expect(await main.exited).toBe(0);
    capture('log', main.output());
  });

  it('starts, and answers 503, before the Auth Service does', async () => {
    await using taken = await holdPort();
    const nobodyThere = `http://127.0.0.1:${taken.port}`;
    await taken[Symbol.asyncDispose]();
    await using main = startMain(environment(nobodyThere));
    const [, url = ''] = await main.printed(address);
    const answer = await createBrowser({ url }).fetch(`${url}/trpc/status.get`);
    expect(await answer.json()).toMatchObject({ result: { data: { json: { authService: 'down' } } } });
    capture('log', main.output());
  });

  it('names everything that is missing, in one message, and exits with 1', async () => {
    await using main = startMain({});
    expect(await main.exited).toBe(1);
    for (const variable of ['DJANGO_JWT_SIGNING_KEY', 'AUTH_SERVICE_URL', 'AUTH_API_KEY']) {
      expect(main.output()).toContain(`${variable}: is not set; expected`);
    }
    expect(main.output()).not.toMatch(/^\s+at /m);
  });

  it('names the port that is taken, and exits with 1', async () => {
    await using taken = await holdPort();
    await using main = startMain(environment('http://127.0.0.1:9', { PORT: String(taken.port) }));
    expect(await main.exited).toBe(1);
    expect(main.output()).toContain(`Port ${taken.port} is taken`);
  });

  it('warns where cookies are not Secure outside development', async () => {
    await using main = startMain(environment('http://127.0.0.1:9', { COOKIE_SECURE: 'false' }));
    expect(await main.printed(/"level":40.*COOKIE_SECURE is false outside development/)).toBeTruthy();
  });
});
