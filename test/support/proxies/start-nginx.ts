import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../processes/run-process.ts';

const program = process.env.NGINX ?? 'nginx';
const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin` };

/** Whether nginx is installed. Without it, tests that need it are skipped, or fail if REQUIRE_NGINX=1. */
export const hasNginx = (): boolean => {
  if (spawnSync(program, ['-v'], { env }).status === 0) return true;
  if (process.env.REQUIRE_NGINX === '1') throw new Error(`REQUIRE_NGINX=1 is set, but ${program} is not installed.`);
  process.stderr.write(
    `${program} is not installed: tests of the balancer are skipped (Debian: apt-get install nginx-light).\n`,
  );
  return false;
};

/** Starts nginx with `site` included in the `http` block of a minimal configuration, as nginx's image includes it. */
export const startBalancer = async ({ site }: { site: string }) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-nginx-'));
  // Started by root, nginx works as another user, who stores large bodies here.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'site.conf'), site);
  writeFileSync(
    join(folder, 'nginx.conf'),
    [
      'daemon off; worker_processes 1; error_log stderr notice;',
      `pid ${folder}/nginx.pid;`,
      'events { worker_connections 1024; }',
      'http {',
      '  access_log off; keepalive_timeout 65;',
      ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${folder}/${name};`),
      `  include ${folder}/site.conf;`,
      '}',
    ].join('\n'),
  );
  const running = runProgram({ program, args: ['-p', folder, '-c', join(folder, 'nginx.conf')], cwd: folder, env });
  const end = async () => {
    running.kill('SIGTERM');
    await running.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  await running.printed(/start worker process \d+/).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return { output: running.output, [Symbol.asyncDispose]: end };
};
