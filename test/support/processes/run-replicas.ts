import { type AuthServiceOptions, startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { createBrowser } from '../app/browser.ts';
import { type RedisServerOptions, startRedis } from '../redis/redis.ts';
import { runProcess } from './run-process.ts';
import { apiKey, signingKey } from '../app/start-app.ts';
import { serviceEnvironment } from './service-environment.ts';

export type RunReplicasOptions = {
  count: number;
  env?: Record<string, string>;
  authService?: Partial<AuthServiceOptions>;
  redis?: RedisServerOptions;
};

/** BFFs as processes of their own, in front of one Auth Service, over one real Redis. */
export const runReplicas = async ({ count, ...options }: RunReplicasOptions) => {
  const redis = await startRedis(options.redis);
  const authService = await startAuthService({ signingKey, apiKey, ...options.authService });
  const env = serviceEnvironment(authService.url, { REDIS_URL: redis.url, ...options.env });
  const processes = Array.from({ length: count }, () =>
    runProcess({ args: ['test/support/processes/replica.ts'], env }),
  );
  const urls = await Promise.all(
    processes.map(async (one) => (await one.printed(/Listening on (\S+)\n/))[1] ?? 'no address'),
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
