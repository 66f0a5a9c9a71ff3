import type { VerifiedToken } from '../../token/verified-token.ts';

/** What a token is known by, and until when. */
export type Mark = Pick<VerifiedToken, 'fingerprint' | 'expiresAtMs'>;

/**
 * The mark of a token that somebody presented or was given. `isProven`: the Auth Service is known to have issued it,
 * because its signature was verified here, or because the Auth Service accepted it or has just handed it out. Nothing
 * is stored about other tokens: anybody can make them up, and would fill the store and push out the marks of others.
 */
export type JudgedMark = Mark & { isProven: boolean };

/** The tokens of one session that are at hand. */
export type Marks = { access: JudgedMark | null; refresh: JudgedMark | null };

/** Which of the tokens at hand are proven. */
export type Proven = { access: boolean; refresh: boolean };

export const toMark = ({ fingerprint, expiresAtMs }: Mark, isProven: boolean): JudgedMark => ({
  fingerprint,
  expiresAtMs,
  isProven,
});

/** The marks of tokens that the Auth Service has handed out or accepted. */
export const provenMarks = ({ access, refresh }: { access: Mark | null; refresh: Mark | null }): Marks => ({
  access: access === null ? null : toMark(access, true),
  refresh: refresh === null ? null : toMark(refresh, true),
});

export const toList = ({ refresh, access }: Marks): JudgedMark[] => [refresh, access].filter((mark) => mark !== null);
