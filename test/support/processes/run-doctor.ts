import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import {
  runDoctor as runDoctorInProcess,
  type RunDoctorOptions as InProcessOptions,
} from '../../../server/src/doctor/run.ts';
import type { Finding } from '../../../server/src/doctor/finding.ts';
import { isOk, toText } from '../../../server/src/doctor/report.ts';
import { readTokenInput } from '../../../server/src/doctor/token-input.ts';
import { capture } from '../output/captured.ts';
import { programArgs, root, scriptArgs } from './run-process.ts';
import { apiKey, signingKey } from '../app/start-app.ts';

export type RunDoctorOptions = {
  env: Record<string, string>;
  /** The token, passed on standard input with `--token -`. Default: neither. */
  token?: string;
  args?: string[];
  /** Default: the bundle or the source. */
  command?: Command;
};

export type DoctorRun = {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The line that begins with this mark and this name. Throws where there is none. */
  line: (mark: '✓' | '!' | '✗', name: string) => string;
};

/** A complete environment for this Auth Service, with which all checks of the doctor pass. */
export const wellEnvironment = (authServiceUrl: string, more: Record<string, string> = {}) => ({
  AUTH_SERVICE_URL: authServiceUrl,
  DJANGO_JWT_SIGNING_KEY: signingKey,
  AUTH_API_KEY: apiKey,
  CORS_ORIGINS: new URL(authServiceUrl).origin,
  ...more,
});

const toRun = (run: Omit<DoctorRun, 'line'>): DoctorRun => ({
  ...run,
  line(mark, name) {
    const found = run.stdout.split('\n').find((line) => line.startsWith(`${mark} ${name} `));
    if (found === undefined) throw new Error(`No line begins with ${mark} ${name}:\n${run.stdout}${run.stderr}`);
    return found;
  },
});

/** A program, with the arguments that come before those of the command, and where it is run. */
export type Command = { program: string; before: string[]; cwd: string };

/** As `npm run doctor` runs it. */
export const doctorScript = (): Command => {
  const before = scriptArgs('doctor');
  if (before.pop() !== 'doctor') throw new Error('The script doctor does not end with its command.');
  return { program: process.execPath, before, cwd: root };
};

const fromBundle = (): Command => ({
  program: process.execPath,
  before: programArgs(['server/src/cli.ts']),
  cwd: root,
});

export type RunCliOptions = { env?: Record<string, string>; stdin?: string; command?: Command | undefined };

/** Runs the command to its end, by default the bundle or the source. */
export const runCli = async (args: string[], options: RunCliOptions = {}): Promise<DoctorRun> => {
  const { env = {}, stdin = '', command = fromBundle() } = options;
  const child = spawn(command.program, [...command.before, ...args], {
    cwd: command.cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A command that is done before it has read everything closes the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  capture('answer', `${stdout}${stderr}`);
  return toRun({ code, stdout, stderr });
};

let runsHere = 0;

/** Runs the command in this process, with only the given environment. A child process costs a hundred times as much CPU. */
export const runCliHere = async (args: string[], { env = {} }: Pick<RunCliOptions, 'env'> = {}): Promise<DoctorRun> => {
  const { argv, env: ownEnv, exitCode } = process;
  const output = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += String(chunk);
      return true;
    }),
  );
  process.argv = [...argv.slice(0, 2), ...args];
  process.env = env;
  process.exitCode = undefined;
  runsHere += 1;
  try {
    // Each query is another module, so the command runs again. The import ends with the command.
    const cli = `../../../server/src/cli.ts?run=${runsHere}`;
    await import(/* @vite-ignore */ cli);
    const code = typeof process.exitCode === 'number' ? process.exitCode : null;
    capture('answer', `${output.stdout}${output.stderr}`);
    return toRun({ code, ...output });
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.argv = argv;
    process.env = ownEnv;
    process.exitCode = exitCode;
  }
};

/** Runs `auth-bff doctor` in a child process. */
export const runDoctor = ({ env, token, args = [], command }: RunDoctorOptions): Promise<DoctorRun> =>
  runCli(['doctor', ...(token === undefined ? [] : ['--token', '-']), ...args], {
    env,
    stdin: token ?? '',
    command,
  });

/**
 * The same in this process, for what there is no need to start one: as fast as the Auth Service answers. `deadlineMs` is
 * by default longer than any machine takes.
 */
export const runDoctorHere = async ({
  env,
  token,
  deadlineMs = 60_000,
  createDeadline,
}: Pick<RunDoctorOptions, 'env' | 'token'> &
  Pick<InProcessOptions, 'deadlineMs' | 'createDeadline'>): Promise<DoctorRun> => {
  const tokenInput =
    token === undefined
      ? ({ state: 'none' } as const)
      : await readTokenInput({ stream: Readable.from([token]), deadlineMs: 60_000 });
  const findings = await runDoctorInProcess({
    env,
    tokenInput,
    now: Date.now,
    deadlineMs,
    ...(createDeadline === undefined ? {} : { createDeadline }),
  });
  const stdout = toText(findings);
  capture('answer', stdout);
  return toRun({ code: isOk(findings) ? 0 : 1, stdout, stderr: '' });
};

/** The output of `--json`. */
export type DoctorJson = { ok: boolean; findings: Finding[] };
