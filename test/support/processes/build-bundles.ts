import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { commonJs } from '../../../server/build/common-js.ts';
import { bundlePath, root } from './run-process.ts';

/** The programs that tests start, and the modules that they load before them. */
const programs = [
  'server/src/main.ts',
  'server/src/cli.ts',
  'server/dev/start.ts',
  'server/dev/start-auth-service.ts',
  'server/dev/tickets/start-ticket-service.ts',
  'test/support/processes/replica.ts',
  'test/support/processes/store-replica.ts',
  'test/support/time/patient-deadlines.ts',
  'test/soak/scenario/report-memory.ts',
];

/** The files that a source finds relative to itself stay the same, and a program that it starts is the bundled one. */
const keepLocations = (folder: string): Plugin => ({
  name: 'keep-locations',
  setup({ onLoad }) {
    const bundled = new Map(
      programs.map((program) => [
        pathToFileURL(join(root, program)).href,
        pathToFileURL(bundlePath(folder, program)).href,
      ]),
    );
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes('import.meta.url')) return null;
      const url = pathToFileURL(path).href;
      const contents = source
        .replaceAll(/new URL\('([^']+)', import\.meta\.url\)/g, (_all, target: string) => {
          const { href } = new URL(target, url);
          return `new URL('${bundled.get(href) ?? href}')`;
        })
        .replaceAll('import.meta.url', `'${url}'`);
      return { contents, loader: 'ts' };
    });
  },
});

const parent = join(root, 'test/.bundles');

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Removes the bundles of killed runs. */
const removeAbandoned = async (): Promise<void> => {
  await mkdir(parent, { recursive: true });
  const abandoned = (await readdir(parent)).filter((name) => !isAlive(Number(name)));
  await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
};

/**
 * Bundles the programs that tests start, and makes `runProcess` of this process and of its children start the bundles:
 * loading a few files takes a seventh of the processor time of loading and compiling a thousand. Each run has a folder of
 * its own, and so starts no bundle of older sources.
 */
export const buildBundles = async () => {
  await removeAbandoned();
  const folder = join(parent, String(process.pid));
  const rebuild = () =>
    build({
      absWorkingDir: root,
      entryPoints: programs,
      outdir: folder,
      outbase: root,
      bundle: true,
      splitting: true,
      conditions: ['source'],
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: true,
      sourcesContent: false,
      banner: { js: commonJs },
      plugins: [keepLocations(folder)],
      logLevel: 'warning',
    });
  await rebuild();
  process.env.TEST_BUNDLES = folder;
  return {
    rebuild,
    async [Symbol.asyncDispose]() {
      delete process.env.TEST_BUNDLES;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
