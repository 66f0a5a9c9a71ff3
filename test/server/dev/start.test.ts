import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { askRaw } from '../../support/raw-request.ts';
import { freePort, holdPort, runProcess } from '../../support/run-process.ts';
import { apiKey, ask, claimsOf, signingKey } from './ask.ts';
import { createPageFolder } from './desk/page-folder.ts';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

type Ports = { bff: number; authService: number; control: number; tickets: number };
type StartDev = { ports?: Partial<Ports>; args?: string[]; pageFolder?: string };

const startDev = async ({ ports: given = {}, args = [], pageFolder }: StartDev = {}) => {
  const [bff, authService, control, tickets] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const ports: Ports = { bff, authService, control, tickets, ...given };
  const dev = runProcess({
    args: [
      'server/dev/start.ts',
      `--auth-service-port=${ports.authService}`,
      `--control-port=${ports.control}`,
      `--tickets-port=${ports.tickets}`,
      ...(pageFolder === undefined ? [] : ['--demo-folder', pageFolder]),
      ...args,
    ],
    env: { PORT: String(ports.bff), OPS_PORT: '0', ...(pageFolder === undefined ? { NO_DEMO: '1' } : {}) },
  });
  return { dev, ports, url: `http://localhost:${ports.bff}`, ticketsUrl: `http://localhost:${ports.tickets}/tickets/` };
};

const signIn = async (url: string) => {
  const credentials = { email: 'user@example.com', password: 'staff-pass-1' };
  const { cookies } = await ask(`${url}/trpc/session.login`, {
    json: { json: credentials },
    headers: { 'x-csrf': '1' },
  });
  return cookies.access_token ?? '';
};

/** Takes the ports and lets them go: fails where one of them is not free. */
const expectFree = async (ports: Ports) => {
  for (const port of Object.values(ports)) {
    const held = await holdPort(port);
    await held[Symbol.asyncDispose]();
  }
};

describe('npm run dev', () => {
  it.skipIf(!hasCurl).each(['guide', 'deployed'])(
    'prints curl lines that work as printed, in the %s dialect',
    async (dialect) => {
      const { dev } = await startDev({ args: ['--dialect', dialect] });
      await using _ = dev;
      await dev.printed(/Ctrl-C ends all/);
      const lines = dev.output().match(/^ {2}curl .*$/gm) ?? [];
      expect(lines).toHaveLength(3);
      const answers: unknown[] = [];
      for (const line of lines) {
        const { stdout } = await run('sh', ['-c', line]);
        answers.push(JSON.parse(stdout));
      }
      expect(answers).toMatchObject([
        { result: { data: { json: { status: 'signed_in' } } } },
        { result: { data: { json: { id: 123, email: 'user@example.com' } } } },
        [
          { result: { data: { json: { id: 123 } } } },
          { result: { data: { json: { userIds: expect.arrayContaining([1, 5, 12, 23]) } } } },
        ],
      ]);
    },
  );

  it('ends all of it on Ctrl-C', async () => {
    const { dev, ports } = await startDev();
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    dev.kill('SIGINT');
    expect(await dev.exited).toBe(0);
    await expectFree(ports);
  });

  it('leaves no ticket service behind where it is killed', async () => {
    const { dev, ports } = await startDev();
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    dev.kill('SIGKILL');
    // The output ends only once nobody is left who could write to it.
    expect(await dev.exited).toBeNull();
    await expectFree(ports);
  });

  it('runs a ticket service that takes the session of the BFF, and whose answers the page may read', async () => {
    const { dev, url, ticketsUrl } = await startDev();
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    expect(dev.output()).toContain(ticketsUrl);
    expect(await ask(ticketsUrl)).toMatchObject({ status: 401, body: { error: 'Authentication required' } });
    const token = await signIn(url);
    for (const origin of [url, url.replace('localhost', '127.0.0.1')]) {
      const { status, headers, body } = await ask(ticketsUrl, { token, headers: { origin } });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin]);
      expect(body).toMatchObject({ tickets: expect.objectContaining({ length: 60 }) });
    }
    const ticket = { title: 'Wet laptop', system: 'TTS', assigneeId: null, key: 'a' };
    const opened = await ask(ticketsUrl, { token, json: ticket });
    expect(opened).toMatchObject({ status: 201, body: { requesterId: 123, requesterType: 'staff' } });
  });

  it('tells the page of the ticket service under the name that the page was opened under', async () => {
    const { dev, ports } = await startDev();
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    for (const host of ['localhost', '127.0.0.1']) {
      const { body } = await ask(`http://${host}:${ports.bff}/dev/config`);
      expect(body).toMatchObject({ ticketsUrl: `http://${host}:${ports.tickets}` });
    }
  });

  it('answers under a host that it is told to allow, and refuses another, on all ports', async () => {
    await using page = await createPageFolder();
    const { dev, ports } = await startDev({ args: ['--allowed-host', 'desk.test'], pageFolder: page.folder });
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    const statuses = async (host: string) => {
      const requests: Array<[port: number, target: string]> = [
        [ports.bff, '/'],
        [ports.bff, '/dev/config'],
        [ports.authService, '/api/me/'],
        [ports.control, '/calls'],
        [ports.tickets, '/tickets/'],
      ];
      const askOne = async ([port, target]: [number, string]) =>
        askRaw(`http://127.0.0.1:${port}`, { target, headers: { host } });
      return (await Promise.all(requests.map(askOne))).map(({ status }) => status);
    };
    expect(await statuses('desk.test')).toEqual([200, 200, 404, 200, 401]);
    expect(await statuses('evil.test')).toEqual([421, 403, 421, 421, 421]);
    const config = await askRaw(`http://127.0.0.1:${ports.bff}`, {
      target: '/dev/config',
      headers: { host: 'desk.test' },
    });
    expect(JSON.parse(config.body)).toMatchObject({ ticketsUrl: `http://desk.test:${ports.tickets}` });
  });

  it.each([
    ['that is asked for', ['--dialect', 'deployed', '--access-lifetime-seconds', '37'], 37],
    ['that the guide dialect has', [], 900],
    ['that the deployed dialect has', ['--dialect', 'deployed'], 300],
  ])('gives access tokens the life %s, and says so', async (_which, args, seconds) => {
    const { dev, url } = await startDev({ args });
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    expect(dev.output()).toContain(`an access token lives ${seconds} s`);
    const { exp, iat } = claimsOf(await signIn(url));
    expect(Number(exp) - Number(iat)).toBe(seconds);
    expect((await ask(`${url}/dev/config`)).body).toMatchObject({ accessLifetimeSeconds: seconds });
  });

  it('builds the page behind the BFF, serves it at the root, and keeps its requests out of the log', async () => {
    await using page = await createPageFolder('Good morning');
    const { dev, url } = await startDev({ pageFolder: page.folder });
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    expect(dev.output()).toMatch(new RegExp(`^The help desk +${url} `, 'm'));
    await dev.printed(/The help desk is there/);
    const index = await ask(`${url}/`);
    expect(index).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    const [script = 'no script'] = /\/assets\/[\w.-]+/.exec(index.text) ?? [];
    expect((await ask(`${url}${script}`)).text).toContain('Good morning');
    await ask(`${url}/dev/counts`);
    await ask(`${url}/trpc/status.get`);
    await dev.printed(/"path":"\/trpc\/status.get"/);
    expect(dev.output()).not.toMatch(/"path":"\/(dev|assets|")/);
  });

  it('answers while the page is built, and says where it cannot be', async () => {
    await using page = await createPageFolder();
    await page.write('main.ts', "import './missing.ts';");
    const { dev, url } = await startDev({ pageFolder: page.folder });
    await using _ = dev;
    await dev.printed(/The help desk could not be built:[^]*missing\.ts/);
    expect(await ask(`${url}/`)).toMatchObject({ status: 500, text: expect.stringContaining('missing.ts') });
    expect(await ask(`${url}/trpc/status.get`)).toMatchObject({ status: 200 });
  });

  it('ends the build of the page on Ctrl-C', async () => {
    await using page = await createPageFolder();
    const { dev, ports } = await startDev({ pageFolder: page.folder });
    await using _ = dev;
    // The build begins after that.
    await dev.printed(/Ctrl-C ends all/);
    await vi.waitFor(async () => expect((await page.names()).join()).toContain('.dist-'));
    dev.kill('SIGINT');
    expect(await dev.exited).toBe(0);
    expect((await page.names()).join()).not.toContain('.dist-');
    await expectFree(ports);
  });

  it.each(['a folder without a page', 'NO_DEMO=1'])('runs without a page where there is %s', async (where) => {
    await using page = await createPageFolder();
    const pageFolder = where === 'NO_DEMO=1' ? {} : { pageFolder: `${page.folder}/none` };
    const { dev, url } = await startDev(pageFolder);
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    expect(dev.output()).not.toContain('The help desk');
    const answer = await ask(`${url}/`, { headers: { accept: 'text/html' } });
    expect(answer).toMatchObject({ status: 404, text: expect.stringContaining('no_such_procedure') });
  });

  it.each(['bff', 'authService', 'control', 'tickets'] as const)(
    'says which port is taken where it is the one of %s',
    async (part) => {
      await using taken = await holdPort();
      const { dev } = await startDev({ ports: { [part]: taken.port } });
      await using _ = dev;
      expect(await dev.exited).toBe(1);
      expect(dev.output()).toMatch(
        new RegExp(`cannot start: port ${taken.port} is taken. End what listens there, or choose`),
      );
      expect(dev.output()).not.toMatch(/^\s+at /m);
    },
  );

  it.each([
    ['--dialect', 'french', 'expected guide or deployed, got french'],
    ['--tickets-port', '99999', 'expected a port from 0 to 65535, got 99999'],
    ['--access-lifetime-seconds', '0', 'expected a whole number of seconds from 1 to 999999, got 0'],
    ['--allowed-host', 'desk.test:4000', 'expected a host name or an IP address without a port'],
    ['--allowed-host', 'http://desk.test', 'expected a host name or an IP address without a port'],
  ])('says what a wrong %s should be', async (option, value, should) => {
    const { dev } = await startDev({ args: [option, value] });
    await using _ = dev;
    expect(await dev.exited).toBe(1);
    expect(dev.output()).toContain(`${option}: ${should}`);
  });
});

describe('the embedded Auth Service as a process of its own', () => {
  it('takes the life of its access tokens and the hosts that it answers for', async () => {
    const [port, control] = [await freePort(), await freePort()];
    const args = ['server/dev/start-auth-service.ts', '--port', String(port), '--control-port', String(control)];
    await using service = runProcess({
      args: [...args, '--access-lifetime-seconds', '37', '--allowed-host', 'auth-service'],
      env: { DJANGO_JWT_SIGNING_KEY: signingKey, AUTH_API_KEY: apiKey },
    });
    await service.printed(/What breaks it/);
    const json = { email: 'user@example.com', password: 'staff-pass-1' };
    const { cookies } = await ask(`http://127.0.0.1:${port}/api/v1/users/login/api/`, { json });
    const { exp, iat } = claimsOf(cookies.access_token);
    expect(Number(exp) - Number(iat)).toBe(37);
    for (const [host, status] of [
      ['auth-service', 200],
      ['evil.test', 421],
    ] as const) {
      const answer = await askRaw(`http://127.0.0.1:${control}`, { target: '/calls', headers: { host } });
      expect([host, answer.status]).toEqual([host, status]);
    }
  });

  it('says what a wrong --access-lifetime-seconds should be', async () => {
    await using service = runProcess({ args: ['server/dev/start-auth-service.ts', '--access-lifetime-seconds', '0'] });
    expect(await service.exited).toBe(1);
    expect(service.output()).toContain('--access-lifetime-seconds: expected a whole number of seconds');
  });
});
