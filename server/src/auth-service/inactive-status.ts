/** Reasons for which a person with the right password may not sign in. */
export type InactiveStatus = 'pending' | 'rejected' | 'inactive';

/** Messages of `account_inactive`, shown to the person. */
export const messageOfInactiveStatus: Record<InactiveStatus, string> = {
  pending: 'This account is waiting for approval. Ask an administrator to approve it.',
  rejected: 'This account was rejected. Contact an administrator if this is a mistake.',
  inactive: 'This account is not active. Contact an administrator.',
};

const inactiveStatuses = new Map<string, InactiveStatus>([
  ['pending', 'pending'],
  ['rejected', 'rejected'],
  ['inactive', 'inactive'],
  ['deactivated', 'inactive'],
  ['disabled', 'inactive'],
  ['suspended', 'inactive'],
]);

/** Maps an employee's `status`. Null means that the person may sign in, which includes every unknown status. */
export const toInactiveStatus = (status: string | null): InactiveStatus | null =>
  inactiveStatuses.get(status?.trim().toLowerCase() ?? '') ?? null;
