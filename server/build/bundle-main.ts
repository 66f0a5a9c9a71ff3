import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { commonJs } from './common-js.ts';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const parts = 'main-parts';

// The service as one file: of some hundred, finding and opening each takes half of the time of a start. Two stay
// outside: whoever traces puts their own in the place of `@opentelemetry/api`, and watches ioredis, which is loaded
// only where there is a Redis.
await rm(`${dist}${parts}`, { recursive: true, force: true });
await build({
  entryPoints: [`${dist}main.js`],
  outdir: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: `${parts}/[name]-[hash]`,
  external: ['ioredis', '@opentelemetry/api'],
  platform: 'node',
  format: 'esm',
  target: 'node20',
  banner: { js: commonJs },
  legalComments: 'none',
  logLevel: 'warning',
});
