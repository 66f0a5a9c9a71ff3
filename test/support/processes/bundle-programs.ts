import type { TestProject } from 'vitest/node';
import { buildBundles } from './build-bundles.ts';

/** Before the run, and before each further one of `vitest --watch`. `FROM_SOURCE=1`: tests start the sources. */
export const setup = async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  if (process.env.FROM_SOURCE === '1') return undefined;
  const bundles = await buildBundles();
  project.onTestsRerun(async () => void (await bundles.rebuild()));
  return () => bundles[Symbol.asyncDispose]();
};
