/** Why a person may not sign in although the password is right. */
export type InactiveStanding = 'pending' | 'rejected' | 'inactive';

/** What `account_inactive` says to the person. */
export const messageOfStanding: Record<InactiveStanding, string> = {
  pending: 'This account is waiting for approval. Ask an administrator to approve it.',
  rejected: 'This account was rejected. Ask an administrator if that is a mistake.',
  inactive: 'This account is not active: ask an administrator.',
};

const standingOfStatus = new Map<string, InactiveStanding>([
  ['pending', 'pending'],
  ['rejected', 'rejected'],
  ['inactive', 'inactive'],
  ['deactivated', 'inactive'],
  ['disabled', 'inactive'],
  ['suspended', 'inactive'],
]);

/** What an employee's `status` keeps them from. Null: nothing; a status that is not known keeps nobody out. */
export const toInactiveStanding = (status: string | null): InactiveStanding | null =>
  standingOfStatus.get(status?.trim().toLowerCase() ?? '') ?? null;
