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
const authServicePort = 8000;
const controlPort = 8001;

const print = (text: string) => process.stdout.write(`${text}\n`);
const refuseToStart = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const readDialect = () => {
  try {
    const { values } = parseArgs({ options: { dialect: { type: 'string', default: 'guide' } } });
    if (values.dialect === 'guide' || values.dialect === 'deployed') return values.dialect;
    return refuseToStart(`--dialect: expected guide or deployed, got ${values.dialect}`);
  } catch (error) {
    return refuseToStart(`${(error as Error).message}\nUsage: npm run dev -- [--dialect guide|deployed]`);
  }
};

const portTaken = (name: string, port: number, remedy: string) => (error: NodeJS.ErrnoException) =>
  refuseToStart(
    error.code === 'EADDRINUSE'
      ? `${name} cannot start: port ${port} is taken. ${remedy}`
      : `${name} cannot start: ${error.message}`,
  );

const dialect = readDialect();
const environment = {
  ...embedded,
  AUTH_SERVICE_URL: `http://127.0.0.1:${authServicePort}`,
  ...process.env,
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
  portTaken(
    'The embedded Auth Service',
    authServicePort,
    `It needs ${authServicePort} and, to be told what to break, ${controlPort}: end what listens there.`,
  ),
);

const app = await createApp({ config, log: createLog(config) });
await app
  .listen()
  .catch(portTaken('The BFF', config.port, 'End what listens there, or choose another: PORT=4001 npm run dev'));

print(toBanner({ bffPort: config.port, authServiceUrl: authService.url, controlUrl: authService.controlUrl, dialect }));

const stop = async () => {
  print('\nStopping.');
  await Promise.all([app.close(), authService.close()]);
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
