import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyRequest } from 'fastify';
import { createApp } from '../src/app.ts';
import { ConfigError, fileVariables, loadConfig, variables } from '../src/config.ts';
import { createLog } from '../src/platform/log.ts';
import { startAuthService } from './auth-service/auth-service.ts';
import { toBanner } from './banner.ts';
import { exitOnStartError, print, exitWithError } from './command-line.ts';
import { createDemoPage } from './desk/demo-page.ts';
import { registerDemoRoutes } from './desk/demo-routes.ts';
import { registerDevRoutes } from './desk/dev-routes.ts';
import { createHostCheck } from './host-check.ts';
import { hostnameOf } from './hostname.ts';
import { readStartOptions } from './start-options.ts';
import { runTicketService } from './tickets/run-ticket-service.ts';

/** Default environment of `npm run dev`. These values are public and must not be used in production. */
const developmentDefaults = {
  DJANGO_JWT_SIGNING_KEY: 'development-signing-key-for-nobody-but-this-machine',
  SEALING_KEY: 'development-sealing-key-for-nobody-but-this-machine',
  AUTH_API_KEY: 'development-api-key',
  COOKIE_SECURE: 'false',
  API_DOCS: 'true',
  // Short cache times: the effect of an injected fault becomes visible within seconds.
  DIRECTORY_FRESH_SECONDS: '10',
  DIRECTORY_STALE_SECONDS: '10',
  DIRECTORY_ROLES_FRESH_SECONDS: '10',
};

const bffPort = process.env.PORT ?? '4000';
const { dialect, authServicePort, controlPort, ticketsPort, accessLifetimeSeconds, demoFolder, ...options } =
  readStartOptions();
const isDefaultNeeded = ([name]: [name: string, value: string]) => process.env[`${name}_FILE`] === undefined;
const environment = {
  ...Object.fromEntries(Object.entries(developmentDefaults).filter(isDefaultNeeded)),
  // The links of password-reset mails lead to a page of the help desk.
  PUBLIC_URL: `http://localhost:${bffPort}`,
  PASSWORD_RESET_URL: `http://localhost:${bffPort}/reset-password`,
  ...process.env,
  AUTH_SERVICE_URL: `http://127.0.0.1:${authServicePort}`,
  NODE_ENV: 'development',
};
const readConfig = () => {
  try {
    return loadConfig(environment);
  } catch (error) {
    return exitWithError(error instanceof ConfigError ? error.message : String(error));
  }
};
const config = readConfig();
// Browsers on other machines send the address on which the BFF listens as Host.
const listenHost = hostnameOf(isIPv6(config.host) ? `[${config.host}]` : config.host);
const allowedHosts = [...(listenHost === null ? [] : [listenHost]), ...options.allowedHosts];
const [signingKey = developmentDefaults.DJANGO_JWT_SIGNING_KEY] = config.signingKeys;

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = demoFolder ?? join(root, 'client/demo');
const page =
  process.env.NO_DEMO !== '1' && existsSync(join(folder, 'index.html'))
    ? createDemoPage({
        folder,
        alsoFrom: ['client/src', 'shared/src', 'package-lock.json'].map((path) => join(root, path)),
        env: process.env,
      })
    : null;

const closables: Array<{ close: () => Promise<unknown> }> = page === null ? [] : [page];
const stop = async () => {
  print('\nStopping.');
  await Promise.all(closables.map((closable) => closable.close()));
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void stop());

const authService = await startAuthService({
  dialect,
  port: authServicePort,
  controlPort,
  allowedHosts,
  signingKey,
  apiKey: config.apiKey,
  ...(accessLifetimeSeconds === undefined ? {} : { accessLifetimeSeconds }),
  log: print,
}).catch(
  exitOnStartError(
    'The embedded Auth Service',
    'Stop the process that listens on it, or choose other ports: npm run dev -- --auth-service-port 8100 --control-port 8101',
  ),
);
closables.push(authService);

// Cookies belong to one host name, so the ticket service must accept every name under which the page can be opened.
const hosts = new Set(['localhost', '127.0.0.1', ...allowedHosts]);
/** The addresses `0.0.0.0` and `::` mean all addresses, among them this one. */
const ownHost = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
// No variable of the BFF: the service is to know none of its secrets.
const isOfBff = (name: string) => ([...variables, ...fileVariables] as readonly string[]).includes(name);
const ticketService = runTicketService({
  host: config.host,
  port: ticketsPort,
  bffUrl: `http://${isIPv6(ownHost) ? `[${ownHost}]` : ownHost}:${config.port}`,
  issuer: config.assertionIssuer,
  origins: [...Array.from(hosts, (host) => `http://${host}:${config.port}`), ...config.corsOrigins],
  allowedHosts,
  env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOfBff(name))),
  onUnexpectedExit: () => print('The ticket service has stopped unexpectedly. Restart npm run dev.'),
});

/** Request lines of the page's polling and its static files. They would hide the lines of the API in the terminal. */
const isPageRequest = (line: string) => /"path":"\/(dev\/|assets\/|")/.test(line) && line.includes('"msg":"request"');
const destination = {
  write(line: string): void {
    if (!isPageRequest(line)) process.stdout.write(line);
  },
};
const app = await createApp({ config, log: createLog({ ...config, destination }) });
closables.push(app);
const hostCheck = createHostCheck({ allowedHosts });
const ticketsUrlFor = ({ raw }: FastifyRequest) =>
  `http://${hostCheck.acceptedHostname(raw) ?? 'localhost'}:${ticketsPort}`;
const { cookieDomain, hasApiDocs } = config;
await registerDevRoutes(app.server, { authService, hostCheck, cookieDomain, hasApiDocs, ticketsUrlFor });
if (page !== null)
  await registerDemoRoutes(app.server, { page, hostCheck, ticketsUrlFor, pictureOrigin: authService.url });
await app
  .listen()
  .catch(
    exitOnStartError('The BFF', 'Stop the process that listens on it, or choose another port: PORT=4001 npm run dev'),
  );
// Not the reason for which developers start the servers, so a port conflict does not stop them.
await app
  .listenOps()
  .catch(() => print(`Port ${config.opsPort} is already in use: no metrics. Set OPS_PORT to another port.`));
// The child process has printed the reason.
closables.push(await ticketService.catch(() => process.exit(1)));

const bffUrl = `http://localhost:${config.port}`;
print(
  toBanner({
    bffUrl,
    hasPage: page !== null,
    ticketsUrl: `http://localhost:${ticketsPort}`,
    authServiceUrl: authService.url,
    controlUrl: authService.controlUrl,
    dialect,
    accessLifetimeSeconds: authService.accessLifetimeSeconds,
  }),
);

const prepared = await page?.prepare();
if (prepared?.state === 'ready') print(`The help desk is ready: ${bffUrl}`);
if (prepared?.state === 'failed') print(`Building the help desk page failed:\n${prepared.message}`);
