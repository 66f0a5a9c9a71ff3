#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { examine } from './doctor/run.ts';
import { isWell, toJson, toText } from './doctor/report.ts';
import { readTokenInput } from './doctor/token-input.ts';

const usage = `Usage: auth-bff <command>

  start    serves, as the environment says
  doctor   checks the environment against the Auth Service and Redis, and changes nothing;
           ends with 1 where something does not work, with 0 otherwise

Options of doctor
  --token -   reads an access token from standard input, which shows whether the signing key,
              its algorithm, the refresh threshold and the clocks are right, and which paths are there
  --json      prints {well, findings: [{name, level, says, todo}]}
`;

const options = {
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What was typed is not repeated: it may be a token. */
const misuse = (what: string): number => {
  process.stderr.write(`${what}\n\n${usage}`);
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
  const findings = await examine({ env: process.env, tokenInput, now: Date.now });
  process.stdout.write(json ? toJson(findings) : toText(findings));
  return isWell(findings) ? 0 : 1;
};

/** The exit code; null where the command goes on. */
const run = async (args: readonly string[]): Promise<number | null> => {
  const parsed = parse(args);
  if (parsed === null) return misuse('There is no such option, or it needs a value.');
  const { values, positionals } = parsed;
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  if (rest.length > 0) return misuse('One command at a time, and nothing behind it but its options.');
  if (command === 'doctor') {
    return values.token === undefined || values.token === '-'
      ? doctor(values)
      : misuse('A token on a command line is for everybody to read: give --token - and pipe it in.');
  }
  if (command !== 'start') return misuse('There is no such command.');
  if (values.json || values.token !== undefined) return misuse('start has no options: it goes by the environment.');
  await import('./main.ts');
  return null;
};

const code = await run(process.argv.slice(2));
if (code !== null) process.exitCode = code;
