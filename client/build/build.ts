import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleJavaScript } from './bundle-javascript.ts';
import { bundleTypes } from './bundle-types.ts';
import { checkImports } from './check-imports.ts';
import { createPublishedManifest, type Manifest } from './published-manifest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const client = join(root, 'client');
const dist = join(client, 'dist');

// A pack that was broken off left the published package.json in place of the workspace's.
createPublishedManifest(client).restore();
const manifest = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8')) as Manifest;

const entries = Object.entries(manifest.exports).map(([path, { source }]) => ({
  name: path === '.' ? 'index' : path.slice('./'.length),
  source: join(client, source),
}));

const types = bundleTypes({ root, packageName: manifest.name, entries });
const code = await bundleJavaScript({ entries, shared: join(root, 'shared/src/index.ts'), folder: root });

const outputs = new Map([...code, ...[...types].map(([name, text]) => [`${name}.d.ts`, text] as const)]);
for (const [file, text] of outputs) checkImports({ file, text, manifest });

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [file, text] of outputs) writeFileSync(join(dist, file), text);
