import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { root } from '../support/processes/run-process.ts';

const folder = 'deploy/kubernetes';

const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
export type Manifest = z.infer<typeof Manifest>;

export type ManifestFile = { file: string; manifest: Manifest };

const parseFile = (file: string): unknown => {
  const documents = parseAllDocuments(readFileSync(join(root, folder, file), 'utf8'));
  const [document] = documents;
  if (documents.length !== 1 || document === undefined || document.errors.length > 0)
    throw new Error(`${folder}/${file}: expected one document without errors.`);
  return document.toJS();
};

/** The manifests of deploy/kubernetes, one a file. */
export const readManifests = (): ManifestFile[] =>
  readdirSync(join(root, folder))
    .filter((file) => file !== 'kustomization.yaml')
    .map((file) => ({ file, manifest: Manifest.parse(parseFile(file)) }));

export const readKustomization = () =>
  z
    .strictObject({
      apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
      kind: z.literal('Kustomization'),
      namespace: z.string(),
      resources: z.array(z.string()),
      images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })),
    })
    .parse(parseFile('kustomization.yaml'));
