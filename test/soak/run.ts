import { buildBundles } from '../support/processes/build-bundles.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { readOptions } from './read-options.ts';
import { runSoak } from './run-soak.ts';

// `npm run soak`. Ends with 1 if anything was not fulfilled; see CONTRIBUTING.md.

const print = (text: string) => void process.stdout.write(`${text}\n`);

const run = async (): Promise<string[]> => {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!hasRedis())
      return ['Nothing was run: there is no redis-server. Install it (Debian: apt-get install redis-server).'];
    await using _bundles = await buildBundles();
    return await runSoak({ ...options, print });
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

const violations = await run();
print(
  violations.length === 0
    ? '\nNothing was violated.'
    : `\nFailed:\n${violations.map((line) => `  ${line}`).join('\n')}`,
);
process.exit(violations.length === 0 ? 0 : 1);
