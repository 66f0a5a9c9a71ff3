import { build, type BuildOptions } from 'esbuild';

/** Bundles one module and the workspaces' sources behind it. Returns the code. */
export const bundleSource = async (options: BuildOptions): Promise<string> => {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    conditions: ['source'],
    target: 'es2022',
    logLevel: 'error',
    ...options,
  });
  return outputFiles?.[0]?.text ?? '';
};
