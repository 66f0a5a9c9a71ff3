const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A relative time, such as "2 hr. ago". */
export const ageOf = (createdAt: string, nowMs: number): string => {
  const ageMs = nowMs - Date.parse(createdAt);
  for (const [unit, ms] of units) if (ageMs >= ms) return format.format(-Math.floor(ageMs / ms), unit);
  return 'just now';
};
