import { build } from 'esbuild';
import { commonJs } from './common-js.ts';
import { leftOut } from './left-out.ts';

/**
 * The packages of the service that are not bundled. Tracing tools replace `@opentelemetry/api` and instrument ioredis, and find both only as
 * packages. ioredis is loaded only if `REDIS_URL` is set.
 */
export const unbundledPackages = ['ioredis', '@opentelemetry/api'];

export type BundleProgramsOptions = {
  entryPoints: string[];
  outdir: string;
  /** Where chunks go that several entries or lazy imports need, relative to `outdir`. */
  chunkNames: string;
  /** The packages that stay imports. */
  external: string[];
};

/** Bundles programs and their packages. Finding and opening some hundred files takes half of the time of a start. */
export const bundlePrograms = ({ entryPoints, outdir, chunkNames, external }: BundleProgramsOptions) =>
  build({
    entryPoints,
    outdir,
    chunkNames,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    conditions: ['source'],
    external,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [leftOut],
    banner: { js: commonJs },
    legalComments: 'none',
    logLevel: 'warning',
  });
