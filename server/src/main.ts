import { createApp } from './app.ts';
import { ConfigError, configWarnings, loadConfig } from './config.ts';
import { createGracefulShutdown } from './http/lifecycle/graceful-shutdown.ts';
import { toListenFailure } from './http/lifecycle/listen-failure.ts';
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

/** After SIGTERM: as long as the start of another replica takes on a busy machine. */
const keepListeningMs = 8_000;

const creating = createApp({ config, log });
const shutdown = createGracefulShutdown({
  async close(signal) {
    // If there is no app, the failure to create it is the uncaught error.
    const created = await creating.catch(() => null);
    if (created === null) return { served: 0, cut: 0 };
    // Not after an uncaught error, and not for somebody who waits at a terminal.
    return created.close(signal === 'SIGTERM' ? { keepListeningMs } : {});
  },
  log,
  exit: (code) => process.exit(code),
  timeoutMs: 15_000,
});
// SIGHUP: the terminal was closed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void shutdown.onSignal(signal));
}
// Node raises unhandled rejections as uncaught exceptions, with their own origin.
process.on('uncaughtException', (error, origin) => void shutdown.onCrash(error, origin));

const app = await creating;
try {
  // First: if its port is in use, the main listener has accepted no connection.
  const opsAddress = await app.listenOps().catch((error: NodeJS.ErrnoException) =>
    // A shutdown that began before the listener was ready makes `listen` fail. It exits the process itself.
    shutdown.hasBegun() ? null : exitWithMessage(toListenFailure({ listener: 'ops', config, error })),
  );
  const address = await app.listen();
  log.info(
    { address, opsAddress, authService: config.authServiceUrl, tokenValidation: config.tokenValidation },
    'Listening.',
  );
} catch (error) {
  if (!shutdown.hasBegun())
    exitWithMessage(toListenFailure({ listener: 'main', config, error: error as NodeJS.ErrnoException }));
}
