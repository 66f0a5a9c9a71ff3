import type { RequestMeta } from '../auth-service/caller.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject } from './principal.ts';
import type { VerifiedToken, Verifier } from './verified-token.ts';

/** A presented token that was verified. */
export type ChosenToken = { token: string; verified: VerifiedToken };

/** The most values of one cookie name. A browser sends one for the host, and one for each parent domain and path. */
export const maxValuesPerCookie = 8;

/** The request presents tokens of several people, and the BFF cannot determine which of them belongs to the person at the browser. */
export class ConflictingTokensError extends AppError {}

/** Throws `token_invalid` if the tokens belong to more than one person. */
export const requireOnePerson = (tokens: readonly ChosenToken[], { endsSession }: { endsSession: boolean }): void => {
  const [first, ...others] = tokens;
  if (first === undefined) return;
  if (others.every(({ verified }) => isSameSubject(verified.principal, first.verified.principal))) return;
  throw new ConflictingTokensError('token_invalid', {
    message: 'The request carries sessions of different people in cookies of the same name: sign in again.',
    endsSession,
  });
};

/** Sorts by `iat`, newest first, then by `exp`, latest first. */
export const newestFirst = ({ verified: a }: ChosenToken, { verified: b }: ChosenToken): number =>
  (b.issuedAtMs ?? 0) - (a.issuedAtMs ?? 0) || b.expiresAtMs - a.expiresAtMs;

/**
 * Throws `token_invalid` if a cookie has more values than a browser sends. Reading only the first values would let planted
 * ones hide the person's own.
 */
export const requireFewValues = (tokens: readonly string[], { endsSession }: { endsSession: boolean }): void => {
  if (tokens.length <= maxValuesPerCookie) return;
  throw new AppError('token_invalid', {
    message: `The request carries more than ${maxValuesPerCookie} cookies of the same name: sign in again.`,
    endsSession,
  });
};

const noneValid = () => new AppError('token_invalid', { message: 'None of the access tokens presented is valid.' });

/**
 * The newest token that has not expired. All tokens must belong to one person, including expired ones: otherwise a session
 * that an attacker planted on a parent domain would take effect as soon as the person's own token expires.
 */
const choose = (tokens: readonly ChosenToken[], nowMs: number): ChosenToken => {
  if (tokens.length === 0) throw noneValid();
  requireOnePerson(tokens, { endsSession: false });
  const [newest] = tokens.filter(({ verified }) => verified.expiresAtMs > nowMs).toSorted(newestFirst);
  if (newest === undefined) throw new AppError('token_expired');
  return newest;
};

export type TokenChooserOptions = {
  verifier: Pick<Verifier, 'verify' | 'verifyHere' | 'verifyHereAtAnyAge' | 'verifyAtAnyAge'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/**
 * Chooses the access token of a request, which may present several cookies of the same name. Ignores values that do not
 * verify. The others must all belong to one person.
 */
export const createTokenChooser = ({ verifier, now }: TokenChooserOptions) => {
  /** Null: the token does not verify. Throws during an outage of the Auth Service. */
  const verified = async (token: string, cause: RequestMeta): Promise<ChosenToken | null> => {
    try {
      const read = await verifier.verifyAtAnyAge(token);
      // An expired token grants no access, and the Auth Service would reject it.
      return { token, verified: read.expiresAtMs <= now() ? read : await verifier.verify(token, cause) };
    } catch (error) {
      if (isAppError(error, 'token_invalid', 'token_expired')) return null;
      throw error;
    }
  };

  const chooseHere = (tokens: readonly string[]): ChosenToken | null => {
    requireFewValues(tokens, { endsSession: false });
    const found: ChosenToken[] = [];
    for (const token of tokens) {
      const read = verifier.verifyHereAtAnyAge(token);
      if (read === null) return null;
      if (!(read instanceof AppError)) found.push({ token, verified: read });
    }
    return choose(found, now());
  };

  return {
    /** The token of the request, or the error of choosing it. Null: only the Auth Service can tell. Needs no I/O. */
    here(tokens: readonly string[]): ChosenToken | AppError | null {
      const [token, ...others] = tokens;
      if (token !== undefined && others.length === 0) {
        const read = verifier.verifyHere(token);
        return read === null || read instanceof AppError ? read : { token, verified: read };
      }
      try {
        return chooseHere(tokens);
      } catch (error) {
        if (isAppError(error)) return error;
        throw error;
      }
    },

    /** Throws `token_invalid` and `token_expired`; with remote validation also during an outage. */
    async find(tokens: readonly string[], cause: RequestMeta): Promise<ChosenToken> {
      const [token, ...others] = tokens;
      requireFewValues(tokens, { endsSession: false });
      if (token !== undefined && others.length === 0) {
        return { token, verified: await verifier.verify(token, cause) };
      }
      const found = await Promise.all(tokens.map((value) => verified(value, cause)));
      return choose(
        found.filter((candidate) => candidate !== null),
        now(),
      );
    },
  };
};

export type TokenChooser = ReturnType<typeof createTokenChooser>;
