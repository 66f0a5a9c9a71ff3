// Without zod, for code that is bundled without it.

/** The expected form of a system's name, after trimming. */
export const systemNamePattern = /^[A-Za-z0-9_-]{1,32}$/;
export const systemNameMessage = 'Expected the short name of a system, such as TTS: 1 to 32 letters, digits, _ or -';

export const maxRoleNameLength = 100;
export const roleNameMissingMessage = 'Expected the name of a role, such as Technician';
export const roleNameTooLongMessage = `Expected the name of a role: at most ${maxRoleNameLength} characters`;

/** What is wrong with the name of a system. Null: nothing. */
export const systemNameFault = (system: unknown): string | null =>
  typeof system === 'string' && systemNamePattern.test(system.trim()) ? null : systemNameMessage;

/** What is wrong with the name of a role. Null: nothing. */
export const roleNameFault = (role: unknown): string | null => {
  if (typeof role !== 'string' || role.trim() === '') return roleNameMissingMessage;
  return role.trim().length > maxRoleNameLength ? roleNameTooLongMessage : null;
};
