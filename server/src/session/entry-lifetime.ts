/** How much longer than its token an entry lives: clocks differ. */
const marginMs = 60_000;
/** No browser keeps a cookie for longer (RFC 6265bis, section 5.5), and a token that nobody verified may say that it lives for ever. */
const longestMs = 400 * 86_400_000;

/** Milliseconds that an entry in the shared store lives which is about a token that expires then; at most 400 days. */
export const entryLifetimeMs = (expiresAtMs: number, nowMs: number): number =>
  Math.min(Math.max(0, Math.round(expiresAtMs - nowMs)) + marginMs, longestMs);
