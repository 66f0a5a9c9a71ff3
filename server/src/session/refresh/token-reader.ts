import { AppError, isAppError } from '../../errors.ts';
import { type ChosenToken, newestFirst, requireFewValues, requireOnePerson } from '../../token/token-chooser.ts';
import { NotYetValidError } from '../../token/claim-rules.ts';
import { isSameSubject, type Subject } from '../../token/principal.ts';
import { fingerprintOf, type Verifier } from '../../token/verified-token.ts';
import type { Exchanges } from './exchange-cache.ts';

/** The session is over, and its cookies are of no more use. */
export const ended = (cause: unknown): AppError => new AppError('session_ended', { cause, endsSession: true });

export type TokenReaderOptions = {
  verifier: Pick<Verifier, 'verifyRefreshAtAnyAge' | 'verifyAtAnyAge'>;
  exchanges: Pick<Exchanges, 'wasExchanged'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Reads the tokens that a refresh was presented, of which each cookie may have come several times. */
export const createTokenReader = ({ verifier, exchanges, now }: TokenReaderOptions) => {
  /** Reads a refresh token, whatever its age. */
  const readOld = async (token: string): Promise<ChosenToken | AppError> => {
    try {
      return { token, verified: await verifier.verifyRefreshAtAnyAge(token) };
    } catch (error) {
      if (isAppError(error)) return error;
      throw error;
    }
  };

  /**
   * The refresh tokens to try, newest first. Values that do not verify are ignored. Throws where none is left: such
   * tokens are of no more use, unless one is an old one of a session that goes on. One that was exchanged before it
   * expired may still have a result.
   */
  const refreshTokens = async (tokens: readonly string[]): Promise<ChosenToken[]> => {
    requireFewValues(tokens, { endsSession: true });
    const read = await Promise.all(tokens.map(readOld));
    const known = read.filter((one): one is ChosenToken => !(one instanceof AppError));
    requireOnePerson(known, { endsSession: true });
    const alive = known.filter(({ verified }) => verified.expiresAtMs > now()).toSorted(newestFirst);
    if (alive.length > 0) return alive;
    for (const token of tokens) {
      if (!(await exchanges.wasExchanged(fingerprintOf(token)))) continue;
      const old = known.find((one) => one.token === token);
      if (old !== undefined) return [old];
      throw new AppError('refresh_superseded');
    }
    if (known.length > 0) throw ended('the refresh token has expired');
    const error = read.find((one) => one instanceof AppError);
    // A clock that is wrong says nothing for good.
    throw new AppError('token_invalid', { cause: error, endsSession: !(error instanceof NotYetValidError) });
  };

  /** The access token that goes with a refresh token: of the same person, the newest. Others are not sent on. */
  const accessTokenFor = async (tokens: readonly string[], subject: Subject): Promise<ChosenToken | null> => {
    requireFewValues(tokens, { endsSession: true });
    const read = await Promise.all(
      tokens.map(async (token) => {
        const verified = await verifier.verifyAtAnyAge(token).catch(() => null);
        return verified === null ? null : { token, verified };
      }),
    );
    const known = read.filter((one) => one !== null);
    if (known.some(({ verified }) => !isSameSubject(verified.principal, subject))) {
      throw ended('the access token and the refresh token are of different people');
    }
    return known.toSorted(newestFirst)[0] ?? null;
  };

  return { refreshTokens, accessTokenFor };
};
