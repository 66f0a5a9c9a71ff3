#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { isOk, toJson, toText } from './doctor/report.ts';
import { runDoctor } from './doctor/run.ts';
import { readTokenInput } from './doctor/token-input.ts';

const usage = `Usage: auth-bff <command>

Commands
  start    Starts the service. It is configured by environment variables.
  doctor   Checks the environment against the Auth Service and Redis. Changes nothing.
           Exit code 1 if there is a problem, otherwise 0.

Options of doctor
  --token -   Reads an access token from standard input. With it, the doctor also checks the signing key,
              its algorithm, the refresh threshold, the clocks and more endpoints.
  --json      Prints {ok, findings: [{name, level, message, fix}]}.
`;

const options = {
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Exit code 2. Arguments are not repeated, because one may be a token. */
const failUsage = (message: string): number => {
  process.stderr.write(`${message}\n\n${usage}`);
  return 2;
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch {
    return null;
  }
};

const doctor = async ({ token, json }: { token?: string | undefined; json: boolean }): Promise<number> => {
  const tokenInput =
    token === undefined
      ? ({ state: 'none' } as const)
      : await readTokenInput({ stream: process.stdin, deadlineMs: 5_000 });
  const findings = await runDoctor({ env: process.env, tokenInput, now: Date.now });
  process.stdout.write(json ? toJson(findings) : toText(findings));
  return isOk(findings) ? 0 : 1;
};

/** The exit code. Null if the service was started. */
const run = async (args: readonly string[]): Promise<number | null> => {
  const parsed = parse(args);
  if (parsed === null) return failUsage('Unknown option, or an option without its value.');
  const { values, positionals } = parsed;
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  if (rest.length > 0) return failUsage('Expected one command, followed by options only.');
  if (command === 'doctor') {
    return values.token === undefined || values.token === '-'
      ? doctor(values)
      : failUsage('Other users can read command lines. Use --token - and pipe the token in.');
  }
  if (command !== 'start') return failUsage('Unknown command.');
  if (values.json || values.token !== undefined) {
    return failUsage('start has no options. Configure it by environment variables.');
  }
  await import('./main.ts');
  return null;
};

const code = await run(process.argv.slice(2));
if (code !== null) process.exitCode = code;
