import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '../src/config.ts';
import { startAuthService } from './auth-service/auth-service.ts';
import { exitOnStartError, createOptionReader, print, exitWithError } from './command-line.ts';

// Runs only the embedded Auth Service, for a BFF in another process. It reads the keys from the same variables as the BFF.

const usage =
  'Usage: start-auth-service.ts [--dialect guide|deployed] [--host 127.0.0.1] [--port 8000] [--control-port 8001] [--access-lifetime-seconds 900, or 300 in the deployed dialect] [--allowed-host auth-service]…';

const readOptions = () => {
  const { failWithUsage, toPort, toAccessLifetime, toHosts, toDialect } = createOptionReader(usage);
  try {
    const { values } = parseArgs({
      options: {
        dialect: { type: 'string', default: 'guide' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8000' },
        'control-port': { type: 'string', default: '8001' },
        'access-lifetime-seconds': { type: 'string' },
        'allowed-host': { type: 'string', multiple: true, default: [] },
      },
    });
    return {
      dialect: toDialect(values.dialect),
      host: values.host,
      port: toPort('--port', values.port),
      controlPort: toPort('--control-port', values['control-port']),
      allowedHosts: toHosts('--allowed-host', values['allowed-host']),
      ...toAccessLifetime(values['access-lifetime-seconds']),
    };
  } catch (error) {
    return failWithUsage((error as Error).message);
  }
};

const readKeys = () => {
  try {
    const { signingKeys, apiKey } = loadConfig({
      ...process.env,
      AUTH_SERVICE_URL: 'http://localhost',
      TOKEN_VALIDATION: 'local',
      NODE_ENV: 'development',
    });
    const [signingKey = ''] = signingKeys;
    return { signingKey, apiKey };
  } catch (error) {
    return exitWithError(error instanceof ConfigError ? error.message : String(error));
  }
};

const authService = await startAuthService({ ...readOptions(), ...readKeys(), log: print }).catch(
  exitOnStartError(
    'The embedded Auth Service',
    'Stop the process that listens on it, or choose other ports: --port 8100 --control-port 8101',
  ),
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void authService.close().then(() => process.exit(0)));
}
print(`The Auth Service   ${authService.url}  (embedded, ${authService.dialect} dialect)`);
print(`Fault injection    ${authService.controlUrl}`);
