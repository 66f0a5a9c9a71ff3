#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { grantableProcedures, isServiceName } from './config/service-keys.ts';
import { isOk, toJson, toText } from './doctor/report.ts';
import { runDoctor } from './doctor/run.ts';
import { readTokenInput } from './doctor/token-input.ts';
import { runTurnsCommand, turnsUsageFault } from './turns-command/turns-command.ts';
import { createServiceKey, isServiceKey, toServiceEntry } from './service-access/new-service-key.ts';

const usage = `Usage: auth-bff <command>

Commands
  start    Starts the service. It is configured by environment variables.
  doctor   Checks the environment against the Auth Service and Redis. Changes nothing, except a
           key in Redis that expires within a minute.
           Exit code 1 if there is a problem, otherwise 0.
  key <name> [procedure …]
           Makes a key for a service that calls without a person, and prints it with the entry for SERVICE_KEYS.
           The key is shown once and stored nowhere: the entry has its hash only.
  turns show <system> <role>
           Prints who is next, the turns, who is away, and the last entries of the history.
  turns reset <system> <role>
           Forgets everybody's place in the rotation. Keys, history and availability stay.
           Both need the environment of the service, with REDIS_URL. show prints names if SERVICE_ACCOUNT_EMAIL and
           SERVICE_ACCOUNT_PASSWORD are set. Exit code 1 if the turns cannot be reached.

Options of doctor
  --token -   Reads an access token from standard input. With it, the doctor also checks the signing key,
              its algorithm, the refresh threshold, the clocks and more endpoints.
  --json      Prints {ok, findings: [{name, level, message, fix}]}.

Options of key
  --hash -    Reads your own key from standard input and prints the entry for SERVICE_KEYS only.
              A key has 32 to 256 printable ASCII characters, without spaces and commas.
`;

const options = {
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
  hash: { type: 'string' },
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

/** The key that was piped in, or a new one. Null: what was piped in is no key. */
const obtainKey = async (isPiped: boolean): Promise<string | null> => {
  if (!isPiped) return createServiceKey();
  const input = await readTokenInput({ stream: process.stdin, deadlineMs: 5_000 });
  return input.state === 'given' && isServiceKey(input.token) ? input.token : null;
};

const key = async (name: string | undefined, procedures: readonly string[], isPiped: boolean): Promise<number> => {
  if (name === undefined || !isServiceName(name)) {
    return failUsage('Expected a name: up to 40 letters, digits, hyphens and underscores, the first a letter.');
  }
  if (!procedures.every((procedure) => grantableProcedures.includes(procedure))) {
    return failUsage(`Expected procedures that a service may be granted: ${grantableProcedures.join(', ')}.`);
  }
  const value = await obtainKey(isPiped);
  if (value === null) {
    return failUsage('Expected a key of 32 to 256 printable ASCII characters, without spaces and commas.');
  }
  const entry = toServiceEntry(name, value, procedures);
  const hint =
    procedures.length > 0 ? '' : `<procedures>: one or more of ${grantableProcedures.join(', ')}, separated by |.\n`;
  process.stdout.write(
    isPiped
      ? `${entry}\n`
      : `Key of ${name}, which it sends as X-API-Key. It is shown only now:\n${value}\n\nEntry for SERVICE_KEYS of the BFF:\n${entry}\n${hint}`,
  );
  return 0;
};

const turns = (args: readonly string[]): number | Promise<number> => {
  const fault = turnsUsageFault(args);
  if (fault !== null) return failUsage(fault);
  return runTurnsCommand({
    args,
    env: process.env,
    write: (text) => void process.stdout.write(text),
    writeNotice: (text) => void process.stderr.write(text),
  });
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
  const { hash } = values;
  if (command === 'key') {
    if (values.json || values.token !== undefined) return failUsage('key has no such option.');
    const [name, ...procedures] = rest;
    return hash === undefined || hash === '-'
      ? key(name, procedures, hash !== undefined)
      : failUsage('Other users can read command lines. Use --hash - and pipe the key in.');
  }
  if (hash !== undefined) return failUsage('Only key has the option --hash.');
  if (command === 'turns') {
    return values.json || values.token !== undefined ? failUsage('turns has no options.') : turns(rest);
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

/** A reader such as `head` closes the pipe when it has enough. That is no failure of the command. */
const ignoreClosedPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};

const args = process.argv.slice(2);
if (args[0] !== 'start') {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount('error') === 0) stream.on('error', ignoreClosedPipe);
  }
}
const code = await run(args);
if (code !== null) process.exitCode = code;
