import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { unbundledPackages } from '../../server/build/bundle-programs.ts';
import { root } from '../support/processes/run-process.ts';

const Bom = z.object({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(
    z.object({ 'bom-ref': z.string(), version: z.string(), purl: z.string().startsWith('pkg:npm/') }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});
const manifestOf = (folder: string) =>
  Manifest.partial().parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')));

it('.ci/sbom.mjs lists every package that the service depends on, and no package for development', () => {
  const output = execFileSync('node', ['.ci/sbom.mjs'], { cwd: root, encoding: 'utf8', maxBuffer: 64e6 });
  const { components, dependencies } = Bom.parse(JSON.parse(output));
  const refs = components.map((component) => component['bom-ref']);
  const names = new Set(refs.map((ref) => ref.slice(0, ref.lastIndexOf('@'))));
  const needed = [...Object.keys(manifestOf('server').dependencies ?? {}), ...unbundledPackages];
  expect(needed.filter((name) => !names.has(name))).toEqual([]);
  // Dependencies of dependencies, at any depth.
  expect(names).toContain('fast-json-stringify');
  expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref))).toEqual([]);
  const { dependencies: production = {} } = manifestOf('server');
  const development = Object.keys(manifestOf('.').devDependencies ?? {}).filter((name) => !(name in production));
  // Fastify needs ajv, too.
  expect(development.filter((name) => names.has(name))).toEqual(['ajv', 'ajv-formats']);
});
