import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env.PROMTOOL ?? 'promtool';

/** Whether promtool is installed. Without it, tests that need it are skipped, or fail if REQUIRE_PROMTOOL=1. */
export const hasPromtool = (): boolean => {
  if (spawnSync(program, ['--version']).status === 0) return true;
  if (process.env.REQUIRE_PROMTOOL === '1') {
    throw new Error(`REQUIRE_PROMTOOL=1 is set, but ${program} is not installed.`);
  }
  process.stderr.write(
    `${program} is not installed: tests of the alerts and the dashboard are skipped (Debian: apt-get install prometheus).\n`,
  );
  return false;
};

/** The output of `promtool <args> <file>`, where the file has this text (JSON is YAML), and whether promtool accepted it. */
export const runPromtool = (args: readonly string[], text: string): { isAccepted: boolean; output: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-promtool-'));
  try {
    const file = join(folder, 'file.yml');
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(program, [...args, file], { encoding: 'utf8' });
    return { isAccepted: status === 0, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
};
