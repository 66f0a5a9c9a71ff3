/**
 * `warning`: works, but needs attention. `problem`: does not work. `unchecked`: the check could not run.
 */
export type Level = 'ok' | 'warning' | 'problem' | 'unchecked';

/** One line of the report. Its texts contain no secret and no unescaped text of other systems. */
export type Finding = {
  /** The environment variable or the subject of the check. */
  name: string;
  level: Level;
  /** Symptom and cause: a clause without a full stop. */
  message: string;
  /** The action to take: a sentence without a full stop. Null: none. */
  fix: string | null;
};

export const ok = (name: string, message: string): Finding => ({ name, level: 'ok', message, fix: null });

export const warning = (name: string, message: string, fix: string): Finding => ({
  name,
  level: 'warning',
  message,
  fix,
});

export const problem = (name: string, message: string, fix: string): Finding => ({
  name,
  level: 'problem',
  message,
  fix,
});

export const unchecked = (name: string, reason: string, fix: string | null = null): Finding => ({
  name,
  level: 'unchecked',
  message: `not checked because ${reason}`,
  fix,
});

/** Runs a check. An exception becomes a finding, so that the other checks still run. */
export const guardCheck = async <Found>(
  name: string,
  check: () => Found | Promise<Found>,
): Promise<Found | Finding> => {
  try {
    return await check();
  } catch (error) {
    // The message is left out, because it may contain a secret.
    const kind = error instanceof Error ? error.name : typeof error;
    return problem(name, `the check itself failed (${kind})`, 'Report this as a bug of the doctor');
  }
};
