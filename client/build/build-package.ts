import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundleJavaScript } from './bundle-javascript.ts';
import { bundleTypes } from './bundle-types.ts';
import { createPublishedManifest, type Manifest } from './published-manifest.ts';

export type BuildPackageOptions = {
  /** The folder of the repository. */
  root: string;
  /** The folder of the package in the repository. */
  workspace: string;
  platform: 'browser' | 'node';
  /** Declarations to replace, by path in the repository. Default none. */
  replaced?: Readonly<Record<string, string>>;
};

/** Bundles the code and the types of a package's entries into its dist folder. */
export const buildPackage = async ({
  root,
  workspace,
  platform,
  replaced = {},
}: BuildPackageOptions): Promise<void> => {
  const folder = join(root, workspace);
  const dist = join(folder, 'dist');
  // An interrupted `npm pack` leaves the published package.json in place of the workspace's.
  createPublishedManifest(folder).restore();
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

  const entries = Object.values(manifest.exports).map(({ source }) => join(folder, source));
  const entryNames = entries.map((source) => basename(source, '.ts'));
  const types = await bundleTypes({ root, workspace, entryNames, replaced });
  const code = await bundleJavaScript({ entries, shared: join(root, 'shared/src/index.ts'), folder: root, platform });

  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  for (const [file, text] of [...types, ...code]) writeFileSync(join(dist, file), text);
};
