import { rolldown } from 'rolldown';

export type BundleJavaScriptOptions = {
  entries: readonly { name: string; source: string }[];
  /** Where shared's source is: it is bundled in. */
  shared: string;
  folder: string;
};

/**
 * The code of each entry, readable, with what several entries use in a file of its own: a module's state exists
 * once. Packages stay imports. Returns the texts by file name.
 */
export const bundleJavaScript = async ({ entries, shared, folder }: BundleJavaScriptOptions) => {
  const bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
    platform: 'browser',
    resolve: { alias: { '@auth-bff/shared': shared } },
    external: (id) => /^[^./\0]/.test(id) && id !== '@auth-bff/shared',
    treeshake: {
      moduleSideEffects: false,
      // A schema does nothing but be made, and the client takes none: without this, one in a module that it uses stays.
      manualPureFunctions: ['z'],
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
