import { createApp } from './app.ts';
import { ConfigError, configWarnings, loadConfig } from './config.ts';
import { createLog } from './platform/log.ts';
import { createStop } from './http/lifecycle/graceful-shutdown.ts';

const refuseToStart = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const configOrExit = () => {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) return refuseToStart(error.message);
    throw error;
  }
};

const config = configOrExit();
const log = createLog(config);
for (const warning of configWarnings(config, process.env)) log.warn(warning);
if (config.redisUrl === null) {
  log.info(
    'REDIS_URL is not set: turns, refreshes, sign-outs and limits are remembered by this process alone. Run one replica; two would give the same turn twice and sign people out, and a restart begins anew.',
  );
}
const app = await createApp({ config, log });
const { stop, isStopping } = createStop({
  close: app.close,
  log,
  exit: (code) => process.exit(code),
  withinMs: 15_000,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));

const address = await app.listen().catch((error: NodeJS.ErrnoException) =>
  // Told to stop before it listened, it never will, and the stop ends the process.
  isStopping()
    ? new Promise<never>(() => {})
    : refuseToStart(
        error.code === 'EADDRINUSE'
          ? `Port ${config.port} is taken: end what listens there, or set PORT to another.`
          : `Cannot listen on ${config.host}:${config.port} (HOST, PORT): ${error.code ?? error.message}`,
      ),
);
// Metrics that cannot be had are no reason to serve nobody.
const opsAddress = await app.listenOps().catch((error: NodeJS.ErrnoException) => {
  log.error(
    { cause: error.code ?? error.message, host: config.opsHost, port: config.opsPort },
    'Cannot listen on OPS_HOST and OPS_PORT: there are no metrics.',
  );
  return null;
});
log.info(
  { address, opsAddress, authService: config.authServiceUrl, tokenValidation: config.tokenValidation },
  'Listening.',
);
