import { roleNameFault, systemNameFault, toAsciiUpperCase } from '@auth-bff/shared';
import { toRotation } from '../assignment/assignment-store.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { isAppError } from '../errors.ts';
import { createAudit } from '../platform/audit.ts';
import { toNetwork } from '../platform/ip-address.ts';
import { createKeyHasher } from '../platform/key-hasher.ts';
import { createLog, type Log } from '../platform/log.ts';
import { openPeople } from './open-people.ts';
import { openStore } from './open-store.ts';
import { showTurns } from './show-turns.ts';
import { TurnsCommandError } from './turns-command-error.ts';

export type TurnsCommandOptions = {
  config: Config;
  log: Log;
  system: string;
  role: string;
  write: (text: string) => void;
  /** Notices, beside the output. */
  writeNotice: (text: string) => void;
};

const show = async ({ config, log, system, role, write, writeNotice }: TurnsCommandOptions): Promise<void> => {
  const store = await openStore({ config, log });
  const people = openPeople({ config, log });
  try {
    const { text, notice } = await showTurns({ system, role, store, people });
    write(text);
    if (notice !== null) writeNotice(`\n${notice}\n`);
  } finally {
    store.close();
    await people?.close();
  }
};

const reset = async ({ config, log, system, role, write, writeNotice }: TurnsCommandOptions): Promise<void> => {
  const store = await openStore({ config, log });
  try {
    const rotation = toRotation({ system, role });
    const isUnknown = (await store.history(rotation, 1)).length === 0;
    await store.reset(rotation);
    const audit = createAudit({
      log,
      keyHasher: createKeyHasher(config),
      networkOf: toNetwork,
      monotonicNow: () => performance.now(),
    });
    audit.write({ audit: 'turns_reset', person: null, service: null, system, role }, {});
    write(
      `Forgot everybody's place in the rotation of ${role} in ${system}. Keys, history and availability are unchanged.\n`,
    );
    if (isUnknown) writeNotice('The history of this rotation has no entries: check the names if you expected turns.\n');
  } finally {
    store.close();
  }
};

const commands: ReadonlyMap<string, (options: TurnsCommandOptions) => Promise<void>> = new Map([
  ['show', show],
  ['reset', reset],
]);

/** What is wrong with the arguments of `auth-bff turns`. Null: nothing. They are not repeated. */
export const turnsUsageFault = ([command = '', system, role, ...rest]: readonly string[]): string | null => {
  if (!commands.has(command)) return 'Expected turns show or turns reset.';
  if (rest.length > 0) return 'Expected a system and a role. Put a role with spaces in quotation marks.';
  return systemNameFault(system) ?? roleNameFault(role);
};

export type RunTurnsCommandOptions = Pick<TurnsCommandOptions, 'write' | 'writeNotice'> & {
  /** Without a fault. */
  args: readonly string[];
  env: Record<string, string | undefined>;
};

/** The message for the operator. Null: the error is a bug. */
const messageOf = (error: unknown): string | null => {
  if (error instanceof ConfigError || error instanceof TurnsCommandError) return error.message;
  return isAppError(error, 'store_unavailable')
    ? 'Redis did not answer, or rejected a command. Run auth-bff doctor with this environment.'
    : null;
};

/** Runs `auth-bff turns` and returns its exit code. */
export const runTurnsCommand = async ({ args, env, write, writeNotice }: RunTurnsCommandOptions): Promise<number> => {
  const [command = '', system = '', role = ''] = args;
  try {
    const config = loadConfig(env);
    // Audit lines only: the command has messages of its own.
    const log = createLog({ ...config, logLevel: 'fatal', destination: { write: writeNotice } });
    const names = { system: toAsciiUpperCase(system.trim()), role: role.trim() };
    await commands.get(command)?.({ config, log, ...names, write, writeNotice });
    return 0;
  } catch (error) {
    const message = messageOf(error);
    if (message === null) throw error;
    writeNotice(`${message}\n`);
    return 1;
  }
};
