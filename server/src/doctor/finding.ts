/** `warning`: it works, and should be looked at. `problem`: it does not work. `unchecked`: nothing is known of it. */
export type Level = 'ok' | 'warning' | 'problem' | 'unchecked';

/** What a check found: one line. No text in it is a secret or comes from outside unread. */
export type Finding = {
  /** The variable that it is about, or what else was looked at. */
  name: string;
  level: Level;
  /** A clause, without its full stop. */
  says: string;
  /** What to do about it: a sentence without its full stop. Null: nothing. */
  todo: string | null;
};

export const ok = (name: string, says: string): Finding => ({ name, level: 'ok', says, todo: null });

export const warning = (name: string, says: string, todo: string): Finding => ({ name, level: 'warning', says, todo });

export const problem = (name: string, says: string, todo: string): Finding => ({ name, level: 'problem', says, todo });

export const unchecked = (name: string, because: string, todo: string | null = null): Finding => ({
  name,
  level: 'unchecked',
  says: `not checked because ${because}`,
  todo,
});
