import { browserOf } from '../app/crowd.ts';
import { startApp } from '../app/start-app.ts';
import { type Family, readExposition } from '../output/exposition.ts';

const serviceAccount = { SERVICE_ACCOUNT_EMAIL: 'service@example.com', SERVICE_ACCOUNT_PASSWORD: 'service-password-1' };

/** All metrics of running BFFs: with and without Redis, with a service account, after calls that succeeded and failed. */
export const readMetricsOfAll = async (): Promise<Family[]> => {
  await using memory = await startApp({ env: serviceAccount });
  await using away = await startApp({ env: { REDIS_URL: 'redis://127.0.0.1:1' }, redisTimeoutMs: 50 });
  await using overloaded = await startApp({ isOverloaded: () => true });
  const { trpc } = await browserOf(memory, 123);
  await trpc.users.byId.query({ id: 5 });
  memory.authService.fault('user', { kind: 'status', status: 503 });
  await trpc.users.byId.query({ id: 12 }).catch(() => {});
  memory.authService.fault('user', { kind: 'status', status: 200, body: '[]' });
  await trpc.users.byId.query({ id: 12 }).catch(() => {});
  const texts = [memory, away, overloaded].map(async ({ app }) => {
    const answer = await fetch(`${await app.listenOps()}/metrics`);
    return answer.text();
  });
  return (await Promise.all(texts)).flatMap(readExposition);
};
