import { type Dialect, startAuthService } from '../../server/dev/auth-service.ts';
import { createBrowser } from './browser.ts';
import { startRedis } from './redis.ts';
import { runProcess } from './run-process.ts';
import { apiKey, signingKey } from './start-app.ts';

export type RunReplicasOptions = { dialect?: Dialect; count: number };

/** BFFs as processes of their own, in front of one Auth Service, over one real Redis. */
export const runReplicas = async ({ dialect = 'guide', count }: RunReplicasOptions) => {
  const redis = await startRedis();
  const authService = await startAuthService({ dialect, signingKey, apiKey });
  const env = {
    AUTH_SERVICE_URL: authService.url,
    DJANGO_JWT_SIGNING_KEY: signingKey,
    AUTH_API_KEY: apiKey,
    REDIS_URL: redis.url,
    PORT: '0',
    OPS_PORT: '0',
  };
  const processes = Array.from({ length: count }, () => runProcess({ args: ['server/src/main.ts'], env }));
  const urls = await Promise.all(
    processes.map(async (one) => (await one.printed(/"address":"([^"]+)"/))[1] ?? 'no address'),
  );
  return {
    redis,
    authService,
    processes,
    urls,
    browser: (replica: number) => createBrowser({ url: urls[replica] ?? 'no such replica' }),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
      await authService.close();
      await redis[Symbol.asyncDispose]();
    },
  };
};
