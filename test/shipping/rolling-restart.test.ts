import { connect } from 'node:net';
import { expect, it, vi } from 'vitest';
import { createBrowser } from '../support/app/browser.ts';
import { hasNginx } from '../support/proxies/start-nginx.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { readCompose } from './compose.ts';
import { type LoadRequest, type LoadResponse, startSteadyLoad } from './steady-load.ts';
import { startTopology } from './start-topology.ts';

const seconds = Number(process.env.RESTART_SECONDS ?? '30');
const replicaNames = ['bff-1', 'bff-2'] as const;

const requestsPerNewKey = 50;

/**
 * One request in 50 assigns the turn of a new key. A person may use 2,000 new keys in an hour, and a fast machine sends 5,000
 * requests a second: the people take turns.
 */
const assignsNewKey = (number: number) => number % requestsPerNewKey === 1;
const people = ['user@example.com', 'ethan.caldwell@example.com', 'ingrid.solberg@example.com'];

const keyOf = (number: number) => (assignsNewKey(number) ? `new-${number}` : `known-${number % 16}`);

const requestOf = (number: number, cookies: readonly string[]): LoadRequest => {
  const cookie = cookies[Math.floor(number / requestsPerNewKey) % cookies.length] ?? '';
  const headers = { cookie, 'content-type': 'application/json', 'x-csrf': '1' };
  if (number % 2 === 0) return { method: 'GET', path: '/trpc/session.me', headers };
  const input = { system: 'TTS', role: 'Technician', key: keyOf(number) };
  return { method: 'POST', path: '/trpc/assignments.next', headers, body: JSON.stringify({ json: input }) };
};

/** A new key that is already known was sent to two replicas. */
const faultOf = ({ status, body }: LoadResponse, number: number): string | null => {
  if (status !== 200) return `request ${number}: ${status} ${body.slice(0, 300)}`;
  return assignsNewKey(number) && !body.includes('"replayed":false') ? `request ${number} ran twice: ${body}` : null;
};

/** A replica that is told to stop listens this long, so the one before it must have started by then. */
const longestStartMs = 8_000;

const canConnect = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => resolve(void socket.destroy()));
    socket.once('error', reject);
  });

/** Resolves to the milliseconds until a process that has just been launched listens. */
const startDuration = async (url: string): Promise<number> => {
  const launchedAt = performance.now();
  await vi.waitFor(() => canConnect(url), { timeout: 60_000, interval: 50 });
  return performance.now() - launchedAt;
};

it.skipIf(!hasRedis() || !hasNginx())(
  'nginx fails no request on 20 connections while two replicas restart in turn, each as soon as the process of the other has been replaced',
  async ({ skip }) => {
    await using topology = await startTopology({ compose: readCompose({ LOG_LEVEL: 'warn' }) });
    const url = topology.urls.balancer;
    const signIn = async (email: string): Promise<string> => {
      const browser = createBrowser({ url });
      await browser.trpc.session.login.mutate({ email, password: 'staff-pass-1' });
      return [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    };
    const cookies = await Promise.all(people.map(signIn));
    const load = startSteadyLoad({ url, connections: 20, requestOf: (number) => requestOf(number, cookies), faultOf });

    const until = performance.now() + seconds * 1_000;
    const starts: Array<Promise<number>> = [];
    while (performance.now() < until) {
      for (const [index, name] of replicaNames.entries()) {
        topology.replicas[index]?.kill('SIGTERM');
        await topology.replicas[index]?.exited;
        topology.replicas[index] = topology.launchReplica(name);
        starts.push(startDuration(topology.urls.replicas[index] ?? ''));
      }
    }
    const { sent, failures } = await load.stop();
    const slowest = Math.round(Math.max(...(await Promise.all(starts))));
    const result = `${starts.length} restarts, the slowest start ${slowest} ms: ${failures.length} of ${sent} requests failed.`;
    process.stdout.write(`${result}\n`);
    if (slowest > longestStartMs && !process.env.CI) skip(`This machine is too busy. ${result}`);
    expect(failures.slice(0, 5)).toEqual([]);
    expect(starts.length).toBeGreaterThan(1);
  },
);
