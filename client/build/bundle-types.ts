import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

export type BundleTypesOptions = {
  /** The folder of the repository. */
  root: string;
  /** The names of the package's entries: `index` is `client/src/index.ts`. */
  entryNames: readonly string[];
};

/**
 * Bundles the declarations of the client's entries. Types from server and shared are inlined; packages stay imports. Types
 * that several entries use go to a file of their own. Returns the texts by file name.
 */
export const bundleTypes = async ({ root, entryNames }: BundleTypesOptions): Promise<Map<string, string>> => {
  const emitted = join(root, 'client/.dist-types');
  try {
    emitDeclarations(root, emitted);
    hideServer(emitted);
    const bundle = await rollup({
      input: Object.fromEntries(entryNames.map((name) => [name, join(emitted, `client/src/${name}.d.ts`)])),
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

const emitDeclarations = (root: string, emitted: string): void => {
  rmSync(emitted, { recursive: true, force: true });
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'client/tsconfig.build.json')], { stdio: 'inherit' });
};

/** Removes from the emitted declarations everything that would pull the server or zod into the bundle. */
const hideServer = (emitted: string): void => {
  // Callers never create the context of a request.
  writeFileSync(join(emitted, 'server/src/api/context.d.ts'), 'export interface Context {}\n');
  // A schema and its type share one name. The bundle needs the type only.
  const shared = join(emitted, 'shared/src');
  for (const name of readdirSync(shared)) {
    const text = readFileSync(join(shared, name), 'utf8');
    writeFileSync(join(shared, name), text.replaceAll(/^export declare const \w+: z\.ZodType<.*;$/gm, ''));
  }
};
