import type { IncomingMessage } from 'node:http';
import { idempotencyKeyHeader, idempotencyKeyPattern } from '@auth-bff/shared';
import { invalidInput } from '../../api/error-mapping.ts';

/** The caller's idempotency key. Null: the request has none. Throws `invalid_input`. */
export const idempotencyKeyOf = ({ headers }: Pick<IncomingMessage, 'headers'>): string | null => {
  // Node joins a header that came twice into one text.
  const key = headers[idempotencyKeyHeader];
  if (key === undefined) return null;
  if (typeof key === 'string' && idempotencyKeyPattern.test(key)) return key;
  throw invalidInput([
    { path: '', message: `Expected 1 to 200 printable ASCII characters in the header ${idempotencyKeyHeader}` },
  ]);
};
