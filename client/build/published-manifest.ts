import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type Manifest = {
  name: string;
  exports: Record<string, { source: string; types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
};

const manifestPath = fileURLToPath(new URL('../package.json', import.meta.url));
/** Where the workspace's own waits while a pack is under way. */
const keptPath = fileURLToPath(new URL('../dist/package.workspace.json', import.meta.url));

/**
 * The package.json as it is published: without what leads to the workspace's sources, which are not packed.
 * The scripts stay: by `build` a workspace recovers whose pack was broken off.
 */
export const toPublished = (manifest: Manifest) => ({
  ...without(manifest, ['devDependencies']),
  exports: Object.fromEntries(
    Object.entries(manifest.exports).map(([path, conditions]) => [path, without(conditions, ['source'])]),
  ),
});

const without = (object: object, names: readonly string[]) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** Before npm packs: puts the published package.json in place. npm has no other way to pack one that differs. */
export const putPublishedManifest = (): void => {
  copyFileSync(manifestPath, keptPath);
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
  writeFileSync(manifestPath, `${JSON.stringify(toPublished(manifest), null, 2)}\n`);
};

/** After npm packed, or broke off: the workspace's own again. */
export const restoreManifest = (): void => {
  if (existsSync(keptPath)) renameSync(keptPath, manifestPath);
};

const [, script = '', command] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  if (command === 'put') putPublishedManifest();
  else restoreManifest();
}
