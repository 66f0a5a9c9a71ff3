import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { runProgram } from '../processes/run-process.ts';

const program = process.env.CADDY ?? 'caddy';
const path = process.env.PATH ?? '';

/** Whether Caddy is installed. Without it, tests that need it are skipped, or fail if REQUIRE_CADDY=1. */
export const hasCaddy = (): boolean => {
  if (spawnSync(program, ['version'], { env: { PATH: path } }).status === 0) return true;
  if (process.env.REQUIRE_CADDY === '1') throw new Error(`REQUIRE_CADDY=1 is set, but ${program} is not installed.`);
  process.stderr.write(`${program} is not installed: its tests are skipped (Debian: apt-get install caddy).\n`);
  return false;
};

/** Starts Caddy with a Caddyfile whose site listens at `url`, without its admin endpoint and without certificates. */
export const startCaddy = async ({ caddyfile, url }: { caddyfile: string; url: string }) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-caddy-'));
  writeFileSync(join(folder, 'Caddyfile'), `{\n  admin off\n  auto_https off\n}\n${caddyfile}`);
  const running = runProgram({
    program,
    args: ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
    cwd: folder,
    env: { PATH: path, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  const end = async () => {
    running.kill('SIGTERM');
    await running.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await vi.waitFor(async () => {
      if (running.hasExited()) return;
      await fetch(url);
    });
    if (running.hasExited()) throw new Error(`Caddy exited:\n${running.output()}`);
  } catch (error) {
    await end();
    throw error;
  }
  return { output: running.output, [Symbol.asyncDispose]: end };
};
