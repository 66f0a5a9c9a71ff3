import type { Variable } from './environment.ts';
import { textOf } from './parse.ts';
import { readSecretFile, SecretFileError } from './read-secret-file.ts';

type Env = Record<string, string | undefined>;

/** Variables whose value may come from a file instead: `SEALING_KEY_FILE` is the path of the file. */
export const secretVariables = [
  'DJANGO_JWT_SIGNING_KEY',
  'DJANGO_JWT_SIGNING_KEY_PREVIOUS',
  'AUTH_API_KEY',
  'SEALING_KEY',
  'ASSERTION_KEY',
  'ASSERTION_KEY_PREVIOUS',
  'REDIS_URL',
  'REDIS_SENTINEL_PASSWORD',
  'SERVICE_KEYS',
  'SERVICE_ACCOUNT_PASSWORD',
] as const satisfies readonly Variable[];

export const fileVariableOf = <Name extends string>(variable: Name): `${Name}_FILE` => `${variable}_FILE`;

/** Names of all variables that are paths of files. */
export const fileVariables: readonly string[] = secretVariables.map(fileVariableOf);

/** Whether a variable is set, directly or by its file. */
export const isGiven = (env: Env, variable: string): boolean =>
  textOf(env, variable) !== undefined ||
  (fileVariables.includes(fileVariableOf(variable)) && textOf(env, fileVariableOf(variable)) !== undefined);

/** A secret that was put into the variable of its path must not be repeated. */
const toPathText = (path: string): string =>
  /^(\/|\.\.?\/)[\w./~@:, -]*$/.test(path) ? path : 'a path that is not shown, because it may be the secret itself';

export type SecretFiles = {
  /** The environment with the secrets in place. The variable of a path remains only if its file is faulty. */
  env: Env;
  /** By the variable of the secret. A fault is a clause with the path, but without the content. */
  faults: Array<{ variable: Variable; fault: string }>;
  /** Variables whose values are from files. */
  fromFiles: ReadonlySet<string>;
};

/**
 * Reads the files of `NAME_FILE` variables, once. One trailing line break is removed, because editors and `echo` add it.
 * `readFile` throws `SecretFileError`.
 */
export const readSecretFiles = (env: Env, readFile: (path: string) => string = readSecretFile): SecretFiles => {
  const resolved = { ...env };
  const faults: SecretFiles['faults'] = [];
  const fromFiles = new Set<string>();
  for (const variable of secretVariables) {
    const name = fileVariableOf(variable);
    const path = textOf(env, name)?.trim();
    if (path === undefined) continue;
    if (textOf(env, variable) !== undefined) {
      faults.push({ variable, fault: `is set, and so is ${name}; expected one of them` });
      continue;
    }
    try {
      const text = readFile(path).replace(/\r?\n$/, '');
      if (text.trim() === '') throw new SecretFileError('is empty');
      resolved[variable] = text;
      delete resolved[name];
      fromFiles.add(variable);
    } catch (error) {
      if (!(error instanceof SecretFileError)) throw error;
      faults.push({ variable, fault: `${name} is ${toPathText(path)}: the file ${error.message}` });
    }
  }
  return { env: resolved, faults, fromFiles };
};
