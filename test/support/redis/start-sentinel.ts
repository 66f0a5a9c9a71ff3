import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { freePort } from '../processes/run-process.ts';
import { inRedis } from './in-redis.ts';
import { type RedisServer, startRedis } from './redis.ts';
import type { TlsFiles } from './tls-files.ts';

const command = process.env.REDIS_SERVER ?? 'redis-server';

export const primaryName = 'mymaster';

export type SentinelOptions = {
  /** Default: 3. */
  sentinels?: number;
  replicas?: number;
  /** Milliseconds without an answer after which a sentinel considers the primary down. Default 1,000. */
  downAfterMs?: number;
  /** The password of the sentinels. Default: none. */
  password?: string;
  /** Sentinels and servers also listen with TLS, and sentinels report the port with TLS. */
  tls?: TlsFiles;
};

type Started = { child: ChildProcess; port: number; tlsPort: number; exited: Promise<void> };

/** Arguments of the command line as lines of a configuration. */
const toLines = (args: readonly string[]): string[] =>
  args
    .join(' ')
    .split(' --')
    .map((line) => line.replace(/^--/, ''));

const startOne = async (folder: string, index: number, primaryPort: number, options: SentinelOptions) => {
  const { sentinels = 3, downAfterMs = 1_000, password, tls } = options;
  const port = await freePort();
  const tlsPort = tls === undefined ? 0 : await freePort();
  const path = join(folder, `sentinel-${index}.conf`);
  const quorum = Math.floor(sentinels / 2) + 1;
  writeFileSync(
    path,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${primaryName} 127.0.0.1 ${primaryPort} ${quorum}`,
      `sentinel down-after-milliseconds ${primaryName} ${downAfterMs}`,
      `sentinel failover-timeout ${primaryName} 3000`,
      ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
      ...(tls === undefined ? [] : [`tls-port ${tlsPort}`, ...toLines(tls.serverArgs)]),
      '',
    ].join('\n'),
  );
  const child = spawn(command, [path, '--sentinel'], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, port, tlsPort, exited } satisfies Started;
};

/** One primary, its replicas, and sentinels that agree about them: real processes on loopback. */
export const startSentinel = async (options: SentinelOptions = {}) => {
  const { sentinels: count = 3, replicas: replicaCount = 2, password } = options;
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-sentinel-'));
  const servers: RedisServer[] = await Promise.all(
    Array.from({ length: 1 + replicaCount }, () => startRedis(options.tls === undefined ? {} : { tls: options.tls })),
  );
  const [primary, ...replicas] = servers;
  if (primary === undefined) throw new Error('No primary.');
  const serverPorts = new Set(servers.map(({ port }) => port));
  /** Sends a command to a server or a sentinel. */
  const call = (port: number, ...[name, ...args]: [string, ...string[]]) => {
    const user = password === undefined || serverPorts.has(port) ? '' : `:${password}@`;
    return inRedis({ url: `redis://${user}127.0.0.1:${port}` }, (client) => client.call(name, ...args));
  };
  await call(primary.port, 'CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  for (const { port } of replicas) {
    await inRedis({ url: `redis://127.0.0.1:${port}` }, (client) =>
      client.replicaof('127.0.0.1', String(primary.port)),
    );
  }
  const sentinels = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      startOne(folder, index, options.tls === undefined ? primary.port : primary.tlsPort, options),
    ),
  );

  /** The fields of `SENTINEL MASTER`. */
  const view = async (port: number): Promise<Record<string, string>> => {
    const fields = (await call(port, 'SENTINEL', 'MASTER', primaryName)) as string[];
    return Object.fromEntries(
      Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at], fields[2 * at + 1]] as const),
    ) as Record<string, string>;
  };
  const waitForAgreement = () =>
    vi.waitFor(
      async () => {
        for (const { port } of sentinels) {
          expect(await view(port)).toMatchObject({
            flags: 'master',
            'num-slaves': String(replicaCount),
            'num-other-sentinels': String(count - 1),
          });
        }
        for (const { port } of replicas) {
          const info = await inRedis({ url: `redis://127.0.0.1:${port}` }, (client) => client.info('replication'));
          expect(info).toContain('master_link_status:up');
        }
      },
      { timeout: 60_000, interval: 50 },
    );
  await waitForAgreement();

  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${primaryName}`,
    tlsUrl: `rediss+sentinel://${sentinels.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`).join(',')}/${primaryName}`,
    sentinelPorts: sentinels.map(({ port }) => port),
    servers,
    call,
    /** The port of the primary according to a majority of the sentinels that run. */
    async primaryPort(): Promise<number> {
      const running = sentinels.filter(({ child }) => child.exitCode === null && child.signalCode === null);
      const ports = await Promise.all(running.map(async ({ port }) => Number((await view(port)).port)));
      return ports.toSorted((a, b) => a - b)[Math.floor(ports.length / 2)] ?? 0;
    },
    /** How often the sentinels have agreed on a new primary: the highest epoch that one of them has heard of. */
    async elections(): Promise<number> {
      const views = await Promise.all(sentinels.map(({ port }) => view(port)));
      return Math.max(...views.map((fields) => Number(fields['config-epoch'])));
    },
    serverAt(port: number): RedisServer {
      const server = servers.find((one) => one.port === port);
      if (server === undefined) throw new Error(`No server at port ${port}.`);
      return server;
    },
    async signalSentinel(index: number, signal: NodeJS.Signals): Promise<void> {
      const sentinel = sentinels[index];
      sentinel?.child.kill(signal);
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await sentinel?.exited;
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of sentinels) child.kill('SIGKILL');
      await Promise.all(sentinels.map(({ exited }) => exited));
      for (const server of servers) await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export type SentinelDeployment = Awaited<ReturnType<typeof startSentinel>>;
