import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../server/src/config.ts';
import { instructionsOf } from '../shipping/dockerfile.ts';
import { knownVariables } from '../shipping/known-variables.ts';
import { invalidValue, typeErrors } from './kubernetes-models.ts';
import { type Manifest, readKustomization, readManifests } from './kubernetes-manifests.ts';

const files = readManifests();
const kustomization = readKustomization();
const ofKind = (kind: string): Manifest => {
  const found = files.find(({ manifest }) => manifest.kind === kind);
  if (found === undefined) throw new Error(`deploy/kubernetes has no ${kind}.`);
  return found.manifest;
};

const Labels = z.record(z.string(), z.string());
const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const Container = z.object({
  image: z.string(),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: Probe,
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }),
  securityContext: z.unknown(),
});
const Deployment = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    replicas: z.undefined().optional(),
    strategy: z.object({ rollingUpdate: z.object({ maxUnavailable: z.number() }) }),
    selector: z.object({ matchLabels: Labels }),
    template: z.object({
      metadata: z.object({ labels: Labels }),
      spec: z.object({
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsUser: z.number() }).loose(),
        volumes: z.array(z.object({ name: z.string(), secret: z.object({ secretName: z.string() }) })),
        containers: z.tuple([Container]),
      }),
    }),
  }),
});
const deployment = Deployment.parse(ofKind('Deployment'));
const pod = deployment.spec.template;
const [container] = pod.spec.containers;
const settings = z.object({ data: Labels }).parse(ofKind('ConfigMap')).data;
const secrets = z.object({ metadata: z.object({ name: z.string() }), stringData: Labels }).parse(ofKind('Secret'));
const imageEnv = Object.fromEntries(
  [...instructionsOf('production').matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
);
const config = loadConfig({ NODE_ENV: 'production', ...settings, ...secrets.stringData });
const portOf = (name: string) => container.ports.find((port) => port.name === name)?.containerPort;

describe('deploy/kubernetes', () => {
  it('lists every manifest except the example of the secret in kustomization.yaml', () => {
    const names = files.map(({ file }) => file).filter((file) => file !== 'secret.example.yaml');
    expect(new Set(kustomization.resources)).toEqual(new Set(names));
    expect(kustomization.namespace).toBe(ofKind('Namespace').metadata.name);
    expect(kustomization.images.map(({ name }) => name)).toEqual([container.image]);
  });

  it.each(files.map(({ file, manifest }) => [file, manifest] as const))(
    '%s has only values that the schema of its kind allows',
    (_, manifest) => {
      expect(invalidValue(manifest)).toBeNull();
    },
  );

  it('has no field that the schemas do not know, and lacks none that they require', async () => {
    // Found beside them, in the same run of the compiler.
    const service = (spec: unknown) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec });
    const faulty = [
      { file: 'missing', manifest: service({ ports: [{}] }) },
      { file: 'unknown', manifest: service({ selectors: {} }) },
    ];
    const errors = await typeErrors([...files, ...faulty]);
    expect(errors.map((line) => line.replace(/^.*\/(.*)\.ts.* error TS\d+: /, '$1: '))).toEqual([
      expect.stringMatching(/^missing: .*port/),
      expect.stringMatching(/^unknown: .*selectors/),
    ]);
    expect(invalidValue(service({ type: 'Any' }))).toContain('type');
  });
});

describe('the Deployment', () => {
  it('sets only variables that the service knows, with values that it accepts', () => {
    const known = knownVariables();
    const fromFiles = container.env.map(({ name }) => name);
    expect([...Object.keys(settings), ...fromFiles].filter((name) => !known.has(name))).toEqual([]);
    expect(container.envFrom).toEqual([{ configMapRef: { name: ofKind('ConfigMap').metadata.name } }]);
    expect(config).toMatchObject({ isDevelopment: false, trustProxy: 1, redisUrl: settings.REDIS_URL });
  });

  it('reads every secret from the file of its mounted key', () => {
    const [volume] = pod.spec.volumes;
    const [mount] = container.volumeMounts;
    expect(volume).toMatchObject({ name: mount?.name, secret: { secretName: secrets.metadata.name } });
    const expected = Object.keys(secrets.stringData).map((name) => ({
      name: `${name}_FILE`,
      value: `${mount?.mountPath}/${name}`,
    }));
    expect(container.env).toEqual(expected);
  });

  it('gives a pod more time to stop than its preStop delay and the 15 s of the service', () => {
    const { seconds } = container.lifecycle.preStop.sleep;
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(seconds + 15);
  });

  it('replaces a pod only after its successor is ready, and does not link services as variables', () => {
    expect(deployment.spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
    expect(pod.spec.enableServiceLinks).toBe(false);
  });

  it('restricts the pod as the namespace requires, as the user of the image', () => {
    const uid = Number(/^USER (\d+)/m.exec(instructionsOf('production'))?.[1]);
    expect(pod.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: uid,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('probes the health endpoints: a restart only if the process hangs, no traffic while it stops', () => {
    const { startupProbe, readinessProbe, livenessProbe } = container;
    expect(
      [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => [httpGet.path, portOf(httpGet.port)]),
    ).toEqual([
      ['/health/live', config.opsPort],
      ['/health/ready', config.opsPort],
      ['/health/live', config.opsPort],
    ]);
  });
});

describe('the other manifests', () => {
  it('select the pods of the Deployment', () => {
    const labels = deployment.spec.selector.matchLabels;
    expect(pod.metadata.labels).toMatchObject(labels);
    const Selector = z.object({ matchLabels: Labels });
    const { spec: service } = z.object({ spec: z.object({ selector: Labels }) }).parse(ofKind('Service'));
    const { spec: budget } = z.object({ spec: z.object({ selector: Selector }) }).parse(ofKind('PodDisruptionBudget'));
    const { spec: policy } = z.object({ spec: z.object({ podSelector: Selector }) }).parse(ofKind('NetworkPolicy'));
    expect([service.selector, budget.selector.matchLabels, policy.podSelector.matchLabels]).toEqual([
      labels,
      labels,
      labels,
    ]);
    const { spec: scaler } = z
      .object({ spec: z.object({ minReplicas: z.number(), scaleTargetRef: z.object({ name: z.string() }) }) })
      .parse(ofKind('HorizontalPodAutoscaler'));
    expect(scaler.scaleTargetRef.name).toBe(deployment.metadata.name);
    expect(scaler.minReplicas).toBeGreaterThanOrEqual(2);
  });

  it('use the ports that the image listens on', () => {
    expect([portOf('http'), portOf('ops')]).toEqual([config.port, config.opsPort]);
    expect(imageEnv).toMatchObject({ HOST: '0.0.0.0', OPS_HOST: '0.0.0.0' });
    const Port = z.object({ name: z.string(), port: z.number(), targetPort: z.string() });
    const service = z.object({ spec: z.object({ ports: z.array(Port) }) }).parse(ofKind('Service'));
    expect(service.spec.ports.map(({ port, targetPort }) => [port, portOf(targetPort)])).toEqual([
      [config.port, config.port],
      [config.opsPort, config.opsPort],
    ]);
    const monitor = z.object({
      spec: z.object({ endpoints: z.array(z.object({ port: z.string(), path: z.string() }).loose()) }),
    });
    expect(monitor.parse(ofKind('ServiceMonitor')).spec.endpoints).toMatchObject([{ port: 'ops', path: '/metrics' }]);
  });

  it('allow the network connections that the settings need, and no others', () => {
    const Rule = z.object({ ports: z.array(z.object({ port: z.number() })) }).loose();
    const { spec } = z
      .object({ spec: z.object({ policyTypes: z.array(z.string()), ingress: z.array(Rule), egress: z.array(Rule) }) })
      .parse(ofKind('NetworkPolicy'));
    const portsOf = (rules: Array<z.infer<typeof Rule>>) =>
      new Set(rules.flatMap(({ ports }) => ports.map(({ port }) => port)));
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(portsOf(spec.ingress)).toEqual(new Set([config.port, config.opsPort]));
    const called = [settings.AUTH_SERVICE_URL, settings.REDIS_URL].map((url) => Number(new URL(url ?? '').port));
    expect(portsOf(spec.egress)).toEqual(new Set([53, ...called]));
  });
});
