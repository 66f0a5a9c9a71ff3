import { AppError, isAppError } from '../../errors.ts';
import { NotYetValidError } from '../../token/claim-rules.ts';
import { isSameSubject, type Subject } from '../../token/principal.ts';
import { type ChosenToken, newestFirst, requireFewValues, requireOnePerson } from '../../token/token-chooser.ts';
import { fingerprintOf, type Verifier } from '../../token/verified-token.ts';
import { endedError } from '../session-errors.ts';
import type { ExchangeCache } from './exchange-cache.ts';

export type TokenReaderOptions = {
  verifier: Pick<Verifier, 'verifyRefreshAtAnyAge' | 'verifyAtAnyAge'>;
  exchangeCache: Pick<ExchangeCache, 'wasExchanged'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Reads the tokens of a refresh request. A request may present several cookies of the same name. */
export const createTokenReader = ({ verifier, exchangeCache, now }: TokenReaderOptions) => {
  const readRefreshToken = async (token: string): Promise<ChosenToken | AppError> => {
    try {
      return { token, verified: await verifier.verifyRefreshAtAnyAge(token) };
    } catch (error) {
      if (isAppError(error)) return error;
      throw error;
    }
  };

  /**
   * The refresh tokens to try, newest first. Ignores tokens that do not verify. An expired token is returned only if it
   * was exchanged before it expired, because its result may be cached. Throws `refresh_superseded` for an unreadable
   * token that was exchanged, and `session_ended` or `token_invalid` if no token is usable.
   */
  const refreshTokens = async (tokens: readonly string[]): Promise<ChosenToken[]> => {
    requireFewValues(tokens, { endsSession: true });
    const results = await Promise.all(tokens.map(readRefreshToken));
    const readable = results.filter((result): result is ChosenToken => !(result instanceof AppError));
    requireOnePerson(readable, { endsSession: true });
    const alive = readable.filter(({ verified }) => verified.expiresAtMs > now()).toSorted(newestFirst);
    if (alive.length > 0) return alive;
    for (const token of tokens) {
      if (!(await exchangeCache.wasExchanged(fingerprintOf(token)))) continue;
      const exchanged = readable.find((candidate) => candidate.token === token);
      if (exchanged !== undefined) return [exchanged];
      throw new AppError('refresh_superseded');
    }
    if (readable.length > 0) throw endedError('the refresh token has expired');
    const error = results.find((result) => result instanceof AppError);
    // A token from the future becomes valid once the clocks agree, so the browser keeps it.
    throw new AppError('token_invalid', { cause: error, endsSession: !(error instanceof NotYetValidError) });
  };

  /** The newest access token of the person. Throws `session_ended` if an access token names another person. */
  const accessTokenFor = async (tokens: readonly string[], subject: Subject): Promise<ChosenToken | null> => {
    requireFewValues(tokens, { endsSession: true });
    const results = await Promise.all(
      tokens.map(async (token) => {
        const verified = await verifier.verifyAtAnyAge(token).catch(() => null);
        return verified === null ? null : { token, verified };
      }),
    );
    const readable = results.filter((result) => result !== null);
    if (readable.some(({ verified }) => !isSameSubject(verified.principal, subject))) {
      throw endedError('the access token and the refresh token are of different people');
    }
    return readable.toSorted(newestFirst)[0] ?? null;
  };

  return { refreshTokens, accessTokenFor };
};
