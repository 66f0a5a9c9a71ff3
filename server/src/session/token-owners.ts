import { maxValuesPerCookie } from '../token/token-chooser.ts';
import { isSameSubject, type Subject } from '../token/principal.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** A person whose token a request came with. */
export type PresentedPerson = {
  person: Subject;
  /** The fingerprints of their tokens. */
  tokens: string[];
};

export type PresentedPeopleOptions = {
  verifier: Pick<Verifier, 'verifyHere' | 'verifyAtAnyAge' | 'verifyRefreshAtAnyAge'>;
  /** Whether signatures are verified here. If not, only access tokens that the Auth Service has accepted name a person. */
  isVerifiedHere: boolean;
};

const isVerified = (token: VerifiedToken | Error | null): token is VerifiedToken =>
  token !== null && !(token instanceof Error);

/**
 * Finds out whose tokens a request came with, whatever their age, for the audit. Each person is there once. Tokens that do not verify name nobody. Needs no I/O, and never throws.
 */
export const createPresentedPeople =
  ({ verifier, isVerifiedHere }: PresentedPeopleOptions) =>
  async ({
    accessTokens,
    refreshTokens,
  }: Pick<PresentedTokens, 'accessTokens' | 'refreshTokens'>): Promise<PresentedPerson[]> => {
    const few = (tokens: readonly string[]) => tokens.slice(0, maxValuesPerCookie);
    const read = isVerifiedHere
      ? await Promise.all([
          ...few(refreshTokens).map((token) => verifier.verifyRefreshAtAnyAge(token).catch(() => null)),
          ...few(accessTokens).map((token) => verifier.verifyAtAnyAge(token).catch(() => null)),
        ])
      : few(accessTokens).map((token) => verifier.verifyHere(token));
    const people: PresentedPerson[] = [];
    for (const { principal, fingerprint } of read.filter(isVerified)) {
      const known = people.find(({ person }) => isSameSubject(person, principal));
      if (known === undefined) people.push({ person: principal, tokens: [fingerprint] });
      else known.tokens.push(fingerprint);
    }
    return people;
  };

export type PresentedPeople = ReturnType<typeof createPresentedPeople>;
