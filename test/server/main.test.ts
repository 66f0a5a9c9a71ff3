import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { createBrowser } from '../support/app/browser.ts';
import { capture } from '../support/output/captured.ts';
import { crowd } from '../support/app/crowd.ts';
import { askRaw, queryTarget, resultOf } from '../support/app/raw-request.ts';
import { openConnection } from '../support/app/open-connection.ts';
import { freePort, holdPort, runProcess } from '../support/processes/run-process.ts';
import { apiKey, forgetful, signingKey } from '../support/app/start-app.ts';
import { hold } from '../support/time/hold.ts';
import { johnsCredentials } from '../support/app/people.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

const startMain = (env: Record<string, string>, ...before: string[]) =>
  runProcess({ args: [...before, 'server/src/main.ts'], env });
/** The upstream deadlines are longer than any machine needs. */
const patiently = ['--import', './test/support/time/patient-deadlines.ts'];
const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'auth-bff-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};
const address = /"address":"([^"]+)"/;

describe('the service with environment variables only', () => {
  it('serves requests, and exits with 0 on SIGTERM', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using main = startMain(serviceEnvironment(authService.url));
    const [, url = ''] = await main.printed(address);
    expect(main.output()).toMatch(/REDIS_URL is not set.*Run one replica/);
    const browser = createBrowser({ url });
    await browser.trpc.session.login.mutate(johnsCredentials);
    expect((await browser.trpc.users.byId.query({ id: 123 })).lastName).toBe('Doe');
    await main.printed(/"person":"staff 123"/);
    main.kill('SIGTERM');
    expect(await main.exited).toBe(0);
    capture('log', main.output());
  });

  it('starts before the Auth Service does, and answers 503 until then', async () => {
    const unstartedService = `http://127.0.0.1:${await freePort()}`;
    await using main = startMain(serviceEnvironment(unstartedService));
    const [, url = ''] = await main.printed(address);
    const answer = await createBrowser({ url }).fetch(`${url}/trpc/status.get`);
    expect(await answer.json()).toMatchObject({ result: { data: { json: { authService: 'down' } } } });
    capture('log', main.output());
  });

  it('names all missing variables in one message, and exits with 1', async () => {
    await using main = startMain({});
    expect(await main.exited).toBe(1);
    for (const variable of ['DJANGO_JWT_SIGNING_KEY', 'AUTH_SERVICE_URL', 'AUTH_API_KEY']) {
      expect(main.output()).toContain(`${variable}: is not set; expected`);
    }
    expect(main.output()).not.toMatch(/^\s+at /m);
  });

  it('names the port in use, and exits with 1', async () => {
    await using taken = await holdPort();
    await using main = startMain(serviceEnvironment('http://127.0.0.1:9', { PORT: String(taken.port) }));
    expect(await main.exited).toBe(1);
    expect(main.output()).toContain(`Port ${taken.port} is already in use`);
  });

  it('exits with 1 and says what to do if OPS_PORT is in use, instead of running without metrics', async () => {
    await using taken = await holdPort();
    await using main = startMain(serviceEnvironment('http://127.0.0.1:9', { OPS_PORT: String(taken.port) }));
    expect(await main.exited).toBe(1);
    expect(main.output()).toContain(
      `Port ${taken.port} is already in use: stop the process that listens there, set OPS_PORT to another port, or set OPS_PORT=0`,
    );
    expect(main.output()).not.toContain('Listening.');
  });

  it('has no operator listener with OPS_PORT=0', async () => {
    await using main = startMain(serviceEnvironment('http://127.0.0.1:9'));
    await main.printed(/"msg":"Listening\."/);
    expect(main.output()).toContain('"opsAddress":null');
  });

  it('reads secrets from files', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'signing-key'), `${signingKey}\n`);
    const { DJANGO_JWT_SIGNING_KEY: _, ...others } = serviceEnvironment(authService.url);
    const fromFile = { DJANGO_JWT_SIGNING_KEY_FILE: join(folder.path, 'signing-key') };
    await using main = startMain({ ...others, ...fromFile });
    const [, url = ''] = await main.printed(address);
    const browser = createBrowser({ url });
    await browser.trpc.session.login.mutate(johnsCredentials);
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
    capture('log', main.output());
  });
});

describe('the start', () => {
  const closedPort = 'http://127.0.0.1:9';

  it('reports an invalid % escape in REDIS_URL in one message without a stack trace', async () => {
    const faulty = { REDIS_URL: 'redis://:sekret-100%@redis:6379', COOKIE_DOMAIN: '-sekret.example' };
    await using main = startMain(serviceEnvironment(closedPort, faulty));
    expect(await main.exited).toBe(1);
    expect(main.output().trim().split('\n')).toEqual([
      'The configuration is invalid. Correct these environment variables:',
      expect.stringMatching(/^ {2}COOKIE_DOMAIN: expected a domain name/),
      expect.stringMatching(/^ {2}REDIS_URL: expected .* a % in a user name or password is written %25$/),
    ]);
  });

  it('warns about cookies without Secure, a misspelt variable and an unknown parameter', async () => {
    const doubtful = {
      CORS_ORIGIN: 'https://sekret.example',
      REDIS_URL: 'redis://127.0.0.1:9?clster=true',
      COOKIE_SECURE: 'false',
    };
    await using main = startMain(serviceEnvironment(closedPort, doubtful));
    await main.printed(/"level":40.*COOKIE_SECURE is false outside development/);
    await main.printed(
      /"level":40.*CORS_ORIGIN is set, but is not a variable of this service\. Set CORS_ORIGINS instead/,
    );
    await main.printed(/"level":40.*REDIS_URL has the unknown query parameter clster, which is ignored/);
    expect(main.output()).not.toContain('sekret');
  });
});

/** Preloaded into the process: a signal arrives as soon as the service handles it, before it listens. */
const stopAtStart = `data:text/javascript,${encodeURIComponent(`
  process.on('newListener', (name) => {
    if (name === 'SIGTERM') process.nextTick(() => process.kill(process.pid, 'SIGTERM'));
  });
`)}`;

describe('a signal', () => {
  it('drains the service if it is SIGHUP, as of a closed terminal', async () => {
    await using main = startMain(serviceEnvironment('http://127.0.0.1:9'));
    await main.printed(address);
    main.kill('SIGHUP');
    expect(await main.exited).toBe(0);
    expect(main.output()).toMatch(/"signal":"SIGHUP","msg":"Stopping\."/);
    expect(main.output()).toContain('"msg":"Stopped."');
  });

  it('stops the service with 0 while it still starts', async () => {
    await using main = startMain(serviceEnvironment('http://127.0.0.1:9'), '--import', stopAtStart);
    expect(await main.exited).toBe(0);
    expect(main.output()).toContain('"msg":"Stopped."');
    expect(main.output()).not.toContain('already in use');
  });
});

describe('SIGINT', () => {
  const environmentWithoutMemory = (authServiceUrl: string) =>
    serviceEnvironment(authServiceUrl, { ...forgetful, RATE_LIMIT_PER_MINUTE: '0' });

  it('fails none of 200 requests that wait for a slow Auth Service, and a second signal has no effect', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using main = startMain(environmentWithoutMemory(authService.url), ...patiently);
    const [, url = ''] = await main.printed(address);
    const { until, release } = hold();
    authService.fault('*', { kind: 'hold', until });
    const { access } = await authService.issue({ type: 'staff', id: 123 });
    const people = crowd(200);
    const connections = await Promise.all(people.map(() => openConnection(url)));
    // A first response shows that the server has accepted the connection; otherwise the stop grants 2 s, too short for a busy machine.
    for (const connection of connections) connection.send('GET /health/live HTTP/1.1', 'host: a', '', '');
    await Promise.all(connections.map(({ received }) => received(/HTTP\/1\.1 200[^]*\r\n\r\n\{"status":"ok"\}/)));
    for (const [index, connection] of connections.entries()) {
      const target = queryTarget('users.byId', { json: { id: people[index] } });
      connection.send(`GET ${target} HTTP/1.1`, 'host: a', `cookie: access_token=${access}`, '', '');
    }
    main.kill('SIGINT');
    await main.printed(/"msg":"Stopping\."/);
    main.kill('SIGINT');
    main.kill('SIGINT');
    release();
    const answers = await Promise.all(connections.map(({ closed }) => closed));
    for (const [index, answer] of answers.entries()) {
      expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(answer).toContain(`"id":${people[index]},`);
    }
    expect(await main.exited).toBe(0);
    expect(main.output()).toMatch(/"served":200,"cut":0,"msg":"Stopped\."/);
    expect(main.output().match(/Stopping\./g)).toHaveLength(1);
    capture('log', main.output());
  });

  it('loses no request of 50 clients that send requests continuously', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using main = startMain(environmentWithoutMemory(authService.url), ...patiently);
    const [, url = ''] = await main.printed(address);
    const { access } = await authService.issue({ type: 'staff', id: 123 });
    const headers = { cookie: `access_token=${access}` };
    let answered = 0;
    const askOnAndOn = async (index: number): Promise<unknown> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let asked = 0; ; asked += 1) {
        const target = queryTarget('users.byId', { json: { id: 2_000_001 + ((index * 31 + asked) % 500) } });
        const outcome = await askRaw(url, { target, headers, agent }).catch(
          (error: NodeJS.ErrnoException) => error.code,
        );
        if (typeof outcome !== 'object') return outcome;
        resultOf(outcome);
        answered += 1;
      }
    };
    const ends = Array.from({ length: 50 }, (_, index) => askOnAndOn(index));
    await vi.waitFor(() => expect(answered).toBeGreaterThan(200));
    main.kill('SIGINT');
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['ECONNREFUSED']));
    expect(await main.exited).toBe(0);
    expect(main.output()).toMatch(/"served":\d+,"cut":0,"msg":"Stopped\."/);
    const finished = main.output().match(/"status":200/g) ?? [];
    expect(finished).toHaveLength(answered);
    capture('log', main.output());
  });
});
