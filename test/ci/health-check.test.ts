import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serve } from '../support/app/serve.ts';
import { freePort, root, runProgram } from '../support/processes/run-process.ts';

const bash = '/bin/bash';

/** Runs the health check of the image without any program in its PATH. Returns its exit code. */
const checkHealth = (env: Record<string, string>): Promise<number | null> =>
  runProgram({ program: bash, args: ['server/build/health-check.sh'], cwd: root, env: { PATH: '', ...env } }).exited;

describe.skipIf(!existsSync(bash))('the health check of the image', () => {
  it.each([
    [200, 0],
    [503, 1],
    [404, 1],
  ])('of a service whose /health/ready answers %i exits with %i', async (status, code) => {
    const paths: Array<string | undefined> = [];
    await using service = await serve(({ url }, response) => {
      paths.push(url);
      response.writeHead(status).end();
    });
    expect(await checkHealth({ PORT: new URL(service.url).port, HOST: '0.0.0.0' })).toBe(code);
    expect(paths).toEqual(['/health/ready']);
  });

  it.each(['::1', '[::1]', '::'])('finds a service that listens on HOST=%s', async (HOST) => {
    await using service = await serve((_, response) => response.end(), HOST.replaceAll(/[[\]]/g, ''));
    expect(await checkHealth({ PORT: new URL(service.url).port, HOST })).toBe(0);
  });

  it('fails if nothing listens', async () => {
    expect(await checkHealth({ PORT: String(await freePort()) })).toBe(1);
  });

  it('fails if the service does not respond, and if it closes the connection without a response', async () => {
    await using hanging = await serve(() => {});
    await using closing = await serve(({ socket }) => void socket.destroy());
    const codes = await Promise.all([hanging, closing].map(({ url }) => checkHealth({ PORT: new URL(url).port })));
    expect(codes).toEqual([1, 1]);
  });
});
