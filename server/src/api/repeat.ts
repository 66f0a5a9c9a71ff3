import type { Context } from './context.ts';

export type Repeat = {
  /** The engine compares it for the same caller and the same assignment. */
  key: string;
  /** Milliseconds for which a call with the key is a repeat. Undefined: as long as the assignment is known. */
  forMs: number | undefined;
};

/** Some callers send one request id with all of their requests. */
const requestIdCountsForMs = 60_000;

/** Identifies the repeats of a call: by the caller's idempotency key or, without one, by the id of the request. */
export const repeatOf = (request: Context['request']): Repeat => {
  const key = request.idempotencyKey();
  return key === null
    ? { key: `request ${request.requestId}`, forMs: requestIdCountsForMs }
    : { key: `key ${key}`, forMs: undefined };
};
