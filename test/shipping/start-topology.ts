import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, root, runProgram } from '../support/processes/run-process.ts';
import { type Compose, type Service, serviceOf } from './compose.ts';
import { imageOf } from './images.ts';
import { hasNginx, startBalancer } from '../support/proxies/start-nginx.ts';
import { type Container, startContainer } from './start-container.ts';

export type TopologyOptions = { compose: Compose };

/** The port of each service in its container. */
const ports = { 'auth-service': 8000, redis: 6379, 'bff-1': 4000, 'bff-2': 4000, balancer: 8080 };
type Name = keyof typeof ports;
const names = Object.keys(ports) as Name[];
const isName = (name: string): name is Name => name in ports;

/** The services of compose.yaml, each after its dependencies. */
export const inOrder = ({ services }: Compose): string[] => {
  const ordered: string[] = [];
  const add = (name: string, below: readonly string[]) => {
    if (below.includes(name)) throw new Error(`compose.yaml: ${name} depends on itself.`);
    for (const needed of Object.keys(services[name]?.depends_on ?? {})) add(needed, [...below, name]);
    if (!ordered.includes(name)) ordered.push(name);
  };
  for (const name of Object.keys(services)) add(name, []);
  return ordered;
};

const startRedis = async (service: Service, port: number) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-redis-'));
  const [program = '', ...args] = service.command;
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const env = { PATH: process.env.PATH ?? '' };
  const running = runProgram({ program, args: [...args, ...place], cwd: folder, env });
  const [kind, client = '', ...question] = service.healthcheck?.test ?? [];
  if (kind !== 'CMD') throw new Error('compose.yaml: expected the health check of redis in exec form.');
  const isHealthy = async () => {
    const check = runProgram({ program: client, args: ['-p', String(port), ...question], cwd: folder, env });
    return (await check.exited) === 0;
  };
  while (!(await isHealthy())) {
    if (running.hasExited()) throw new Error(`Redis exited before it was healthy:\n${running.output()}`);
  }
  return {
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/**
 * Starts the services of compose.yaml as processes on this machine, each with its command, environment and health check, after its
 * dependencies are healthy. Only addresses differ: `name:port` becomes a port on loopback.
 */
export const startTopology = async ({ compose }: TopologyOptions) => {
  // Each port is chosen when its service starts: another process could take a port that was chosen earlier.
  const own: Record<Name, number> = { 'auth-service': 0, redis: 0, 'bff-1': 0, 'bff-2': 0, balancer: 0 };
  const toLoopback = (text: string) =>
    names.reduce((changed, name) => changed.replaceAll(`${name}:${ports[name]}`, `127.0.0.1:${own[name]}`), text);
  const environmentOf = (service: Service) =>
    Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, toLoopback(value)]));
  const imageFor = ({ build }: Service) => imageOf(build?.target ?? '');

  const started: AsyncDisposable[] = [];
  const endAll = async () => {
    for (const part of started.toReversed()) await part[Symbol.asyncDispose]();
  };
  const replicas: Container[] = [];
  let balancerOutput = () => '';
  const keep = async (container: Container) => {
    started.push(container);
    await container.untilHealthy();
    return container;
  };
  /** Does not wait until the replica is healthy. */
  const launchReplica = (name: 'bff-1' | 'bff-2') => {
    const service = serviceOf(compose, name);
    // A test's client makes more calls in a minute than a person does.
    const env = { ...environmentOf(service), PORT: String(own[name]), OPS_PORT: '0', RATE_LIMIT_PER_MINUTE: '0' };
    const container = startContainer({ image: imageFor(service), env });
    started.push(container);
    return container;
  };
  const startReplica = async (name: 'bff-1' | 'bff-2') => {
    const container = launchReplica(name);
    await container.untilHealthy();
    return container;
  };
  const start: Record<Name, (service: Service) => Promise<unknown>> = {
    redis: async (service) => started.push(await startRedis(service, own.redis)),
    'auth-service': (service) =>
      keep(
        startContainer({
          image: imageFor(service),
          env: environmentOf(service),
          args: ['--port', String(own['auth-service']), '--control-port', '0'],
          toCheck: (part) => part.replace('127.0.0.1/8000', `127.0.0.1/${own['auth-service']}`),
        }),
      ),
    'bff-1': async () => replicas.push(await startReplica('bff-1')),
    'bff-2': async () => replicas.push(await startReplica('bff-2')),
    balancer: async (service) => {
      if (!hasNginx()) return;
      const [source = ''] = service.volumes[0]?.split(':') ?? [];
      const site = toLoopback(readFileSync(join(root, source), 'utf8'));
      const balancer = await startBalancer({ site: site.replace('listen 8080', `listen 127.0.0.1:${own.balancer}`) });
      started.push(balancer);
      balancerOutput = balancer.output;
    },
  };
  const startAll = async () => {
    for (const name of inOrder(compose)) {
      if (!isName(name)) throw new Error(`compose.yaml: the tests cannot start ${name}. Add it to start-topology.ts.`);
      own[name] = await freePort();
      await start[name](serviceOf(compose, name));
    }
  };
  await startAll().catch(async (error: unknown) => {
    await endAll();
    throw error;
  });

  return {
    urls: {
      balancer: `http://127.0.0.1:${own.balancer}`,
      replicas: [`http://127.0.0.1:${own['bff-1']}`, `http://127.0.0.1:${own['bff-2']}`] as const,
    },
    replicas,
    startReplica,
    launchReplica,
    /** The log of nginx. */
    balancerOutput: () => balancerOutput(),
    [Symbol.asyncDispose]: endAll,
  };
};

export type Topology = Awaited<ReturnType<typeof startTopology>>;
