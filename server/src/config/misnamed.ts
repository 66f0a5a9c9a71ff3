export type Misnamed = {
  /** An unknown variable that is set. */
  name: string;
  /** The known variable that it resembles. */
  meant: string;
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

/** The most similar known variable. Null if none is similar. */
const mostSimilar = (name: string, ours: readonly string[]): string | null => {
  const letters = toLetters(name);
  const [nearest] = ours
    .map((our) => ({ our, errors: countTypingErrors(letters, toLetters(our)) }))
    .filter(({ our, errors }) => errors <= toleratedErrors(toLetters(our).length))
    .toSorted((left, right) => left.errors - right.errors);
  return nearest?.our ?? null;
};

/**
 * Unknown variables whose names resemble ours: misspelt names, and aliases. An alias may belong to another program, so it
 * is reported only while our variable is unset.
 */
export const findMisnamed = (env: Record<string, string | undefined>, ours: readonly string[]): Misnamed[] => {
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  const known = new Set(ours);
  return Object.keys(env)
    .filter((name) => isSet(name) && isLoggable(name) && !known.has(name) && !setByKubernetes.test(name))
    .flatMap((name) => {
      const aliased = aliases[name];
      if (aliased !== undefined) return isSet(aliased) ? [] : [{ name, meant: aliased }];
      const meant = mostSimilar(name, ours);
      return meant === null ? [] : [{ name, meant }];
    });
};
