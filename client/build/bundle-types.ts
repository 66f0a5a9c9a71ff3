import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

export type BundleTypesOptions = {
  /** The folder of the repository. */
  root: string;
  /** The folder of the package in the repository, with a tsconfig.build.json that emits declarations to `.dist-types`. */
  workspace: string;
  /** The names of the package's entries: `index` is `src/index.ts`. */
  entryNames: readonly string[];
  /** Declarations to replace, by path in the repository. Default none. */
  replaced?: Readonly<Record<string, string>>;
};

/**
 * Bundles the declarations of a package's entries. Types from server and shared are inlined; packages stay imports. Types
 * that several entries use go to a file of their own. Returns the texts by file name.
 */
export const bundleTypes = async (options: BundleTypesOptions): Promise<Map<string, string>> => {
  const { root, workspace, entryNames, replaced = {} } = options;
  const emitted = join(root, workspace, '.dist-types');
  try {
    emitDeclarations(join(root, workspace, 'tsconfig.build.json'), emitted);
    for (const [path, text] of Object.entries(replaced)) writeFileSync(join(emitted, path), text);
    hideZod(emitted);
    const bundle = await rollup({
      input: Object.fromEntries(entryNames.map((name) => [name, join(emitted, workspace, `src/${name}.d.ts`)])),
      // The plugin needs the JavaScript API of TypeScript. TypeScript 7 has none, so the plugin loads `@typescript/typescript6`,
      // Microsoft's package of TypeScript 6 for installation beside TypeScript 7.
      onwarn: (warning, warn) => {
        // Some option types are exported under one of two names only. Applications refer to them by that name.
        if (!warning.message.includes('private shared type exports')) warn(warning);
      },
      plugins: [dts({ compilerOptions: { paths: workspacePaths(emitted) } })],
    });
    const { output } = await bundle.generate({
      entryFileNames: '[name].d.ts',
      // The name of a chunk is that of a module, `create-auth-client.d`.
      chunkFileNames: '[name].ts',
      minifyInternalExports: false,
      // TypeScript names the package that declares a type. Applications install the package that re-exports it.
      paths: { '@tanstack/query-core': '@tanstack/react-query' },
    });
    await bundle.close();
    return new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code] as const] : [])));
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
};

const workspacePaths = (emitted: string): Record<string, string[]> => ({
  '@auth-bff/shared': [join(emitted, 'shared/src/index.d.ts')],
  '@auth-bff/server': [join(emitted, 'server/src/api/router.d.ts')],
});

const emitDeclarations = (config: string, emitted: string): void => {
  rmSync(emitted, { recursive: true, force: true });
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
};

/** Removes from the emitted declarations everything that would pull zod into the bundle. */
const hideZod = (emitted: string): void => {
  // A schema and its type share one name. The bundle needs the type only.
  const shared = join(emitted, 'shared/src');
  for (const name of readdirSync(shared)) {
    const text = readFileSync(join(shared, name), 'utf8');
    writeFileSync(join(shared, name), text.replaceAll(/^export declare const \w+: z\.ZodType<.*;$/gm, ''));
  }
};
