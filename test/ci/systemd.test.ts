import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serve } from '../support/app/serve.ts';
import { freePort, root, runProgram } from '../support/processes/run-process.ts';
import { knownVariables } from '../shipping/known-variables.ts';

const text = readFileSync(join(root, 'deploy/auth-bff.service'), 'utf8');

const valuesOf = (name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);

/** The command that a start waits for, with the health check of this repository. */
const readinessCheck = (): string => {
  const [, script = ''] = /^\/bin\/bash -c '(.*)'$/.exec(valuesOf('ExecStartPost')[0] ?? '') ?? [];
  return script.replace('/opt/auth-bff/health-check.sh', join(root, 'server/build/health-check.sh'));
};

/** Whether systemd-analyze is installed. Without it, tests that need it are skipped, or fail if REQUIRE_SYSTEMD=1. */
const hasSystemd = (): boolean => {
  if (spawnSync('systemd-analyze', ['--version']).status === 0) return true;
  if (process.env.REQUIRE_SYSTEMD === '1')
    throw new Error('REQUIRE_SYSTEMD=1 is set, but systemd-analyze is not installed.');
  process.stderr.write(
    'systemd-analyze is not installed: its tests of the unit are skipped (Debian: apt-get install systemd).\n',
  );
  return false;
};

/** Runs systemd-analyze on the unit, with a Node that this machine has. */
const analyze = (...args: string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-systemd-'));
  try {
    const unit = join(folder, 'auth-bff.service');
    writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--no-pager', ...args, unit], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe.skipIf(!hasSystemd())('systemd-analyze', () => {
  it('finds no fault in deploy/auth-bff.service', () => {
    expect(analyze('verify', '--man=no')).toEqual({ status: 0, output: '' });
  });

  it('finds the unit better protected than 1.5 of 10', () => {
    expect(analyze('security', '--offline=true', '--threshold=15')).toMatchObject({ status: 0 });
  });
});

describe('deploy/auth-bff.service', () => {
  it('sets only variables that the service knows, and a file of its own for each secret', () => {
    const known = knownVariables();
    const variables = valuesOf('Environment').map((entry) => entry.split('=') as [string, string]);
    expect(variables.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);
    const credentials = valuesOf('LoadCredential').map((credential) => credential.split(':')[0]);
    expect(credentials).toEqual(['DJANGO_JWT_SIGNING_KEY', 'SEALING_KEY', 'AUTH_API_KEY']);
    expect(variables.filter(([name]) => name.endsWith('_FILE'))).toEqual(
      credentials.map((name) => [`${name}_FILE`, `%d/${name}`]),
    );
  });

  it('stops with SIGTERM, and gives the service more than its 15 s', () => {
    expect(valuesOf('KillSignal')).toEqual(['SIGTERM']);
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(15);
  });

  it('lets V8 compile', () => {
    expect(valuesOf('MemoryDenyWriteExecute')).toEqual(['no']);
  });

  it('has started once the service is ready, and not before', async () => {
    let asked = 0;
    await using service = await serve((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end();
    });
    const env = { PATH: '/usr/bin:/bin', PORT: new URL(service.url).port };
    const MAINPID = String(process.pid);
    const args = ['-c', readinessCheck()];
    expect(await runProgram({ program: '/bin/bash', args, cwd: root, env: { ...env, MAINPID } }).exited).toBe(0);
    expect(asked).toBe(3);
  });

  it('fails to start as soon as the service has ended, instead of after a minute', async () => {
    const ended = runProgram({ program: '/bin/bash', args: ['-c', 'echo $$'], cwd: root, env: {} });
    await ended.exited;
    const env = { PATH: '/usr/bin:/bin', PORT: String(await freePort()), MAINPID: ended.output().trim() };
    expect(await runProgram({ program: '/bin/bash', args: ['-c', readinessCheck()], cwd: root, env }).exited).toBe(1);
  });
});
