import { parseArgs } from 'node:util';
import { createApp } from '../src/app.ts';
import { ConfigError, loadConfig } from '../src/config.ts';
import { createLog } from '../src/log.ts';
import { startAuthService } from './auth-service.ts';
import { toBanner } from './banner.ts';

/** What `npm run dev` runs on where the environment says nothing. None of it is secret, and none of it is fit for production. */
const embedded = {
  DJANGO_JWT_SIGNING_KEY: 'development-signing-key-for-nobody-but-this-machine',
  AUTH_API_KEY: 'development-api-key',
  COOKIE_SECURE: 'false',
};
const print = (text: string) => process.stdout.write(`${text}\n`);
const refuseToStart = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const usage = 'Usage: npm run dev -- [--dialect guide|deployed] [--auth-service-port 8000] [--control-port 8001]';

const toPort = (name: string, text: string): number => {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  return refuseToStart(`${name}: expected a port from 0 to 65535, got ${text}\n${usage}`);
};

const readOptions = () => {
  try {
    const { values } = parseArgs({
      options: {
        dialect: { type: 'string', default: 'guide' },
        'auth-service-port': { type: 'string', default: '8000' },
        'control-port': { type: 'string', default: '8001' },
      },
    });
    const { dialect } = values;
    if (dialect !== 'guide' && dialect !== 'deployed') {
      return refuseToStart(`--dialect: expected guide or deployed, got ${dialect}\n${usage}`);
    }
    return {
      dialect,
      authServicePort: toPort('--auth-service-port', values['auth-service-port']),
      controlPort: toPort('--control-port', values['control-port']),
    } as const;
  } catch (error) {
    return refuseToStart(`${(error as Error).message}\n${usage}`);
  }
};

const cannotStart = (name: string, remedy: string) => (error: NodeJS.ErrnoException & { port?: number }) =>
  refuseToStart(
    error.code === 'EADDRINUSE'
      ? `${name} cannot start: port ${error.port} is taken. ${remedy}`
      : `${name} cannot start: ${error.message}`,
  );

const { dialect, authServicePort, controlPort } = readOptions();
const environment = {
  ...embedded,
  ...process.env,
  AUTH_SERVICE_URL: `http://127.0.0.1:${authServicePort}`,
  NODE_ENV: 'development',
};
const readConfig = () => {
  try {
    return loadConfig(environment);
  } catch (error) {
    return refuseToStart(error instanceof ConfigError ? error.message : String(error));
  }
};
const config = readConfig();
const [signingKey = embedded.DJANGO_JWT_SIGNING_KEY] = config.signingKeys;

const authService = await startAuthService({
  dialect,
  port: authServicePort,
  controlPort,
  signingKey,
  apiKey: config.apiKey,
  log: print,
}).catch(
  cannotStart(
    'The embedded Auth Service',
    'End what listens there, or choose others: npm run dev -- --auth-service-port 8100 --control-port 8101',
  ),
);

const app = await createApp({ config, log: createLog(config) });
await app.listen().catch(cannotStart('The BFF', 'End what listens there, or choose another: PORT=4001 npm run dev'));
// Metrics are not what anybody came for.
await app.listenOps().catch(() => null);

const stop = async () => {
  print('\nStopping.');
  await Promise.all([app.close(), authService.close()]);
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

print(toBanner({ bffPort: config.port, authServiceUrl: authService.url, controlUrl: authService.controlUrl, dialect }));
