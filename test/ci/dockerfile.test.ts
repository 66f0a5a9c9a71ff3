import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/processes/run-process.ts';
import { defaultOf, instructionsOf, readStages } from '../shipping/dockerfile.ts';

const started = ['production', 'auth-service'] as const;

describe('the Dockerfile', () => {
  it('bases every stage on one image, the slim Node 24 of .nvmrc, whose digest a build can pin', () => {
    expect(defaultOf('NODE_IMAGE')).toBe(`node:${readFileSync(join(root, '.nvmrc'), 'utf8').trim()}-slim`);
    const bases = [...readStages().values()].map(({ base }) => base);
    expect(new Set(bases)).toEqual(new Set(['${NODE_IMAGE}', 'runtime']));
  });

  it('ends with the stage production, which is built if no target is given', () => {
    expect([...readStages().keys()].at(-1)).toBe('production');
  });

  it('builds with npm ci and npm run bundle only', () => {
    const steps = [...instructionsOf('build').matchAll(/^RUN (.*)$/gm)].map(([, step]) => step);
    expect(steps).toEqual(['--mount=type=cache,target=/root/.npm npm ci', 'npm run bundle']);
  });

  it.each(started)('removes every package manager of the base image from the image %s', (name) => {
    const [removal, ...others] = [...instructionsOf(name).matchAll(/^RUN (.*)$/gm)].map(([, step = '']) => step);
    expect(others).toEqual([]);
    expect(removal).toMatch(/^rm -rf /);
    const managers = ['npm', 'npx', 'corepack', 'yarn', 'yarnpkg'].map((program) => `/usr/local/bin/${program}`);
    expect(removal?.split(' ')).toEqual(
      expect.arrayContaining(['/usr/local/lib/node_modules', '/opt/yarn-*', ...managers]),
    );
  });

  it.each(started)('runs the image %s as a user with a number, whom Kubernetes knows not to be root', (name) => {
    expect([...instructionsOf(name).matchAll(/^USER (.*)$/gm)].map(([, user]) => user)).toEqual(['1000:1000']);
  });

  it.each(started)(
    'checks the health of the image %s every 30 s without Node, and every second while it starts',
    (name) => {
      const [, options = '', command = ''] = /^HEALTHCHECK (.*) CMD (.*)$/m.exec(instructionsOf(name)) ?? [];
      expect(options.split(' ')).toEqual(expect.arrayContaining(['--interval=30s', '--start-interval=1s']));
      const [program] = JSON.parse(command) as string[];
      expect([program, command.includes('node')]).toEqual(['/bin/bash', false]);
    },
  );

  it('labels the production image with its version, revision and base image, which the build passes', () => {
    const labels = [...instructionsOf('production').matchAll(/org\.opencontainers\.image\.([a-z.]+)="([^"]+)"/g)];
    expect(Object.fromEntries(labels.map(([, name, value]) => [name, value]))).toEqual({
      title: 'auth-bff',
      description: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { description: string })
        .description,
      licenses: 'LicenseRef-Proprietary',
      source: '${SOURCE}',
      version: '${VERSION}',
      revision: '${REVISION}',
      'base.name': '${NODE_IMAGE}',
    });
    for (const name of ['SOURCE', 'VERSION', 'REVISION', 'NODE_IMAGE']) {
      expect(instructionsOf('production')).toMatch(new RegExp(`^ARG ${name}(=unknown)?$`, 'm'));
    }
  });
});
