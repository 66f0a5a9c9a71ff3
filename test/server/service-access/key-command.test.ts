import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../server/src/config.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { runCli, runCliHere } from '../../support/processes/run-doctor.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const loadServices = (entry: string) =>
  loadConfig({
    DJANGO_JWT_SIGNING_KEY: signingKey,
    AUTH_API_KEY: apiKey,
    AUTH_SERVICE_URL: 'http://auth-service:8000',
    SERVICE_KEYS: entry,
  }).services;

describe('auth-bff key', () => {
  it('prints a random key once, and the entry of SERVICE_KEYS with its hash', async () => {
    const runs = [
      await runCliHere(['key', 'desk', 'users.byId', 'employees.byId']),
      await runCliHere(['key', 'desk', 'users.byId']),
    ];
    const keys = runs.map(({ stdout }) => /^[\w-]{43}$/m.exec(stdout)?.[0] ?? '');
    expect(new Set(keys).size).toBe(2);
    for (const [index, { code, stdout, stderr }] of runs.entries()) {
      const key = keys[index] ?? '';
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout.split(key)).toHaveLength(2);
      const entry = stdout.split('\n').find((line) => line.startsWith('desk:')) ?? '';
      expect(loadServices(entry)).toMatchObject([{ name: 'desk', keyHash: sha256(key) }]);
    }
    expect(runs[0]?.stdout).toContain(':users.byId|employees.byId\n');
  });

  it('lists what may be granted if no procedure is named', async () => {
    const { code, stdout } = await runCliHere(['key', 'desk']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^desk:[\da-f]{64}:<procedures>$/m);
    expect(stdout).toContain('one or more of users.byId, users.byIds,');
  });

  it('reads a key from standard input with --hash - and prints the entry only', async () => {
    const own = 'a-key-that-was-made-by-other-means-0123';
    const { code, stdout, stderr } = await runCli(['key', 'desk', 'users.byId', '--hash', '-'], { stdin: `${own}\n` });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `desk:${sha256(own)}:users.byId\n`, stderr: '' });
  });

  it.each([
    ['no name', ['key'], /Expected a name/],
    ['a name with a colon', ['key', 'de:sk'], /Expected a name/],
    [
      'an unknown procedure',
      ['key', 'desk', 'users.byName'],
      /Expected procedures that a service may be granted: users/,
    ],
    ['a procedure for people', ['key', 'desk', 'session.me'], /Expected procedures/],
    ['a key in the command line', ['key', 'desk', '--hash', 'secret-of-the-desk'], /--hash - and pipe the key in/],
    ['an option of the doctor', ['key', 'desk', '--json'], /no such option/],
    ['its option behind another command', ['doctor', '--hash', '-'], /Only key has the option --hash/],
  ])('refuses %s with exit code 2 and does not repeat it', async (_name, args, message) => {
    const { code, stdout, stderr } = await runCliHere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/secret-of-the-desk|byName|de:sk/);
  });

  it('refuses a piped key that is too short to be one', async () => {
    const { code, stderr } = await runCli(['key', 'desk', '--hash', '-'], { stdin: 'hunter2' });
    expect(code).toBe(2);
    expect(stderr).toContain('Expected a key of 32 to 256 printable ASCII characters');
    expect(stderr).not.toContain('hunter2');
  });
});
