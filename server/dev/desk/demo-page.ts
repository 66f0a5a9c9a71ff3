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
  /** The page's own, with its index.html. It is built into `dist` there. */
  folder: string;
  /** What else the page is built from: files and folders. */
  alsoFrom: readonly string[];
  env: Record<string, string | undefined>;
};

/** Which sources the build beside it was made of. */
const noteName = '.sources';

/** A page that is built where its sources have changed since it was last built. */
export const createDemoPage = ({ folder, alsoFrom, env }: DemoPageOptions) => {
  const dist = join(folder, 'dist');
  const closing = new AbortController();
  let state: DemoPageState = { state: 'building' };

  const readBuilt = async (sources: string): Promise<DemoFiles | null> => {
    try {
      if ((await readFile(join(dist, noteName), 'utf8')) !== sources) return null;
      return await readDemoFiles(dist);
    } catch {
      // Not built, or another process puts its own build there just now.
      return null;
    }
  };

  const build = async (sources: string): Promise<DemoFiles> => {
    // Not in place: two may build at the same time, and each is to serve a whole build.
    const outFolder = await mkdtemp(join(folder, '.dist-'));
    try {
      await runVite({ folder, outFolder, env, signal: closing.signal });
      await writeFile(join(outFolder, noteName), sources);
      const files = await readDemoFiles(outFolder);
      await rm(dist, { recursive: true, force: true });
      // Where another has put its own there meanwhile, that is as good.
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
    /** Builds it where that is to be done, once. Never rejects. */
    prepare(): Promise<DemoPageState> {
      preparing ??= prepare().then((prepared) => {
        state = prepared;
        return prepared;
      });
      return preparing;
    },
    /** Ends a build that is under way. */
    async close(): Promise<void> {
      closing.abort();
      await preparing;
    },
  };
};

export type DemoPage = ReturnType<typeof createDemoPage>;
