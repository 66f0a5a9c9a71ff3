import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundlePrograms, unbundledPackages } from './bundle-programs.ts';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const chunks = 'main-parts';

await rm(`${dist}${chunks}`, { recursive: true, force: true });
await bundlePrograms({
  entryPoints: [`${dist}main.js`],
  outdir: dist,
  chunkNames: `${chunks}/[name]-[hash]`,
  external: unbundledPackages,
});
