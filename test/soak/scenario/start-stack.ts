import { setTimeout as delay } from 'node:timers/promises';
import type { Fault as AuthServiceFault } from '../../../server/dev/auth-service/auth-service.ts';
import { type Family, readExposition, valueOf } from '../../support/output/exposition.ts';
import { startRedis } from '../../support/redis/redis.ts';
import { freePort, type RunningProcess, runProcess } from '../../support/processes/run-process.ts';
import type { SoakOptions } from '../read-options.ts';

const keys = {
  DJANGO_JWT_SIGNING_KEY: 'a-signing-key-that-only-the-soak-test-uses',
  AUTH_API_KEY: 'an-api-key',
};

const isReady = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/health/ready`).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.ok === true;
};

const memoryPattern = (number: number) => new RegExp(`MEMORY ${number} used=(\\d+) rss=(\\d+)\\n`);

export type Memory = { usedBytes: number; rssBytes: number };

/** One BFF process as in production. Its ports stay the same across restarts. */
const createReplica = async ({ name, env }: { name: string; env: Record<string, string> }) => {
  const [port, opsPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  let running: RunningProcess | null = null;
  let reports = 0;
  let isKilled = false;
  let hasStarted = false;

  const scrape = async (): Promise<Family[]> => readExposition(await (await fetch(`${opsUrl}/metrics`)).text());
  const report = async (): Promise<Memory> => {
    if (running === null) throw new Error(`${name} is not running.`);
    reports += 1;
    const pattern = memoryPattern(reports);
    running.kill('SIGUSR2');
    const [, used, rss] = await running.printed(pattern);
    return { usedBytes: Number(used), rssBytes: Number(rss) };
  };

  return {
    name,
    url,
    async start(): Promise<void> {
      isKilled = false;
      reports = 0;
      running = runProcess({
        args: ['--expose-gc', '--import', './test/soak/scenario/report-memory.ts', 'server/src/main.ts'],
        env: { ...env, PORT: String(port), OPS_PORT: String(opsPort) },
      });
      while (!(await isReady(url))) {
        if (running.hasExited()) throw new Error(`${name} ended before it was ready:\n${running.output()}`);
        await delay(100);
      }
      hasStarted = true;
    },
    async kill(): Promise<void> {
      isKilled = true;
      hasStarted = false;
      running?.kill('SIGKILL');
      await running?.exited;
    },
    /** Whether the process was ready and has not exited. */
    isRunning: () => hasStarted && running?.hasExited() === false,
    /** Whether the process exited without `kill`. */
    hasDied: () => !isKilled && running?.hasExited() === true,
    /** Logged warnings and errors. */
    output: () => (running?.output() ?? '').replaceAll(/^MEMORY .*\n/gm, ''),
    scrape,
    /** Memory after garbage collection: the minimum of three samples, because requests in flight also use memory. */
    async memory(): Promise<Memory> {
      const samples: Memory[] = [];
      for (let count = 0; count < 3; count += 1) samples.push(await report());
      return samples.reduce((least, sample) => (sample.usedBytes < least.usedBytes ? sample : least));
    },
    async [Symbol.asyncDispose]() {
      isKilled = true;
      await running?.[Symbol.asyncDispose]();
    },
  };
};

export type Replica = Awaited<ReturnType<typeof createReplica>>;

export type StackOptions = Pick<SoakOptions, 'replicas' | 'dialect'> & { accessLifetimeSeconds: number };

/** Starts Redis, the embedded Auth Service and the replicas, each as a separate process. */
export const startStack = async ({ replicas: count, dialect, accessLifetimeSeconds }: StackOptions) => {
  const parts: AsyncDisposable[] = [];
  const dispose = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
  };
  const start = async () => {
    const redis = await startRedis({ isDurable: true });
    parts.push(redis);
    const [port, controlPort] = [await freePort(), await freePort()];
    const control = `http://127.0.0.1:${controlPort}`;
    const authService = runProcess({
      args: [
        'server/dev/start-auth-service.ts',
        '--dialect',
        dialect,
        '--port',
        String(port),
        '--control-port',
        String(controlPort),
        '--access-lifetime-seconds',
        String(accessLifetimeSeconds),
      ],
      env: keys,
    });
    parts.push(authService);
    await authService.printed(/Fault injection/);

    const env = {
      ...keys,
      AUTH_SERVICE_URL: `http://127.0.0.1:${port}`,
      REDIS_URL: redis.url,
      TRUST_PROXY: '1',
      LOG_LEVEL: 'warn',
    };
    const replicas: Replica[] = [];
    for (let index = 1; index <= count; index += 1) {
      const replica = await createReplica({ name: `replica ${index}`, env });
      parts.push(replica);
      replicas.push(replica);
    }
    await Promise.all(replicas.map((replica) => replica.start()));

    const controlAuthService = async (method: string, fault?: AuthServiceFault) => {
      const path = fault === undefined ? '/faults' : '/faults/*';
      const body = fault === undefined ? {} : { body: JSON.stringify(fault) };
      const answer = await fetch(`${control}${path}`, { method, ...body });
      if (!answer.ok) throw new Error(`The embedded Auth Service rejected the fault: ${await answer.text()}`);
    };
    return {
      redis,
      replicas,
      injectFault: (fault: AuthServiceFault) => controlAuthService('PUT', fault),
      clearFaults: () => controlAuthService('DELETE'),
      /** The embedded Auth Service records every request, so the records must be cleared during a long run. */
      clearRecordedCalls: async () => void (await fetch(`${control}/calls`, { method: 'DELETE' })),
      [Symbol.asyncDispose]: dispose,
    };
  };
  return start().catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
};

export type Stack = Awaited<ReturnType<typeof startStack>>;

export const isRedisDown = (families: readonly Family[]): boolean => valueOf(families, 'auth_bff_redis_up') === 0;
