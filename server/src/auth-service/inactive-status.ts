/** Why a person may not sign in although the password is right. */
export type InactiveStatus = 'pending' | 'rejected' | 'inactive';

/** What `account_inactive` says to the person. */
export const messageOfInactiveStatus: Record<InactiveStatus, string> = {
  pending: 'This account is waiting for approval. Ask an administrator to approve it.',
  rejected: 'This account was rejected. Ask an administrator if that is a mistake.',
  inactive: 'This account is not active: ask an administrator.',
};

const inactiveStatuses = new Map<string, InactiveStatus>([
  ['pending', 'pending'],
  ['rejected', 'rejected'],
  ['inactive', 'inactive'],
  ['deactivated', 'inactive'],
  ['disabled', 'inactive'],
  ['suspended', 'inactive'],
]);

/** What an employee's `status` keeps them from. Null: nothing; a status that is not known keeps nobody out. */
export const toInactiveStatus = (status: string | null): InactiveStatus | null =>
  inactiveStatuses.get(status?.trim().toLowerCase() ?? '') ?? null;
