import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { browserOf } from '../../support/app/crowd.ts';
import { johnsCredentials } from '../../support/app/people.ts';
import { apiKey, signingKey, startApp, type TestApp } from '../../support/app/start-app.ts';
import { runCli, runCliHere } from '../../support/processes/run-doctor.ts';
import { programArgs, root } from '../../support/processes/run-process.ts';
import { patientRedisMs } from '../../support/processes/start-replicas.ts';
import { inRedis } from '../../support/redis/in-redis.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

const technicians = { system: 'TTS', role: 'Technician' };
const accountVariables = {
  SERVICE_ACCOUNT_EMAIL: johnsCredentials.email,
  SERVICE_ACCOUNT_PASSWORD: johnsCredentials.password,
};
const required = { DJANGO_JWT_SIGNING_KEY: signingKey, AUTH_API_KEY: apiKey, AUTH_SERVICE_URL: 'http://127.0.0.1:1' };

describe('auth-bff turns', () => {
  it.each([
    ['no command', ['turns'], /Expected turns show or turns reset/],
    ['an unknown command', ['turns', 'list', 'TTS', 'Technician'], /Expected turns show or turns reset/],
    ['a command of an object', ['turns', 'constructor', 'TTS', 'Technician'], /Expected turns show or turns reset/],
    ['no system', ['turns', 'show'], /Expected the short name of a system/],
    ['a bad system', ['turns', 'show', 'T T S', 'Technician'], /Expected the short name of a system/],
    ['no role', ['turns', 'reset', 'TTS'], /Expected the name of a role/],
    ['an empty role', ['turns', 'reset', 'TTS', ' '], /Expected the name of a role/],
    [
      'a role in two arguments',
      ['turns', 'reset', 'TTS', 'Head', 'Nurse'],
      /Put a role with spaces in quotation marks/,
    ],
    ['an option of the doctor', ['turns', 'show', 'TTS', 'Technician', '--json'], /turns has no options/],
    ['a token', ['turns', 'show', 'TTS', 'Technician', '--token', '-'], /turns has no options/],
  ])('refuses %s with exit code 2 and shows the usage', async (_name, args, message) => {
    const { code, stdout, stderr } = await runCliHere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('turns reset <system> <role>');
  });

  it('ends without a stack trace if the reader of its output has closed the pipe', async () => {
    const child = spawn(process.execPath, [...programArgs(['server/src/cli.ts']), '--help'], {
      cwd: root,
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const closed = once(child, 'close');
    const stderr = await text(child.stderr);
    expect([stderr, ...((await closed) as unknown[])]).toEqual(['', 0, null]);
  });

  it('says which variables are missing, with exit code 1', async () => {
    const { code, stdout, stderr } = await runCliHere(['turns', 'show', 'TTS', 'Technician'], {});
    expect([code, stdout]).toEqual([1, '']);
    for (const variable of ['DJANGO_JWT_SIGNING_KEY', 'AUTH_SERVICE_URL', 'AUTH_API_KEY']) {
      expect(stderr).toMatch(new RegExp(`${variable}: is not set; expected`));
    }
  });

  it.each(['show', 'reset'])('%s says that it cannot reach turns in the memory of a process', async (command) => {
    const { code, stdout, stderr } = await runCliHere(['turns', command, 'TTS', 'Technician'], { env: required });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^REDIS_URL is not set\. Without Redis, turns are in the memory of the running process/);
    expect(stderr).toContain('assignments.reset');
  });

  it('says that Redis cannot be reached, with what to do', async () => {
    const env = { ...required, REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, stdout, stderr } = await runCliHere(['turns', 'reset', 'TTS', 'Technician'], { env });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^REDIS_URL Redis is unusable: the connection is refused, .* Start Redis, or correct REDIS_URL\.$/m,
    );
  });
});

/** A BFF with some turns in Redis, and the environment of the command. */
const start = async () => {
  const redis = await startRedis();
  const app = await startApp({ now: Date.now, redisTimeoutMs: patientRedisMs, env: { REDIS_URL: redis.url } });
  const { assignments } = (await browserOf(app, 2)).trpc;
  const envOf = ({ authService }: TestApp) => ({
    ...required,
    AUTH_SERVICE_URL: authService.url,
    REDIS_URL: redis.url,
  });
  return {
    redis,
    app,
    assignments,
    env: envOf(app),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;

describe.skipIf(!hasRedis())('auth-bff turns with Redis', () => {
  it('show prints who is next, who is away, and who gave which turn', async () => {
    await using test = await start();
    const { assignments } = test;
    await assignments.next.mutate({ ...technicians, key: 'T-1' });
    await assignments.reassign.mutate({ ...technicians, key: 'T-1' });
    await assignments.next.mutate(technicians);
    const until = new Date('2099-12-24T08:00:00Z');
    await assignments.setAvailability.mutate({ system: 'TTS', userId: 12, away: true, until, note: 'Zahnarzt' });
    const env = { ...test.env, ...accountVariables };
    const { code, stdout, stderr } = await runCli(['turns', 'show', 'tts', 'technician'], { env });
    expect([code, stderr.split('\n').filter((line) => !line.includes('"audit":"sign_in"'))]).toEqual([0, ['']]);
    const lines = stdout.split('\n');
    expect(lines).toEqual([
      'TTS technician',
      '',
      expect.stringMatching(/^next {2}id {3}name {2,}last turn {2,}turns {2}away$/),
      expect.stringMatching(/^1 {5}23 {3}Daniel Reyes {2,}– {2,}0$/),
      expect.stringMatching(/^2 {5}123 {2}John Doe {2,}– {2,}0$/),
      expect.stringMatching(new RegExp(`^3 {5}5 {4}Kwame Mensah {2,}${time} {2}1$`)),
      expect.stringMatching(new RegExp(`^4 {5}1 {4}Maria Santos {2,}${time} {2}1$`)),
      expect.stringMatching(/^– {5}12 {3}Nguyễn Thị Hà {2,}– {2,}0 {6}until 2099-12-24T08:00:00Z: Zahnarzt$/),
      '',
      'The last turns, newest first:',
      '',
      expect.stringMatching(/^time {2,}kind {2,}key {2}to {2}by$/),
      expect.stringMatching(new RegExp(`^${time} {2}assigned {4}– {4}1 {3}2$`)),
      expect.stringMatching(new RegExp(`^${time} {2}reassigned {2}T-1 {2}5 {3}2$`)),
      expect.stringMatching(new RegExp(`^${time} {2}assigned {4}T-1 {2}1 {3}2$`)),
      '',
    ]);
  });

  it('show prints ids without a service account, and says how to see names', async () => {
    await using test = await start();
    await test.assignments.next.mutate(technicians);
    await test.assignments.next.mutate(technicians);
    const { code, stdout, stderr } = await runCliHere(['turns', 'show', 'TTS', 'Technician'], { env: test.env });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(String.raw`^1 {5}1 {3}– {5}${time} {2}1\n2 {5}5 {3}– {5}${time} {2}1$`, 'm'));
    expect(stderr).toContain('set SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD to those of a staff account');
    expect(test.app.authService.count('login')).toBe(0);
  });

  it('show prints ids if the Auth Service refuses the account or is down, and does not print the password', async () => {
    await using test = await start();
    await test.assignments.next.mutate(technicians);
    const password = 'a-wrong-password-1';
    const refused = { ...test.env, ...accountVariables, SERVICE_ACCOUNT_PASSWORD: password };
    const down = { ...test.env, ...accountVariables, AUTH_SERVICE_URL: 'http://127.0.0.1:1' };
    for (const env of [refused, down]) {
      const { code, stdout, stderr } = await runCliHere(['turns', 'show', 'TTS', 'Technician'], { env });
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^1 {5}1 {3}– {5}${time} {2}1$`, 'm'));
      expect(stderr).toContain('check SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD');
      expect(stderr).not.toContain(password);
    }
  });

  it('show of a rotation without turns says so', async () => {
    await using test = await start();
    const { code, stdout } = await runCliHere(['turns', 'show', 'TTS', 'Technicain'], { env: test.env });
    expect([code, stdout]).toEqual([
      0,
      'TTS Technicain\n\nThe rotation has no people.\n\nThe history has no entries.\n',
    ]);
  });

  it('show keeps control characters of notes and keys from the terminal', async () => {
    await using test = await start();
    await test.assignments.next.mutate({ ...technicians, key: 'T\u001b[2J\u202e\n1' });
    const { stdout } = await runCliHere(['turns', 'show', 'TTS', 'Technician'], { env: test.env });
    expect(stdout).toContain('T [2J  1');
  });

  it('reset forgets the places, keeps the rest, and is an audit line', async () => {
    await using test = await start();
    const { assignments, env } = test;
    await assignments.next.mutate({ ...technicians, key: 'T-1' });
    await assignments.next.mutate(technicians);
    const before = await assignments.history.query(technicians);
    const { code, stdout, stderr } = await runCli(['turns', 'reset', ' tts', 'TECHNICIAN '], { env });
    expect([code, stdout]).toEqual([
      0,
      "Forgot everybody's place in the rotation of TECHNICIAN in TTS. Keys, history and availability are unchanged.\n",
    ]);
    expect(JSON.parse(stderr)).toEqual({
      level: 30,
      time: expect.any(String),
      audit: 'turns_reset',
      system: 'TTS',
      role: 'TECHNICIAN',
      msg: 'audit',
    });
    expect(await assignments.history.query(technicians)).toEqual(before);
    expect(await assignments.next.mutate({ ...technicians, key: 'T-1' })).toMatchObject({ replayed: true });
    expect((await assignments.next.mutate(technicians)).assignee?.id).toBe(1);
  });

  it('reset says that a rotation is unknown, because its name may be misspelt', async () => {
    await using test = await start();
    const { code, stderr } = await runCliHere(['turns', 'reset', 'TTS', 'Technicain'], { env: test.env });
    expect(code).toBe(0);
    expect(stderr).toContain('The history of this rotation has no entries: check the names');
  });

  it('refuses to run with another SEALING_KEY than the running replicas, and changes nothing', async () => {
    await using test = await start();
    await test.assignments.next.mutate(technicians);
    const dump = () => inRedis(test.redis, async (client) => (await client.keys('*rotation*')).toSorted());
    const before = await dump();
    const env = { ...test.env, SEALING_KEY: 'another-sealing-key-of-at-least-32-bytes' };
    const { code, stdout, stderr } = await runCliHere(['turns', 'reset', 'TTS', 'Technician'], { env });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^SEALING_KEY differs from the key of 1 of 1 running replicas/);
    expect(await dump()).toEqual(before);
    // Another prefix is another environment, without turns.
    const other = await runCliHere(['turns', 'show', 'TTS', 'Technician'], {
      env: { ...test.env, REDIS_PREFIX: 'staging:' },
    });
    expect(other.stdout).toContain('The history has no entries.');
  });
});
