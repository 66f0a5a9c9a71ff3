import type { TestProject } from 'vitest/node';
import { buildBundles } from './build-bundles.ts';
import { processFileIndex } from './process-files.ts';

/**
 * Before a run with files that start processes, and before each further one of `vitest --watch`. `FROM_SOURCE=1`: tests
 * start the sources.
 */
export const setup = async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const isNeeded = project.vitest.state.getPaths().some((path) => processFileIndex(path) !== -1);
  if (!isNeeded || process.env.FROM_SOURCE === '1') return undefined;
  const bundles = await buildBundles();
  project.onTestsRerun(async () => void (await bundles.rebuild()));
  return () => bundles[Symbol.asyncDispose]();
};
