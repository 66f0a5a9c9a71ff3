import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { freePort, holdPort, runProcess } from '../../support/run-process.ts';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

const startDev = async (ports: { bff?: number; authService?: number; control?: number } = {}, args: string[] = []) => {
  const [bff, authService, control] = await Promise.all([freePort(), freePort(), freePort()]);
  const used = { bff, authService, control, ...ports };
  const dev = runProcess({
    args: [
      'server/dev/start.ts',
      '--auth-service-port',
      String(used.authService),
      '--control-port',
      String(used.control),
      ...args,
    ],
    env: { PORT: String(used.bff) },
  });
  return { dev, ports: used };
};

describe('npm run dev', () => {
  it.skipIf(!hasCurl).each(['guide', 'deployed'])(
    'prints curl lines that work as printed, in the %s dialect',
    async (dialect) => {
      const { dev } = await startDev({}, ['--dialect', dialect]);
      await using _ = dev;
      await dev.printed(/Ctrl-C ends all/);
      const lines = dev.output().match(/^ {2}curl .*$/gm) ?? [];
      expect(lines).toHaveLength(3);
      const answers: unknown[] = [];
      for (const line of lines) {
        const { stdout } = await run('sh', ['-c', line]);
        answers.push(JSON.parse(stdout));
      }
      expect(answers).toMatchObject([
        { result: { data: { json: { status: 'signed_in' } } } },
        { result: { data: { json: { id: 123, email: 'user@example.com' } } } },
        [
          { result: { data: { json: { id: 123 } } } },
          { result: { data: { json: { userIds: expect.arrayContaining([1, 5, 12, 23]) } } } },
        ],
      ]);
    },
  );

  it('ends all of it on Ctrl-C', async () => {
    const { dev, ports } = await startDev();
    await using _ = dev;
    await dev.printed(/Ctrl-C ends all/);
    dev.kill('SIGINT');
    expect(await dev.exited).toBe(0);
    for (const port of Object.values(ports)) {
      const held = await holdPort(port);
      await held[Symbol.asyncDispose]();
    }
  });

  it.each(['bff', 'authService', 'control'] as const)(
    'says which port is taken where it is the one of %s',
    async (part) => {
      await using taken = await holdPort();
      const { dev } = await startDev({ [part]: taken.port });
      await using _ = dev;
      expect(await dev.exited).toBe(1);
      expect(dev.output()).toMatch(
        new RegExp(`cannot start: port ${taken.port} is taken. End what listens there, or choose`),
      );
      expect(dev.output()).not.toMatch(/^\s+at /m);
    },
  );

  it('says what a wrong option should be', async () => {
    const { dev } = await startDev({}, ['--dialect', 'french']);
    await using _ = dev;
    expect(await dev.exited).toBe(1);
    expect(dev.output()).toContain('--dialect: expected guide or deployed, got french');
  });
});
