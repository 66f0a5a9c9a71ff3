import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../server/src/config.ts';
import { createBrowser } from '../support/app/browser.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { root } from '../support/processes/run-process.ts';
import { composeText, readCompose, serviceOf } from './compose.ts';
import { imageOf } from './images.ts';
import { knownVariables } from './known-variables.ts';
import { hasNginx } from '../support/proxies/start-nginx.ts';
import { inOrder, startTopology, type Topology } from './start-topology.ts';

const replicaNames = ['bff-1', 'bff-2'] as const;
const secrets = ['DJANGO_JWT_SIGNING_KEY', 'AUTH_API_KEY'] as const;
const site = readFileSync(join(root, 'deploy/nginx.conf'), 'utf8');

describe('compose.yaml', () => {
  const compose = readCompose();
  const [first, second] = replicaNames.map((name) => serviceOf(compose, name));
  const configOf = (env: Record<string, string>) => loadConfig({ ...imageOf('production').env, ...env });

  it('has two replicas with equal settings', () => {
    expect(first?.build?.target).toBe('production');
    expect(second).toEqual(first);
  });

  it('sets every variable that the service requires and none that it does not know', () => {
    const known = knownVariables();
    for (const { environment } of [...replicaNames, 'auth-service'].map((name) => serviceOf(compose, name))) {
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
    }
    expect(configOf(first?.environment ?? {})).toMatchObject({
      isDevelopment: false,
      authServiceUrl: 'http://auth-service:8000',
      redisUrl: 'redis://redis:6379',
      trustProxy: 1,
      cookieSecure: false,
    });
  });

  it('gives the Auth Service and the replicas the same keys, by default and from the environment', () => {
    const env = { DJANGO_JWT_SIGNING_KEY: 'k'.repeat(32), AUTH_API_KEY: 'set-outside' };
    for (const [read, expected] of [
      [compose, {}],
      [readCompose(env), env],
    ] as const) {
      const [one, two] = ['bff-1', 'auth-service'].map((name) => serviceOf(read, name).environment);
      expect(secrets.map((name) => one?.[name])).toEqual(secrets.map((name) => two?.[name]));
      expect(one).toMatchObject(expected);
    }
  });

  it('has an Auth Service that allows the host name in AUTH_SERVICE_URL of the replicas', () => {
    const command = imageOf('auth-service').command ?? [];
    const { hostname } = new URL(first?.environment.AUTH_SERVICE_URL ?? '');
    expect(command[command.indexOf('--allowed-host') + 1]).toBe(hostname);
    expect(Object.keys(compose.services)).toContain(hostname);
  });

  it('takes AUTH_SERVICE_URL and CORS_ORIGINS from the environment', () => {
    const env = { AUTH_SERVICE_URL: 'https://auth.example.org', CORS_ORIGINS: 'https://tts.example.org' };
    expect(configOf(serviceOf(readCompose(env), 'bff-1').environment)).toMatchObject({
      authServiceUrl: env.AUTH_SERVICE_URL,
      corsOrigins: [env.CORS_ORIGINS],
    });
  });

  it('contains no keys except those that are marked as development keys', () => {
    const values = composeText().matchAll(/^\s*\S*(?:KEY|SECRET|TOKEN|PASSWORD)(?!\S*_URL:)\S*:\s*(.*)$/gm);
    const found = [...values].map(([, value]) => value);
    expect(found).toHaveLength(5);
    expect(found.filter((value = '') => !/^\$\{[A-Z_]+:-development-[a-z-]+\}$/.test(value))).toEqual([]);
  });

  it('waits only for services that have a health check', () => {
    const isChecked = (name: string) => {
      const { healthcheck, build } = serviceOf(compose, name);
      return healthcheck !== undefined || imageOf(build?.target ?? '').healthcheck.command.length > 0;
    };
    const awaited = Object.values(compose.services).flatMap(({ depends_on: needed }) => Object.keys(needed));
    expect(new Set(awaited)).toEqual(new Set(['redis', 'auth-service', ...replicaNames]));
    expect(awaited.filter((name) => !isChecked(name))).toEqual([]);
    expect(inOrder(compose).at(-1)).toBe('balancer');
  });

  it('restarts one replica without the balancer, whose restart would cut the requests of the other one', () => {
    const needs = Object.values(compose.services).flatMap(({ depends_on: needed }) => Object.values(needed));
    expect(needs.filter(({ restart }) => restart)).toEqual([]);
  });

  it('publishes only the port of the balancer, on loopback', () => {
    const published = Object.entries(compose.services).filter(([, { ports }]) => ports.length > 0);
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([['balancer', ['127.0.0.1:4000:8080']]]);
    expect(site).toMatch(/^\s*listen 8080;$/m);
  });

  it('balances over both replicas at the port that they listen on', () => {
    const { port } = configOf(first?.environment ?? {});
    const upstreams = [...site.matchAll(/^\s*server (\S+:\d+)/gm)].map(([, address]) => address);
    expect(upstreams).toEqual(replicaNames.map((name) => `${name}:${port}`));
    expect(serviceOf(compose, 'balancer').volumes).toEqual(['./deploy/nginx.conf:/etc/nginx/conf.d/default.conf:ro']);
  });

  it('gives a replica more than 15 s to stop', () => {
    expect(Number.parseInt(first?.stop_grace_period ?? '0', 10)).toBeGreaterThan(15);
  });
});

describe.skipIf(!hasRedis())('the topology of compose.yaml', () => {
  let topology: Topology;
  beforeAll(async () => {
    topology = await startTopology({ compose: readCompose() });
  });
  afterAll(() => topology?.[Symbol.asyncDispose]());

  const signIn = async (url: string, email = 'user@example.com') => {
    const browser = createBrowser({ url });
    await browser.trpc.session.login.mutate({ email, password: 'staff-pass-1' });
    return browser;
  };
  /** A browser at another address with the same cookies. */
  const moveTo = (url: string, { cookies }: { cookies: Map<string, string> }) => {
    const moved = createBrowser({ url });
    moved.holdTokens({ access: cookies.get('access_token'), refresh: cookies.get('refresh_token') });
    return moved;
  };

  it('lets a person sign in at one replica and refresh the session at the other', async () => {
    const [one, two] = topology.urls.replicas;
    const browser = await signIn(one);
    const moved = moveTo(two, browser);
    expect(await moved.trpc.session.me.query()).toMatchObject({ user: { id: 123 } });
    expect(await moved.trpc.session.refresh.mutate()).toMatchObject({ user: { id: 123 } });
    expect(moved.cookies.get('refresh_token')).not.toBe(browser.cookies.get('refresh_token'));
    expect(await moveTo(one, moved).trpc.users.byId.query({ id: 123 })).toMatchObject({ email: 'user@example.com' });
  });

  it('shares assignment turns and keys between the replicas', async () => {
    const [one, two] = topology.urls.replicas;
    const browser = await signIn(one);
    const turn = { system: 'TTS', role: 'Technician' };
    const given = await browser.trpc.assignments.next.mutate({ ...turn, key: 'T-1' });
    const moved = moveTo(two, browser);
    expect(await moved.trpc.assignments.next.mutate({ ...turn, key: 'T-1' })).toEqual({ ...given, replayed: true });
    const other = await moved.trpc.assignments.next.mutate({ ...turn, key: 'T-2' });
    expect(other.assignee?.id).not.toBe(given.assignee?.id);
  });

  it.skipIf(!hasNginx())('spreads calls over both replicas through the balancer', async () => {
    const served = () => topology.replicas.map(({ output }) => output().match(/"msg":"request"/g)?.length ?? 0);
    const before = served();
    const browser = await signIn(topology.urls.balancer);
    for (let turn = 0; turn < 6; turn += 1) await browser.trpc.users.byId.query({ id: 123 });
    await browser.trpc.session.refresh.mutate();
    await expect.poll(() => served().map((count, index) => count > (before[index] ?? 0))).toEqual([true, true]);
  });

  it.skipIf(!hasNginx())(
    'passes long URLs, large cookies, origins and request ids through the balancer, and hides /metrics',
    async () => {
      const ask = (init: RequestInit, path = '/trpc/session.me') => fetch(`${topology.urls.balancer}${path}`, init);
      const long = await ask({}, `/trpc/users.byIds?input=${'9'.repeat(11_900)}`);
      expect([long.status, long.headers.get('content-type')]).toEqual([401, expect.stringContaining('json')]);
      const cookies = await ask({ headers: { cookie: `access_token=${'a'.repeat(7_900)}; refresh_token=b` } });
      expect(await cookies.json()).toMatchObject({ error: { json: { data: { reason: 'token_invalid' } } } });
      // A request from a page of the balancer's origin, and one from another site.
      const own = { 'content-type': 'application/json', 'x-csrf': '1', origin: topology.urls.balancer };
      expect((await ask({ method: 'POST', headers: own }, '/trpc/session.logout')).status).toBe(200);
      const other = { ...own, origin: 'http://127.0.0.1:1' };
      expect((await ask({ method: 'POST', headers: other }, '/trpc/session.logout')).status).toBe(403);
      const id = await ask({ headers: { 'x-request-id': 'one-id-for-all' } });
      expect(id.headers.get('x-request-id')).toBe('one-id-for-all');
      expect((await ask({}, '/metrics')).status).toBe(404);
    },
  );

  it.skipIf(!hasNginx())('loses no call while the replicas are replaced one after the other', async () => {
    const browser = await signIn(topology.urls.balancer);
    const failures: unknown[] = [];
    const over = new AbortController();
    let answered = 0;
    const keepAsking = async (ask: () => Promise<unknown>) => {
      while (!over.signal.aborted) {
        await ask().then(
          () => (answered += 1),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const { users, assignments } = browser.trpc;
    const lookUp = () => users.byId.query({ id: 123 });
    // The balancer must not send a mutation twice.
    const assign = () => assignments.next.mutate({ system: 'TTS', role: 'Technician' });
    const callers = [lookUp, assign, lookUp, assign].map(keepAsking);
    for (const [index, name] of replicaNames.entries()) {
      const asked = answered;
      topology.replicas[index]?.kill('SIGTERM');
      expect(await topology.replicas[index]?.exited).toBe(0);
      expect(answered).toBeGreaterThan(asked);
      topology.replicas[index] = await topology.startReplica(name);
    }
    over.abort();
    await Promise.all(callers);
    // With the log of nginx, which says why it failed.
    expect(failures.length === 0 ? [] : [...failures.map(String), topology.balancerOutput().slice(-4_000)]).toEqual([]);
  });
});
