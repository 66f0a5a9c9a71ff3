import { rolldown } from 'rolldown';

export type BundleJavaScriptOptions = {
  /** The paths of the entries. */
  entries: readonly string[];
  /** The path of shared's entry, which is bundled in. */
  shared: string;
  /** The folder that the paths in the bundle's comments are relative to. */
  folder: string;
  platform: 'browser' | 'node';
};

/**
 * Bundles the code of a package's entries, not minified. Packages stay imports. Modules that several entries use go to a file of
 * their own, so that their state exists once. Returns the texts by file name.
 */
export const bundleJavaScript = async ({ entries, shared, folder, platform }: BundleJavaScriptOptions) => {
  const bundle = await rolldown({
    cwd: folder,
    input: [...entries],
    platform,
    resolve: { alias: { '@auth-bff/shared': shared } },
    external: (id) => /^[^./\0]/.test(id) && id !== '@auth-bff/shared',
    treeshake: {
      moduleSideEffects: false,
      // No schema is used in these packages. Without this, the schemas in modules that it imports would stay in the bundle.
      manualPureFunctions: ['z', 'schemaOf'],
    },
    onLog: (level, log, handle) => {
      // Kept at the top of the React entry, where it belongs.
      if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
    },
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    minifyInternalExports: false,
  });
  await bundle.close();
  return new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code] as const] : [])));
};
