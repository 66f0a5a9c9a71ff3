// Asks the registry what is known against the packages that the service runs with, and fails where something is. Not every
// registry can be asked (a mirror often has no such endpoint): that is said, and is no failure. Any other silence is one.
import { spawnSync } from 'node:child_process';

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });

const parse = () => {
  try {
    return JSON.parse(stdout);
  } catch {
    return {};
  }
};
const say = (line) => process.stdout.write(`${line}\n`);
const report = parse();
const hasNoEndpoint = [404, 405, 501].includes(report.statusCode);
const found = report.metadata?.vulnerabilities?.total;

if (found === 0) {
  say('npm audit: nothing is known against the packages of the service.');
} else if (found > 0) {
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) say(`${severity}: ${name} ${range}`);
  say(`npm audit: ${found} of the packages of the service are not safe; \`npm audit --omit=dev\` says more.`);
  process.exitCode = 1;
} else if (hasNoEndpoint) {
  say(`npm audit: NOT AVAILABLE. This registry has no audit endpoint (${report.statusCode}); nothing was checked.`);
} else {
  say(`npm audit: the registry did not answer.\n${stderr}`);
  process.exitCode = 1;
}
