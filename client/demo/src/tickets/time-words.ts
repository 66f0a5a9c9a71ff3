const age = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A relative time, such as "2 hr. ago". */
export const ageOf = (createdAt: string, nowMs: number): string => {
  const ageMs = nowMs - Date.parse(createdAt);
  for (const [unit, ms] of units) if (ageMs >= ms) return age.format(-Math.floor(ageMs / ms), unit);
  return 'just now';
};

const time = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });

/** A date and a time, such as "Nov 25, 3:45 PM". */
export const timeOf = (at: string): string => time.format(new Date(at));
