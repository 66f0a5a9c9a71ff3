import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleJavaScript } from './bundle-javascript.ts';
import { bundleTypes } from './bundle-types.ts';
import { createPublishedManifest, type Manifest } from './published-manifest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const client = join(root, 'client');
const dist = join(client, 'dist');

// An interrupted `npm pack` leaves the published package.json in place of the workspace's.
createPublishedManifest(client).restore();
const manifest = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8')) as Manifest;

const sources = Object.values(manifest.exports).map(({ source }) => join(client, source));
const entryNames = sources.map((source) => basename(source, '.ts'));

const types = await bundleTypes({ root, entryNames });
const code = await bundleJavaScript({ entries: sources, shared: join(root, 'shared/src/index.ts'), folder: root });

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [file, text] of [...types, ...code]) writeFileSync(join(dist, file), text);
