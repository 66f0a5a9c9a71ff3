/** Success statistics of a legitimate person during an attack. */
export type Victim = {
  /** Runs one attempt; a rejection is a failure, and its message is kept. */
  attempt: (task: () => Promise<unknown>) => Promise<void>;
  attempts: () => number;
  successes: () => number;
  /** Successes per attempt, between 0 and 1. */
  rate: () => number;
  /** The error messages of failed attempts, with their counts. */
  failures: () => Record<string, number>;
};

/** Counts the attempts of one person during an attack. Print the rate with `reportVictim`. */
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

/** Prints the success rate of a victim to the output of the test run. */
export const reportVictim = (attack: string, victim: Victim): void => {
  const percent = (victim.rate() * 100).toFixed(0);
  process.stdout.write(
    `${attack}: the victim succeeded in ${victim.successes()} of ${victim.attempts()} (${percent} %)\n`,
  );
};
