// Fails if the registry reports vulnerabilities in the production packages, or does not answer. A registry without an audit endpoint
// (many mirrors have none) is reported, but is not a failure.
import { spawnSync } from 'node:child_process';

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });

const parse = () => {
  try {
    return JSON.parse(stdout);
  } catch {
    return {};
  }
};
const print = (line) => process.stdout.write(`${line}\n`);
const report = parse();
const hasNoEndpoint = [404, 405, 501].includes(report.statusCode);
const found = report.metadata?.vulnerabilities?.total;

if (found === 0) {
  print('npm audit: the production packages have no known vulnerabilities.');
} else if (found > 0) {
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) print(`${severity}: ${name} ${range}`);
  print(`npm audit: ${found} vulnerabilities in the production packages. Details: \`npm audit --omit=dev\`.`);
  process.exitCode = 1;
} else if (hasNoEndpoint) {
  print(
    `npm audit: NOT AVAILABLE. This registry has no audit endpoint (HTTP ${report.statusCode}). Nothing was checked.`,
  );
} else {
  print(`npm audit: the registry did not answer.\n${stderr}`);
  process.exitCode = 1;
}
