/** How often somebody beside an attack got what they asked for. */
export type Victim = {
  /** Runs one attempt; a rejection is a failure, and its message is kept. */
  attempt: (task: () => Promise<unknown>) => Promise<void>;
  attempts: () => number;
  successes: () => number;
  /** Successes per attempt, between 0 and 1. */
  rate: () => number;
  /** What failed, each message once, with how often. */
  failures: () => Record<string, number>;
};

/** Counts for one person beside an attack. Report the rate with `tellVictim`. */
export const createVictim = (): Victim => {
  let attempts = 0;
  let successes = 0;
  const failures: Record<string, number> = {};
  return {
    async attempt(task) {
      attempts += 1;
      try {
        await task();
        successes += 1;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        failures[message] = (failures[message] ?? 0) + 1;
      }
    },
    attempts: () => attempts,
    successes: () => successes,
    rate: () => (attempts === 0 ? 0 : successes / attempts),
    failures: () => ({ ...failures }),
  };
};

/** Prints how a victim fared beside an attack, for whoever reads the output of the tests. */
export const tellVictim = (attack: string, victim: Victim): void => {
  const percent = (victim.rate() * 100).toFixed(0);
  process.stdout.write(
    `${attack}: the victim succeeded in ${victim.successes()} of ${victim.attempts()} (${percent} %)\n`,
  );
};
