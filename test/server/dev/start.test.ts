import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { readStartOptions } from '../../../server/dev/start-options.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import {
  freePort,
  holdPort,
  programArgs,
  runBuilt,
  runProcess,
  scriptArgs,
} from '../../support/processes/run-process.ts';
import { apiKey, sendRequest, claimsOf, signingKey } from './auth-service/send-request.ts';
import { createPageFolder } from './desk/page-folder.ts';
import { johnsCredentials } from '../../support/app/people.ts';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

type Ports = { bff: number; authService: number; control: number; tickets: number };
type StartDev = {
  ports?: Partial<Ports>;
  args?: string[];
  pageFolder?: string;
  /** Runs the script of package.json. */
  isScript?: boolean;
};

const startDev = async ({ ports: given = {}, args = [], pageFolder, isScript = false }: StartDev = {}) => {
  const [bff, authService, control, tickets] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const ports: Ports = { bff, authService, control, tickets, ...given };
  const options = [
    `--auth-service-port=${ports.authService}`,
    `--control-port=${ports.control}`,
    `--tickets-port=${ports.tickets}`,
    ...(pageFolder === undefined ? [] : ['--demo-folder', pageFolder]),
    ...args,
  ];
  const dev = runBuilt({
    args: isScript ? scriptArgs('dev', options) : programArgs(['server/dev/start.ts', ...options]),
    env: { PORT: String(ports.bff), OPS_PORT: '0', ...(pageFolder === undefined ? { NO_DEMO: '1' } : {}) },
  });
  return { dev, ports, url: `http://localhost:${ports.bff}`, ticketsUrl: `http://localhost:${ports.tickets}/tickets/` };
};

type RunningDev = Awaited<ReturnType<typeof startDev>>;

/**
 * Starts the servers once for all tests that call the function returned. These tests must not depend on each other's changes;
 * the last one may stop the servers.
 */
const shareDev = (options: StartDev, createPage?: () => ReturnType<typeof createPageFolder>) => {
  const starting = async () => {
    const page = await createPage?.();
    const running = await startDev({ ...options, ...(page === undefined ? {} : { pageFolder: page.folder }) });
    await running.dev.printed(/Ctrl-C to stop all servers/);
    return { ...running, page };
  };
  let started: ReturnType<typeof starting> | undefined;
  afterAll(async () => {
    const running = await started;
    await running?.dev[Symbol.asyncDispose]();
    await running?.page?.[Symbol.asyncDispose]();
  });
  return (): Promise<RunningDev> => {
    started ??= starting();
    return started;
  };
};

const signIn = async (url: string) => {
  const { cookies } = await sendRequest(`${url}/trpc/session.login`, {
    json: { json: johnsCredentials },
    headers: { 'x-csrf': '1' },
  });
  return cookies.access_token ?? '';
};

/** Fails if one of the ports is in use. */
const expectFree = async (ports: Ports) => {
  for (const port of Object.values(ports)) {
    const held = await holdPort(port);
    await held[Symbol.asyncDispose]();
  }
};

/** Runs the curl commands of the banner as printed. */
const curlAnswers = async (output: string): Promise<unknown[]> => {
  const answers: unknown[] = [];
  for (const line of output.match(/^ {2}curl .*$/gm) ?? []) {
    const { stdout } = await run('sh', ['-c', line]);
    answers.push(JSON.parse(stdout));
  }
  return answers;
};

const workingAnswers = [
  { result: { data: { json: { status: 'signed_in' } } } },
  { result: { data: { json: { id: 123, email: 'user@example.com' } } } },
  [
    { result: { data: { json: { id: 123 } } } },
    { result: { data: { json: { userIds: expect.arrayContaining([1, 5, 12, 23]) } } } },
  ],
];

/** The lifetime of access tokens in seconds: in the banner, in a token, and in the page's configuration. */
const lifetimes = async ({ dev, url }: RunningDev) => {
  const [, printed] = /access tokens are valid for (\d+) s/.exec(dev.output()) ?? [];
  const { exp, iat } = claimsOf(await signIn(url));
  const { body } = await sendRequest(`${url}/dev/config`);
  return {
    printed: Number(printed),
    ofToken: Number(exp) - Number(iat),
    ofPage: (body as { accessLifetimeSeconds: unknown }).accessLifetimeSeconds,
  };
};

const noPage = { status: 404, text: expect.stringContaining('no_such_procedure') };
const askForPage = (url: string) => sendRequest(`${url}/`, { headers: { accept: 'text/html' } });

const runningGuide = shareDev({ isScript: true });
/** Serves no page, because the folder has no index.html. */
const runningDeployed = shareDev({ args: ['--dialect', 'deployed'], pageFolder: '/nowhere' });

describe('npm run dev', () => {
  it.skipIf(!hasCurl)('npm run dev prints curl commands that work as printed', async () => {
    expect(await curlAnswers((await runningGuide()).dev.output())).toMatchObject(workingAnswers);
  });

  it('the ticket service accepts the session of the BFF and lets the page read its responses', async () => {
    const { dev, url, ticketsUrl } = await runningGuide();
    expect(dev.output()).toContain(ticketsUrl);
    expect(await sendRequest(ticketsUrl)).toMatchObject({ status: 401, body: { error: 'Authentication required' } });
    const token = await signIn(url);
    for (const origin of [url, url.replace('localhost', '127.0.0.1')]) {
      const { status, headers, body } = await sendRequest(ticketsUrl, { token, headers: { origin } });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin]);
      // John sees those of TTS and AMS.
      expect(body).toMatchObject({ tickets: expect.objectContaining({ length: 36 }) });
    }
    const ticket = { title: 'Wet laptop', system: 'TTS', assigneeId: null, key: 'a' };
    const opened = await sendRequest(ticketsUrl, { token, json: ticket });
    expect(opened).toMatchObject({ status: 201, body: { requesterId: 123, requesterType: 'staff' } });
  });

  it('the page gets the URL of the ticket service with the host name under which it was opened', async () => {
    const { ports } = await runningGuide();
    for (const host of ['localhost', '127.0.0.1']) {
      const { body } = await sendRequest(`http://${host}:${ports.bff}/dev/config`);
      expect(body).toMatchObject({ ticketsUrl: `http://${host}:${ports.tickets}` });
    }
  });

  it('access tokens have the lifetime of the guide dialect, and the banner and the page show it', async () => {
    expect(await lifetimes(await runningGuide())).toEqual({ printed: 900, ofToken: 900, ofPage: 900 });
  });

  it('npm run dev serves no page with NO_DEMO=1', async () => {
    const { dev, url } = await runningGuide();
    expect(dev.output()).not.toContain('The help desk');
    expect(await askForPage(url)).toMatchObject(noPage);
  });
});

describe('npm run dev --dialect deployed', () => {
  it.skipIf(!hasCurl)('npm run dev prints curl commands that work as printed', async () => {
    expect(await curlAnswers((await runningDeployed()).dev.output())).toMatchObject(workingAnswers);
  });

  it('access tokens have the lifetime of the deployed dialect, and the banner and the page show it', async () => {
    expect(await lifetimes(await runningDeployed())).toEqual({ printed: 300, ofToken: 300, ofPage: 300 });
  });
});

describe('npm run dev with --demo-folder, --access-lifetime-seconds and --allowed-host', () => {
  const args = ['--dialect', 'deployed', '--access-lifetime-seconds', '37', '--allowed-host', 'desk.test'];
  const running = shareDev({ args }, () => createPageFolder('Good morning'));

  it('all ports accept the host of --allowed-host and reject other hosts', async () => {
    const { ports } = await running();
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
    expect(await statuses('desk.test')).toEqual([200, 200, 401, 200, 401]);
    expect(await statuses('evil.test')).toEqual([421, 403, 421, 421, 421]);
    const config = await askRaw(`http://127.0.0.1:${ports.bff}`, {
      target: '/dev/config',
      headers: { host: 'desk.test' },
    });
    expect(JSON.parse(config.body)).toMatchObject({ ticketsUrl: `http://desk.test:${ports.tickets}` });
  });

  it('access tokens have the lifetime of --access-lifetime-seconds, and the banner and the page show it', async () => {
    expect(await lifetimes(await running())).toEqual({ printed: 37, ofToken: 37, ofPage: 37 });
  });

  it('the BFF builds the page, serves it at the root and does not log its requests', async () => {
    const { dev, url } = await running();
    expect(dev.output()).toMatch(new RegExp(`^The help desk +${url} `, 'm'));
    await dev.printed(/The help desk is ready/);
    const index = await sendRequest(`${url}/`);
    expect(index).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    const [script = 'no script'] = /\/assets\/[\w.-]+/.exec(index.text) ?? [];
    expect((await sendRequest(`${url}${script}`)).text).toContain('Good morning');
    await sendRequest(`${url}/dev/counts`);
    await sendRequest(`${url}/trpc/status.get`);
    await dev.printed(/"path":"\/trpc\/status.get"/);
    expect(dev.output()).not.toMatch(/"path":"\/(dev|assets|")/);
  });
});

describe('npm run dev with a --demo-folder that has no index.html', () => {
  it('serves no page', async () => {
    const { dev, url } = await runningDeployed();
    expect(dev.output()).not.toContain('The help desk');
    expect(await askForPage(url)).toMatchObject(noPage);
  });

  // Must be the last test of this start.
  it('Ctrl-C stops all servers and frees their ports', async () => {
    const { dev, ports } = await runningDeployed();
    dev.kill('SIGINT');
    expect(await dev.exited).toBe(0);
    await expectFree(ports);
  });
});

describe('start and stop of npm run dev', () => {
  it('the ticket service stops when npm run dev is killed', async () => {
    // Must be the last test of this start.
    const { dev, ports } = await runningGuide();
    dev.kill('SIGKILL');
    // The output stream closes only after all processes that share it have exited.
    expect(await dev.exited).toBeNull();
    await expectFree(ports);
  });

  it('the BFF answers although the page build failed, and prints and serves the build error', async () => {
    await using page = await createPageFolder();
    await page.write('main.ts', "import './missing.ts';");
    const { dev, url } = await startDev({ pageFolder: page.folder });
    await using _ = dev;
    await dev.printed(/Building the help desk page failed:[^]*missing\.ts/);
    expect(await sendRequest(`${url}/`)).toMatchObject({ status: 500, text: expect.stringContaining('missing.ts') });
    expect(await sendRequest(`${url}/trpc/status.get`)).toMatchObject({ status: 200 });
  });

  it('Ctrl-C aborts the page build', async () => {
    await using page = await createPageFolder();
    const { dev, ports } = await startDev({ pageFolder: page.folder });
    await using _ = dev;
    // The build starts after the banner is printed.
    await dev.printed(/Ctrl-C to stop all servers/);
    await vi.waitFor(async () => expect((await page.names()).join()).toContain('.dist-'));
    dev.kill('SIGINT');
    expect(await dev.exited).toBe(0);
    expect((await page.names()).join()).not.toContain('.dist-');
    await expectFree(ports);
  });

  it.each(['bff', 'authService', 'control', 'tickets'] as const)(
    'npm run dev exits with 1 and names the port if the port of %s is in use',
    async (part) => {
      await using taken = await holdPort();
      const { dev } = await startDev({ ports: { [part]: taken.port } });
      await using _ = dev;
      expect(await dev.exited).toBe(1);
      expect(dev.output()).toMatch(
        new RegExp(`cannot start: port ${taken.port} is in use. Stop the process that listens on it, or choose`),
      );
      expect(dev.output()).not.toMatch(/^\s+at /m);
    },
  );
});

describe('the options of npm run dev', () => {
  const { argv } = process;
  afterEach(() => {
    process.argv = argv;
    vi.restoreAllMocks();
  });

  const written: string[] = [];
  const readInvalid = (option: string, value: string) => {
    written.length = 0;
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    process.argv = ['node', 'start.ts', option, value];
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    expect(readStartOptions).toThrow('exit 1');
  };

  it('npm run dev names the expected value of an invalid option, and exits with 1', () => {
    readInvalid('--dialect', 'french');
    expect(written[0]).toContain('--dialect: expected guide or deployed, got french');
  });

  it.each([
    ['--tickets-port', '99999', 'expected a port from 0 to 65535, got 99999'],
    ['--access-lifetime-seconds', '0', 'expected a whole number of seconds from 1 to 999999, got 0'],
    ['--allowed-host', 'desk.test:4000', 'expected a host name or an IP address without a port'],
    ['--allowed-host', 'http://desk.test', 'expected a host name or an IP address without a port'],
  ])('npm run dev rejects an invalid %s and names the expected value: not %s', (option, value, should) => {
    readInvalid(option, value);
    expect(written[0]).toContain(`${option}: ${should}`);
  });
});

describe('start-auth-service', () => {
  it('start-auth-service applies --access-lifetime-seconds and --allowed-host', async () => {
    const [port, control] = [await freePort(), await freePort()];
    const args = ['server/dev/start-auth-service.ts', '--port', String(port), '--control-port', String(control)];
    await using service = runProcess({
      args: [...args, '--access-lifetime-seconds', '37', '--allowed-host', 'auth-service'],
      env: { DJANGO_JWT_SIGNING_KEY: signingKey, AUTH_API_KEY: apiKey },
    });
    await service.printed(/Fault injection/);
    const json = johnsCredentials;
    const { cookies } = await sendRequest(`http://127.0.0.1:${port}/api/v1/users/login/api/`, { json });
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

  it('start-auth-service rejects an invalid --access-lifetime-seconds and names the expected value', async () => {
    await using service = runProcess({ args: ['server/dev/start-auth-service.ts', '--access-lifetime-seconds', '0'] });
    expect(await service.exited).toBe(1);
    expect(service.output()).toContain('--access-lifetime-seconds: expected a whole number of seconds');
  });
});
