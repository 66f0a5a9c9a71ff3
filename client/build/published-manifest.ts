import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Manifest = {
  name: string;
  exports: Record<string, { source: string; types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
};

const without = (object: object, names: readonly string[]) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/**
 * The package.json as it is published: without what leads to the workspace's sources, which are not packed, or to
 * shared, which is packed inside. The scripts stay: by them a workspace recovers whose pack was broken off.
 */
export const toPublished = (manifest: Manifest) => ({
  ...without(manifest, ['devDependencies']),
  exports: Object.fromEntries(
    Object.entries(manifest.exports).map(([path, conditions]) => [path, without(conditions, ['source'])]),
  ),
  dependencies: without(manifest.dependencies, ['@auth-bff/shared']),
});

/** Exchanges the package.json in a workspace's folder. npm has no other way to pack one that differs. */
export const createPublishedManifest = (folder: string) => {
  const path = join(folder, 'package.json');
  /** Where the workspace's own waits while a pack is under way. */
  const keptPath = join(folder, 'dist/package.workspace.json');
  return {
    /** Before npm packs: puts the published package.json in place. */
    put(): void {
      mkdirSync(join(folder, 'dist'), { recursive: true });
      copyFileSync(path, keptPath);
      const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
      writeFileSync(path, `${JSON.stringify(toPublished(manifest), null, 2)}\n`);
    },
    /** After npm packed, or broke off: the workspace's own again. */
    restore(): void {
      if (existsSync(keptPath)) renameSync(keptPath, path);
    },
  };
};

// npm runs a workspace's scripts in its folder.
const [, script = '', command] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const { put, restore } = createPublishedManifest(process.cwd());
  if (command === 'put') put();
  else restore();
}
