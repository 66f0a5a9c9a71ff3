/** How much longer than its token an entry lives: clocks differ. */
const marginMs = 60_000;

/** The longest life of an entry about a token whose `exp` was verified here: browsers keep no cookie longer (RFC 6265bis, section 5.5). */
export const longestVerifiedMs = 400 * 86_400_000;
/** The longest life of an entry about a token whose `exp` only the Auth Service has verified: that of its refresh tokens. */
export const longestUnverifiedMs = 7 * 86_400_000;

/** Milliseconds that an entry in the shared store lives which is about a token that expires then; at most `longestMs`. */
export const entryLifetimeMs = (expiresAtMs: number, nowMs: number, longestMs: number): number =>
  Math.min(Math.max(0, Math.round(expiresAtMs - nowMs)) + marginMs, longestMs);
