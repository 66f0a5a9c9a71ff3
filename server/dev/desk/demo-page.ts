import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DemoFiles, readDemoFiles } from './demo-files.ts';
import { hashSources } from './hash-sources.ts';
import { runVite } from './run-vite.ts';

export type DemoPageState =
  | { state: 'building' }
  | { state: 'ready'; files: DemoFiles }
  | { state: 'failed'; message: string };

export type DemoPageOptions = {
  /** Folder of the page, with its index.html. The build goes into its `dist`. */
  folder: string;
  /** Other sources of the page: files and folders. */
  alsoFrom: readonly string[];
  env: Record<string, string | undefined>;
};

/** File in `dist` with the hash of the sources of that build. */
const sourcesHashName = '.sources';

/** The demo page. It is rebuilt only if its sources have changed since the last build. */
export const createDemoPage = ({ folder, alsoFrom, env }: DemoPageOptions) => {
  const dist = join(folder, 'dist');
  const closing = new AbortController();
  let state: DemoPageState = { state: 'building' };

  const readBuilt = async (sources: string): Promise<DemoFiles | null> => {
    try {
      if ((await readFile(join(dist, sourcesHashName), 'utf8')) !== sources) return null;
      return await readDemoFiles(dist);
    } catch {
      // There is no build, or another process is replacing it.
      return null;
    }
  };

  const build = async (sources: string): Promise<DemoFiles> => {
    // Build into a temporary folder: two processes may build at the same time, and each must serve a complete build.
    const outFolder = await mkdtemp(join(folder, '.dist-'));
    try {
      await runVite({ folder, outFolder, env, signal: closing.signal });
      await writeFile(join(outFolder, sourcesHashName), sources);
      const files = await readDemoFiles(outFolder);
      await rm(dist, { recursive: true, force: true });
      // If another process has moved its build there first, that build is equally good.
      await rename(outFolder, dist).catch(() => null);
      return files;
    } finally {
      await rm(outFolder, { recursive: true, force: true });
    }
  };

  const prepare = async (): Promise<DemoPageState> => {
    try {
      const sources = await hashSources([folder, ...alsoFrom]);
      return { state: 'ready', files: (await readBuilt(sources)) ?? (await build(sources)) };
    } catch (error) {
      return { state: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  };

  let preparing: Promise<DemoPageState> | null = null;
  return {
    current: (): DemoPageState => state,
    /** Builds the page if necessary, at most once. Never rejects. */
    prepare(): Promise<DemoPageState> {
      preparing ??= prepare().then((prepared) => {
        state = prepared;
        return prepared;
      });
      return preparing;
    },
    /** Aborts a running build. */
    async close(): Promise<void> {
      closing.abort();
      await preparing;
    },
  };
};

export type DemoPage = ReturnType<typeof createDemoPage>;
