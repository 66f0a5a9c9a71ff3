// Checks package-lock.json, or the file given: every package has the integrity (SHA-512) of its archive, and none has an address.
// `npm ci` verifies archives only against the integrity in the lock file, and downloads them from the configured registry.
import { readFileSync } from 'node:fs';

const [file = 'package-lock.json'] = process.argv.slice(2);
const { packages = {} } = JSON.parse(readFileSync(file, 'utf8'));

/** The root, a workspace, or a link to a workspace: these have no archive. */
const isOwn = ([path, { link }]) => link === true || !path.includes('node_modules/');

const faultsOf = ([path, { integrity, resolved, version }]) => {
  const faults = [];
  if (resolved !== undefined) faults.push(`has an address (resolved: ${resolved})`);
  if (integrity === undefined) faults.push('has no integrity');
  else if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) faults.push(`has an integrity other than one SHA-512 hash`);
  return faults.map((fault) => `${path} ${version}: ${fault}`);
};

const entries = Object.entries(packages).filter((entry) => !isOwn(entry));
const faults = entries.flatMap(faultsOf);

if (entries.length === 0) {
  process.stderr.write(`${file} lists no packages.\n`);
  process.exitCode = 1;
} else if (faults.length === 0) {
  process.stdout.write(`${file}: all ${entries.length} packages have an integrity and no address.\n`);
} else {
  process.stderr.write(
    [
      ...faults,
      `${file}: ${faults.length} faults. npm omits the integrity if it writes the file from an installed node_modules,`,
      'and writes addresses without the .npmrc of this repository. Restore the file, run `npm ci` and repeat the change,',
      'or copy the missing value from `npm view NAME@VERSION dist.integrity`.',
      '',
    ].join('\n'),
  );
  process.exitCode = 1;
}
