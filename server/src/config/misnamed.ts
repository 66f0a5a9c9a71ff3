export type Misnamed = {
  /** The variable that is set, and that nothing reads. */
  name: string;
  /** The variable that is probably meant. */
  meant: string;
};

/** Names that our variables have elsewhere, such as in the guide's Express example. */
const otherNames: Readonly<Record<string, string>> = {
  JWT_SIGNING_KEY: 'DJANGO_JWT_SIGNING_KEY',
  API_KEY: 'AUTH_API_KEY',
  CORS_ALLOWED_ORIGINS: 'CORS_ORIGINS',
};

/** Set by Kubernetes for each service of a namespace: AUTH_SERVICE_PORT, OP_PORT, REDIS_PORT_6379_TCP_ADDR. */
const setByKubernetes = /_SERVICE_(HOST|PORT)|_PORT(_|$)/;

/** A name that a log can repeat. */
const isPlain = (name: string) => /^[A-Za-z_][\w.-]{0,63}$/.test(name);

const toLetters = (name: string) => name.toUpperCase().replaceAll(/[^A-Z\d]/g, '');

/** How many typing errors still make a name resemble ours. Names under seven letters resemble too much: HOST, POST. */
const toleratedErrors = (letters: number): number => {
  if (letters < 7) return -1;
  if (letters < 14) return 1;
  return letters < 18 ? 2 : 3;
};

/** Typing errors between two texts: letters left out, added, replaced or swapped with their neighbour (optimal string alignment). */
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

/** The variable of ours that a name resembles most. Null: it resembles none. */
const resembled = (name: string, ours: readonly string[]): string | null => {
  const letters = toLetters(name);
  const [nearest] = ours
    .map((our) => ({ our, errors: countTypingErrors(letters, toLetters(our)) }))
    .filter(({ our, errors }) => errors <= toleratedErrors(toLetters(our).length))
    .toSorted((left, right) => left.errors - right.errors);
  return nearest?.our ?? null;
};

/**
 * Variables that are set and that nothing reads, though their names come close to ours: misspelt, or the name that
 * ours has elsewhere. The latter may belong to another program, and count only while ours is not set.
 */
export const findMisnamed = (env: Record<string, string | undefined>, ours: readonly string[]): Misnamed[] => {
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  const known = new Set(ours);
  return Object.keys(env)
    .filter((name) => isSet(name) && isPlain(name) && !known.has(name) && !setByKubernetes.test(name))
    .flatMap((name) => {
      const elsewhere = otherNames[name];
      if (elsewhere !== undefined) return isSet(elsewhere) ? [] : [{ name, meant: elsewhere }];
      const meant = resembled(name, ours);
      return meant === null ? [] : [{ name, meant }];
    });
};
