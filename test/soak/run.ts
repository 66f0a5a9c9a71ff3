import { buildBundles } from '../support/processes/build-bundles.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { readOptions } from './read-options.ts';
import { runSoak } from './run-soak.ts';

// `npm run soak`. Exits with 1 if the run has violations. See CONTRIBUTING.md.

const print = (text: string) => void process.stdout.write(`${text}\n`);

const run = async (): Promise<string[]> => {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!hasRedis())
      return [
        'The soak test needs redis-server, which was not found. Install it (Debian: apt-get install redis-server).',
      ];
    await using _bundles = await buildBundles();
    return await runSoak({ ...options, print });
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

const violations = await run();
print(
  violations.length === 0
    ? '\nPassed: no violations.'
    : `\nFailed:\n${violations.map((line) => `  ${line}`).join('\n')}`,
);
process.exit(violations.length === 0 ? 0 : 1);
