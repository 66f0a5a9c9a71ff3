// Prints the software bill of materials (CycloneDX) of the packages that the service consists of. `npm sbom --omit dev` would leave out
// packages that a development package needs, too, such as undici.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** The path of an installed package, found as Node does: in the nearest `node_modules`, upwards from `folder`. */
const findPackage = (folder, name) => {
  const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
  const found = packages[path];
  if (found !== undefined) return found.link ? found.resolved : path;
  if (folder === '') throw new Error(`package-lock.json has no ${name}.`);
  return findPackage(folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '', name);
};

const found = new Set();
const add = (path) => {
  if (found.has(path)) return;
  found.add(path);
  for (const name of Object.keys(packages[path].dependencies ?? {})) add(findPackage(path, name));
};
add('server');
// Bundled into the service, and so a development dependency of its package.
add('server/middleware');

const idOf = (path) => {
  const { name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), version } = packages[path];
  return `${name}@${version}`;
};
const kept = new Set([...found].map(idOf));
const isKept = (ref) => kept.has(ref.replace(/\|.*$/, ''));

const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const bom = JSON.parse(execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 64e6 }));
const components = bom.components.filter((component) => isKept(component['bom-ref']));
const dependencies = bom.dependencies
  .filter(({ ref }) => isKept(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) }));
process.stdout.write(`${JSON.stringify({ ...bom, components, dependencies }, null, 2)}\n`);
