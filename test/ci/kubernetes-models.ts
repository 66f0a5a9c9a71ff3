import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../support/processes/run-process.ts';
import { runTsc } from '../support/processes/run-tsc.ts';
import type { Manifest, ManifestFile } from './kubernetes-manifests.ts';

const load = createRequire(import.meta.url);

type Model = new (data: unknown) => { validate: () => void };

/** The module of a kind's type and model, generated from the schema of Kubernetes or of the Prometheus operator. */
const moduleOf = ({ apiVersion, kind }: Manifest): string =>
  `${apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}/${kind}`;

/** What the schema of its kind refuses in the values of a manifest, or null. It does not see unknown fields. */
export const invalidValue = (manifest: Manifest): string | null => {
  const models = load(moduleOf(manifest)) as Record<string, Model | undefined>;
  const ModelOfKind = models[manifest.kind];
  if (ModelOfKind === undefined) return `There is no model of ${manifest.apiVersion} ${manifest.kind}.`;
  try {
    new ModelOfKind(manifest).validate();
    return null;
  } catch (error) {
    return String(error);
  }
};

const sourceOf = ({ file, manifest }: ManifestFile): string =>
  `import type { I${manifest.kind} } from '${moduleOf(manifest)}';\n// ${file}\nexport const manifest: I${manifest.kind} = ${JSON.stringify(manifest, null, 2)};\n`;

/** The errors of tsc about manifests as literals of their types: unknown, missing and mistyped fields, at any depth. */
export const typeErrors = async (files: readonly ManifestFile[]): Promise<string[]> => {
  const parent = join(root, 'test/.snippets');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'kubernetes-'));
  try {
    const tsconfig = { extends: '../../../tsconfig.json', include: ['./*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    for (const entry of files) await writeFile(join(folder, `${entry.file}.ts`), sourceOf(entry));
    return (await runTsc(folder, root)).filter((line) => line.includes('error TS'));
  } finally {
    await rm(folder, { recursive: true });
  }
};
