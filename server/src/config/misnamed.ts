import { textOf } from './parse.ts';
import { fileVariables, isGiven } from './secret-files.ts';

export type Misnamed = {
  /** An unknown variable that is set. */
  name: string;
  /** The known variable that it resembles. */
  meant: string;
  /** The name is that of a known variable with `_FILE`, but the variable is no secret, and no file is read for it. */
  isFileOfNoSecret: boolean;
};

/** Names of our variables in other programs, such as the guide's Express example. */
const aliases: Readonly<Record<string, string>> = {
  JWT_SIGNING_KEY: 'DJANGO_JWT_SIGNING_KEY',
  API_KEY: 'AUTH_API_KEY',
  CORS_ALLOWED_ORIGINS: 'CORS_ORIGINS',
};

/** Kubernetes sets these for each service of a namespace: AUTH_SERVICE_PORT, REDIS_PORT_6379_TCP_ADDR. */
const setByKubernetes = /_SERVICE_(HOST|PORT)|_PORT(_|$)/;

/** Safe to repeat in a log. */
const isLoggable = (name: string) => /^[A-Za-z_][\w.-]{0,63}$/.test(name);

const toLetters = (name: string) => name.toUpperCase().replaceAll(/[^A-Z\d]/g, '');

/** Tolerated typing errors. Names under seven letters are excluded: HOST resembles POST. */
const toleratedErrors = (letters: number): number => {
  if (letters < 7) return -1;
  if (letters < 14) return 1;
  return letters < 18 ? 2 : 3;
};

/** Optimal string alignment distance: omitted, added, replaced and swapped letters. */
export const countTypingErrors = (one: string, other: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped = row > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] ?? 0;
};

/** `AUTH_SERVICE_URL` for `AUTH_SERVICE_URL_FILE`. Null: the name is no known variable with `_FILE`. */
const withoutFile = (name: string, ours: readonly string[]): string | null => {
  const base = /^(.+)_FILE$/.exec(name)?.[1];
  return base !== undefined && ours.includes(base) && toleratedErrors(toLetters(base).length) > 0 ? base : null;
};

/** `SEALING_KEY` for `SEALING_KEY_FILE`, and other names unchanged. */
export const toSecret = (name: string): string =>
  fileVariables.includes(name) ? name.slice(0, -'_FILE'.length) : name;

/** An alias, also with `_FILE` where it means a secret. */
const aliasOf = (name: string): string | undefined => {
  const [, base = name, suffix = ''] = /^(.+)(_FILE)$/.exec(name) ?? [];
  const meant = aliases[base];
  if (meant === undefined || suffix === '') return meant;
  return fileVariables.includes(`${meant}${suffix}`) ? `${meant}${suffix}` : undefined;
};

/** A known variable, and the letters of its name. */
type Known = { name: string; letters: string };

/** The most similar known variable. Null if none is similar. */
const mostSimilar = (name: string, known: readonly Known[]): string | null => {
  const letters = toLetters(name);
  const [nearest] = known
    // Each letter too many or too few is an error. This excludes most names, and counting errors is slow.
    .filter((other) => Math.abs(other.letters.length - letters.length) <= toleratedErrors(other.letters.length))
    .map((other) => ({ other, errors: countTypingErrors(letters, other.letters) }))
    .filter(({ other, errors }) => errors <= toleratedErrors(other.letters.length))
    .toSorted((left, right) => left.errors - right.errors);
  return nearest?.other.name ?? null;
};

/**
 * Unknown variables whose names resemble ours: misspelt names, and aliases. An alias may belong to another program, so it
 * is reported only while our variable is unset. The names of secrets with `_FILE` are ours, too.
 */
export const findMisnamed = (env: Record<string, string | undefined>, variables: readonly string[]): Misnamed[] => {
  const isSet = (name: string) => textOf(env, name) !== undefined;
  const ours = [...variables, ...fileVariables];
  const names = new Set(ours);
  const known = ours.map((name) => ({ name, letters: toLetters(name) }));
  return Object.keys(env)
    .filter((name) => isSet(name) && isLoggable(name) && !names.has(name) && !setByKubernetes.test(name))
    .flatMap((name): Misnamed[] => {
      const base = withoutFile(name, variables);
      if (base !== null) return [{ name, meant: base, isFileOfNoSecret: true }];
      const aliased = aliasOf(name);
      const meant = aliased ?? mostSimilar(name, known);
      if (meant === null || (aliased !== undefined && isGiven(env, toSecret(aliased)))) return [];
      return [{ name, meant, isFileOfNoSecret: false }];
    });
};
