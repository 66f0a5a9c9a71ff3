import { createApp } from './app.ts';
import { ConfigError, configWarnings, loadConfig } from './config.ts';
import { createGracefulShutdown } from './http/lifecycle/graceful-shutdown.ts';
import { createLog } from './platform/log.ts';

const exitWithMessage = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const loadConfigOrExit = () => {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) return exitWithMessage(error.message);
    throw error;
  }
};

const config = loadConfigOrExit();
const log = createLog(config);
for (const warning of configWarnings(config, process.env)) log.warn(warning);
if (config.redisUrl === null) {
  log.info(
    'REDIS_URL is not set: assignments, refreshes, sign-outs and rate limits are kept in the memory of this process. Run one replica: two replicas would assign the same turn twice and sign people out. A restart loses this state.',
  );
}

const app = await createApp({ config, log, keepListeningMs: 5_000 });
const shutdown = createGracefulShutdown({
  close: app.close,
  log,
  exit: (code) => process.exit(code),
  timeoutMs: 15_000,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void shutdown.onSignal(signal));
// Node raises unhandled rejections as uncaught exceptions, with their own origin.
process.on('uncaughtException', (error, origin) => void shutdown.onCrash(error, origin));

/** The service works without metrics, so a failure is logged and nothing else. Null: not listening. */
const listenOps = (): Promise<string | null> =>
  app.listenOps().catch((error: NodeJS.ErrnoException) => {
    log.error(
      { cause: error.code ?? error.message, host: config.opsHost, port: config.opsPort },
      'Cannot listen on OPS_HOST and OPS_PORT: metrics are not available. Set OPS_PORT to a free port.',
    );
    return null;
  });

const toListenFailure = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'EADDRINUSE'
    ? `Port ${config.port} is already in use: stop the process that listens there, or set PORT to another port.`
    : `Cannot listen on ${config.host}:${config.port} (HOST, PORT): ${code ?? message}`;

try {
  const address = await app.listen();
  const opsAddress = await listenOps();
  log.info(
    { address, opsAddress, authService: config.authServiceUrl, tokenValidation: config.tokenValidation },
    'Listening.',
  );
} catch (error) {
  // A shutdown that began before the listener was ready makes `listen` fail. It exits the process itself.
  if (!shutdown.hasBegun()) exitWithMessage(toListenFailure(error as NodeJS.ErrnoException));
}
