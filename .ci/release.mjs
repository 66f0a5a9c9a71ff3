// Publishes the packages whose version is not in the registry yet. Refuses unless .npmrc names a registry for @auth-bff: npm's default
// registry is public. Run `npx changeset version` and commit its result before.
import { spawnSync } from 'node:child_process';

const npm = (...args) => spawnSync('npm', args, { encoding: 'utf8' }).stdout.trim();
const registry = npm('config', 'get', '@auth-bff:registry');

if (!/^https?:\/\//.test(registry)) {
  process.stderr.write(
    'No registry is configured for @auth-bff. Add a line such as @auth-bff:registry=https://npm.example.org/ to .npmrc.\n',
  );
  process.exitCode = 1;
} else {
  process.stdout.write(`Publishing to ${registry}\n`);
  process.exitCode = spawnSync('npx', ['changeset', 'publish'], { stdio: 'inherit' }).status ?? 1;
}
