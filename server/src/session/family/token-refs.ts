import type { VerifiedToken } from '../../token/verified-token.ts';

/** Identifies a token without holding its text. */
export type TokenRef = Pick<VerifiedToken, 'fingerprint' | 'expiresAtMs'>;

/**
 * A ref of a token that a request presents or the Auth Service has issued. `isProven`: the Auth Service is known to have
 * issued the token, because its signature was verified here, or because the Auth Service accepted or issued it. Only
 * proven tokens are stored: anybody can make up others, fill the store and evict the refs of real sessions.
 */
export type ProvableTokenRef = TokenRef & { isProven: boolean };

/** The tokens of one session in one request or response. */
export type TokenRefs = { access: ProvableTokenRef | null; refresh: ProvableTokenRef | null };

/** Which of the two tokens are proven. */
export type ProvenTokens = { access: boolean; refresh: boolean };

export const noneProven: ProvenTokens = { access: false, refresh: false };

export const toTokenRef = ({ fingerprint, expiresAtMs }: TokenRef, isProven: boolean): ProvableTokenRef => ({
  fingerprint,
  expiresAtMs,
  isProven,
});

/** The refs of tokens that the Auth Service has issued or accepted. */
export const provenRefs = ({ access, refresh }: { access: TokenRef | null; refresh: TokenRef | null }): TokenRefs => ({
  access: access === null ? null : toTokenRef(access, true),
  refresh: refresh === null ? null : toTokenRef(refresh, true),
});

/** Marks the refs as proven that `proven` names. The others keep their flag. */
export const withProof = ({ access, refresh }: TokenRefs, proven: ProvenTokens): TokenRefs => ({
  access: access === null ? null : { ...access, isProven: access.isProven || proven.access },
  refresh: refresh === null ? null : { ...refresh, isProven: refresh.isProven || proven.refresh },
});

/** Which of these refs are marked as proven. */
export const toProven = ({ access, refresh }: TokenRefs): ProvenTokens => ({
  access: access?.isProven === true,
  refresh: refresh?.isProven === true,
});

export const toRefList = ({ refresh, access }: TokenRefs): ProvableTokenRef[] =>
  [refresh, access].filter((ref) => ref !== null);

/** Entries outlive their token by this much, because the clocks of replicas differ. */
const marginMs = 60_000;

/** The longest TTL of an entry about a token whose `exp` the BFF has verified: browsers keep no cookie longer (RFC 6265bis, section 5.5). */
export const maxTtlVerifiedMs = 400 * 86_400_000;
/** The longest TTL of an entry about a token whose `exp` only the Auth Service has verified: the lifetime of its refresh tokens. */
export const maxTtlUnverifiedMs = 7 * 86_400_000;

/** The TTL in milliseconds of a Redis entry about a token with this expiry; at most `maxTtlMs`. */
export const entryTtlMs = (expiresAtMs: number, nowMs: number, maxTtlMs: number): number =>
  Math.min(Math.max(0, Math.round(expiresAtMs - nowMs)) + marginMs, maxTtlMs);
