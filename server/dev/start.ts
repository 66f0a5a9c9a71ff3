import { parseArgs } from 'node:util';
import { createApp } from '../src/app.ts';
import { ConfigError, loadConfig } from '../src/config.ts';
import { createLog } from '../src/log.ts';
import { startAuthService } from './auth-service.ts';
import { toBanner } from './banner.ts';
import { cannotStart, createOptionReader, print, refuseToStart } from './command-line.ts';

/** What `npm run dev` runs on where the environment says nothing. None of it is secret, and none of it is fit for production. */
const embedded = {
  DJANGO_JWT_SIGNING_KEY: 'development-signing-key-for-nobody-but-this-machine',
  AUTH_API_KEY: 'development-api-key',
  COOKIE_SECURE: 'false',
};
const usage = 'Usage: npm run dev -- [--dialect guide|deployed] [--auth-service-port 8000] [--control-port 8001]';

const readOptions = () => {
  const { refuse, toPort, toDialect } = createOptionReader(usage);
  try {
    const { values } = parseArgs({
      options: {
        dialect: { type: 'string', default: 'guide' },
        'auth-service-port': { type: 'string', default: '8000' },
        'control-port': { type: 'string', default: '8001' },
      },
    });
    return {
      dialect: toDialect(values.dialect),
      authServicePort: toPort('--auth-service-port', values['auth-service-port']),
      controlPort: toPort('--control-port', values['control-port']),
    };
  } catch (error) {
    return refuse((error as Error).message);
  }
};

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
