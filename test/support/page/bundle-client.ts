import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The client's main entry as one script that defines the global `client`, for runtimes other than Node. */
export const bundleClient = async (): Promise<string> => {
  const entry = fileURLToPath(new URL('../../../client/src/index.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    conditions: ['source'],
    format: 'iife',
    globalName: 'client',
    target: 'es2022',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
};
