import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { invalidValue, typeErrors } from '../ci/kubernetes-models.ts';
import { knownVariables } from '../shipping/known-variables.ts';
import { codeBlocksIn, readPage } from '../support/docs/markdown.ts';

const [compose, pod] = codeBlocksIn(readPage('docs/configuration.md'))
  .filter(({ language }) => language === 'yaml')
  // YAML 1.1, as Compose and Kubernetes read it: 0440 is octal.
  .map(({ code }) => parse(code, { version: '1.1' }) as unknown);

it('reads a secret of Docker Compose from the path that Compose gives it', () => {
  const { services, secrets } = z
    .strictObject({
      services: z.strictObject({
        bff: z.strictObject({ environment: z.record(z.string(), z.string()), secrets: z.array(z.string()) }),
      }),
      secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
    })
    .parse(compose);
  const names = Object.keys(secrets);
  expect(services.bff.secrets).toEqual(names);
  expect(Object.values(services.bff.environment)).toEqual(names.map((name) => `/run/secrets/${name}`));
  expect(Object.keys(services.bff.environment).filter((name) => !knownVariables().has(name))).toEqual([]);
});

it('reads a secret of Kubernetes from its mount, in a pod that the schema allows', async () => {
  const { spec } = z.object({ spec: z.looseObject({}) }).parse(pod);
  const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bff' }, spec };
  expect(invalidValue(manifest)).toBe(null);
  expect(await typeErrors([{ file: 'pod', manifest }])).toEqual([]);
  const {
    containers: [container],
    volumes: [volume],
  } = z
    .object({
      containers: z.tuple([
        z.object({
          env: z.tuple([z.object({ name: z.string(), value: z.string() })]),
          volumeMounts: z.tuple([z.object({ name: z.string(), mountPath: z.string() })]),
        }),
      ]),
      volumes: z.tuple([z.object({ name: z.string(), secret: z.object({ defaultMode: z.literal(0o440) }) })]),
    })
    .parse(spec);
  const [mount] = container.volumeMounts;
  expect(mount.name).toBe(volume.name);
  expect(container.env[0].value.startsWith(`${mount.mountPath}/`)).toBe(true);
  expect(knownVariables().has(container.env[0].name)).toBe(true);
});
