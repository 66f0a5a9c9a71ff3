import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../processes/run-process.ts';
import type { TlsFiles } from './tls-files.ts';

const command = process.env.REDIS_SERVER ?? 'redis-server';

let isThere: boolean | null = null;

/** Whether redis-server is installed. Without it, tests that need it are skipped, or fail if REQUIRE_REDIS=1. */
export const hasRedis = (): boolean => {
  isThere ??= spawnSync(command, ['--version']).status === 0;
  if (isThere) return true;
  if (process.env.REQUIRE_REDIS === '1') throw new Error(`REQUIRE_REDIS=1 is set, but ${command} is not installed.`);
  process.stderr.write(
    `${command} is not installed: tests of Redis are skipped (Debian: apt-get install redis-server).\n`,
  );
  return false;
};

export type RedisServerOptions = {
  isDurable?: boolean;
  isCluster?: boolean;
  /** The address that it listens on and that a cluster announces. Default 127.0.0.1. */
  host?: string;
  /** Also listens with TLS, on `tlsPort`. */
  tls?: TlsFiles;
};

/** Starts a redis-server on a free port, with a temporary folder. It stops when it is disposed. */
export const startRedis = async (options: RedisServerOptions = {}) => {
  const { isDurable = false, isCluster = false, host = '127.0.0.1', tls } = options;
  // Nodes of a cluster use a second port for the cluster bus.
  const port = await freePort(isCluster ? { withOffset: 10_000 } : {});
  const tlsPort = tls === undefined ? 0 : await freePort(isCluster ? { withOffset: 10_000 } : {});
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-redis-'));
  const args = [
    '--port',
    String(port),
    '--bind',
    host,
    '--dir',
    folder,
    '--save',
    '',
    ...(isDurable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ...(tls === undefined ? [] : ['--tls-port', String(tlsPort), ...tls.serverArgs]),
    ...(tls === undefined || !isCluster ? [] : ['--tls-cluster', 'yes']),
    ...(isCluster
      ? ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-announce-ip', host]
      : []),
  ];
  const url = `redis://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const run = async () => {
    const child = spawn(command, args, { stdio: 'ignore' });
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => {});
    const ended = exited.then(() => {
      throw new Error('redis-server exited before it was ready.');
    });
    ended.catch(() => {});
    await Promise.race([client.ping(), ended]);
    if (isCluster) await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    client.disconnect();
    return {
      kill: (signal: NodeJS.Signals) => void child.kill(signal),
      async end(signal: NodeJS.Signals) {
        child.kill(signal);
        await exited;
      },
    };
  };
  let running: Awaited<ReturnType<typeof run>> | null = await run();

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    await running?.end(signal);
    running = null;
  };
  return {
    url,
    port,
    tlsPort,
    stop,
    /** Suspends the process until `resume`: it accepts connections but does not reply. */
    pause: () => running?.kill('SIGSTOP'),
    resume: () => running?.kill('SIGCONT'),
    async start() {
      running ??= await run();
    },
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export type RedisServer = Awaited<ReturnType<typeof startRedis>>;
