import type { RequestMeta } from '../auth-service/transport.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject } from './principal.ts';
import type { VerifiedToken, Verifier } from './verified-token.ts';

/** A presented token and what it says, once it is verified. */
export type ChosenToken = { token: string; verified: VerifiedToken };

/** The most values of one cookie. A browser sends one for the host, and one for each parent domain and path. */
export const maxValuesPerCookie = 8;

/** The request carries tokens of several people: the server cannot tell which of them belongs to the person at the browser. */
export class ConflictingTokensError extends AppError {}

/** Refuses tokens of more than one person. Throws `token_invalid`. */
export const requireOnePerson = (tokens: readonly ChosenToken[], { endsSession }: { endsSession: boolean }): void => {
  const [first, ...others] = tokens;
  if (first === undefined) return;
  if (others.every(({ verified }) => isSameSubject(verified.principal, first.verified.principal))) return;
  throw new ConflictingTokensError('token_invalid', {
    message: 'The request carries sessions of different people in cookies of the same name: sign in again.',
    endsSession,
  });
};

/** Newest `iat` first, then the one that lives longest. */
export const newestFirst = ({ verified: a }: ChosenToken, { verified: b }: ChosenToken): number =>
  (b.issuedAtMs ?? 0) - (a.issuedAtMs ?? 0) || b.expiresAtMs - a.expiresAtMs;

/**
 * Refuses more values of one cookie than a browser sends. Looking at some of them alone would let a planted one hide the
 * person's own. Throws `token_invalid`.
 */
export const requireFewValues = (tokens: readonly string[], { endsSession }: { endsSession: boolean }): void => {
  if (tokens.length <= maxValuesPerCookie) return;
  throw new AppError('token_invalid', {
    message: `The request carries more than ${maxValuesPerCookie} cookies of the same name: sign in again.`,
    endsSession,
  });
};

const noneHolds = () => new AppError('token_invalid', { message: 'None of the access tokens presented is valid.' });

/**
 * The newest token that has not expired. Expired ones count when it is decided whose session it is: otherwise a session
 * that somebody planted for a parent domain would take over as soon as the person's own token expires.
 */
const choose = (tokens: readonly ChosenToken[], nowMs: number): ChosenToken => {
  if (tokens.length === 0) throw noneHolds();
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
 * Finds the access token that a request speaks with, where a cookie may have come more than once. Values that do not
 * verify are ignored; the others must all name one person.
 */
export const createTokenChooser = ({ verifier, now }: TokenChooserOptions) => {
  /** Null: it does not verify. An outage of the Auth Service is thrown. */
  const verified = async (token: string, cause: RequestMeta): Promise<ChosenToken | null> => {
    try {
      const read = await verifier.verifyAtAnyAge(token);
      // An expired token gives no access, and the Auth Service would not vouch for it.
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
    /** The token of the request, or why there is none. Null: only the Auth Service can tell. Needs no I/O. */
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

    /** Throws `token_invalid`, `token_expired`; with remote validation also an outage. */
    async find(tokens: readonly string[], cause: RequestMeta): Promise<ChosenToken> {
      const [token, ...others] = tokens;
      requireFewValues(tokens, { endsSession: false });
      if (token !== undefined && others.length === 0) {
        return { token, verified: await verifier.verify(token, cause) };
      }
      const found = await Promise.all(tokens.map((one) => verified(one, cause)));
      return choose(
        found.filter((one) => one !== null),
        now(),
      );
    },
  };
};

export type TokenChooser = ReturnType<typeof createTokenChooser>;
