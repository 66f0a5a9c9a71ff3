/** The faults of a new password that was typed twice. The Auth Service checks the rest. */
export const newPasswordFaults = (first: string, second: string): { newPassword?: string; repeated?: string } => {
  if (first.length < 8) return { newPassword: 'Enter at least 8 characters.' };
  return first === second ? {} : { repeated: 'The two passwords differ.' };
};
