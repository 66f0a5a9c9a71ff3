import { type Reason, toPersonText } from '@auth-bff/shared';
import type { Principal } from '../../token/principal.ts';

const encodeMatches = (text: string, pattern: RegExp): string =>
  text.toWellFormed().replaceAll(pattern, (characters) => encodeURIComponent(characters));

/** Percent-encodes everything except printable ASCII, and the percent sign itself. */
const encodeText = (text: string): string => encodeMatches(text, /[^\x20-\x7e]+|%/gu);

/** Also encodes the separators of lists. `encodeURIComponent` encodes both. */
const encodeName = (text: string): string => encodeMatches(text, /[^\x20-\x7e]+|[%,:]/gu);

const toHeaders = (caller: Principal | null): readonly string[] => [
  'x-auth-user',
  caller === null ? '' : toPersonText(caller),
  'x-auth-email',
  encodeText(caller?.email ?? ''),
  'x-auth-systems',
  (caller?.systems ?? []).map(encodeName).join(','),
  'x-auth-roles',
  (caller?.roles ?? []).map(({ system, role }) => `${encodeName(system)}:${encodeName(role)}`).join(','),
];

/** The headers about a caller do not change: a principal is never modified. */
const headersOf = new WeakMap<Principal, readonly string[]>();

/**
 * The headers about an admitted caller: names and values in turn. All of them are always set, so that a proxy overwrites those
 * of the request.
 */
export const admittedHeaders = (caller: Principal, assertion: string | null): readonly string[] => {
  let headers = headersOf.get(caller);
  if (headers === undefined) {
    headers = toHeaders(caller);
    headersOf.set(caller, headers);
  }
  return [...headers, 'x-auth-assertion', assertion ?? ''];
};

const nobody = toHeaders(null);

/** The headers of a refusal: empty, and the reason. */
export const refusedHeaders = (reason: Reason): readonly string[] => [
  ...nobody,
  'x-auth-assertion',
  '',
  'x-auth-reason',
  reason,
];
