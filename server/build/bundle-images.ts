import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copySwaggerUi } from './swagger-ui.ts';
import { bundlePrograms, unbundledPackages } from './bundle-programs.ts';

// Writes one folder per image. Each holds everything that its image needs beside Node: dist/, package.json and node_modules/ if packages are not bundled.
//   bundle/bff           the service (dist/main.js), its command line (dist/cli.js) and the health check of its image
//   bundle/auth-service  the embedded Auth Service (dist/start-auth-service.js), for trying the service

type Manifest = { version: string; dependencies?: Record<string, string> };

const root = fileURLToPath(new URL('../../', import.meta.url));
const bundle = join(root, 'bundle');
const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Finds an installed package as Node does: in the nearest `node_modules`, upwards from `folder`. Returns its path in the repository. */
const findPackage = (folder: string, name: string): string => {
  const path = join(folder, 'node_modules', name);
  try {
    readManifest(join(root, path));
    return path;
  } catch (error) {
    if (folder === '.') throw new Error(`${name} is not installed. Run npm ci.`, { cause: error });
    return findPackage(dirname(folder), name);
  }
};

/** The paths of the named packages and of everything that they depend on. */
const withDependencies = (names: readonly string[], folder: string, found = new Set<string>()): Set<string> => {
  for (const path of names.map((name) => findPackage(folder, name))) {
    if (found.has(path)) continue;
    found.add(path);
    withDependencies(Object.keys(readManifest(join(root, path)).dependencies ?? {}), path, found);
  }
  return found;
};

/** Copies packages and everything that they depend on into the `node_modules` of an image. */
const copyPackages = (names: readonly string[], folder: string): void => {
  for (const path of withDependencies(names, 'server')) {
    const source = join(root, path);
    cpSync(source, join(folder, path.replace(/^server\//, '')), {
      recursive: true,
      // Packages nested in this one have paths of their own, if they are dependencies.
      filter: (file) => !file.slice(source.length).includes('node_modules'),
    });
  }
};

const { version, dependencies = {} } = readManifest(join(root, 'server'));

type ImageOptions = { name: string; programs: string[]; external: string[] };

const bundleImage = async ({ name, programs, external }: ImageOptions): Promise<void> => {
  const folder = join(bundle, name);
  await bundlePrograms({
    entryPoints: programs.map((program) => join(root, program)),
    outdir: join(folder, 'dist'),
    // Beside the programs, because server/src/version.ts reads ../package.json and may be in a chunk.
    chunkNames: '[name]-[hash]',
    external,
  });
  const ranges = Object.fromEntries(external.map((dependency) => [dependency, dependencies[dependency]]));
  const manifest = { name: `@auth-bff/${name}`, version, private: true, type: 'module', dependencies: ranges };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  copyPackages(external, folder);
};

rmSync(bundle, { recursive: true, force: true });
await bundleImage({ name: 'bff', programs: ['server/src/main.ts', 'server/src/cli.ts'], external: unbundledPackages });
copySwaggerUi(join(bundle, 'bff/dist'));
cpSync(join(root, 'server/build/health-check.sh'), join(bundle, 'bff/health-check.sh'));
await bundleImage({ name: 'auth-service', programs: ['server/dev/start-auth-service.ts'], external: [] });
