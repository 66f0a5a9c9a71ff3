import type { SignedInContext } from './middlewares.ts';

/**
 * Identifies the repeats of a call about an assignment key: the caller's idempotency key or, without one, the id of the
 * request. It contains the caller, so that two people with the same key do not get each other's outcome, and the
 * assignment key, so that each call of a batch has its own.
 */
export const repeatKeyOf = ({ request, person }: SignedInContext, { key }: { key: string }): string => {
  const idempotencyKey = request.idempotencyKey();
  const [kind, value] = idempotencyKey === null ? ['request', request.requestId] : ['idempotency-key', idempotencyKey];
  return JSON.stringify([person.name, kind, value, key]);
};
