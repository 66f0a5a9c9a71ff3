import type { SystemRole } from '@auth-bff/shared';
import { createLruMap } from '../../src/platform/lru-map.ts';
import type { ResolvedRoles, ResolveRoles } from './membership.ts';
import { RefusalError } from './refusals.ts';

export type BffRolesOptions = {
  /** The address of the BFF, such as `https://bff.example.org`. */
  url: string | URL;
  /** How long a lookup may take. Default 5,000. */
  timeoutMs?: number;
  /** How long the roles of a token are cached. Default 60; 0 caches nothing. */
  cacheSeconds?: number;
  /** Default the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
};

const maxCachedTokens = 10_000;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isRole = (value: unknown): value is SystemRole => isObject(value) && isText(value.system) && isText(value.role);

const toRoles = (session: unknown): ResolvedRoles => {
  if (!isObject(session)) throw new Error('The BFF answered no session.');
  const { systems, roles } = session;
  if (Array.isArray(systems) && systems.every(isText) && Array.isArray(roles) && roles.every(isRole)) {
    return { systems, roles };
  }
  throw new Error('The session that the BFF answered has no lists of systems and roles.');
};

const toAddress = (url: string | URL): string => {
  const text = String(url);
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new TypeError('bffRoles: expected the http(s) address of the BFF as url, such as https://bff.example.org');
  }
  return `${text.replace(/\/+$/, '')}/bff/api/session`;
};

/**
 * Looks up roles at the BFF's `GET /bff/api/session`, with the caller's access token. Parallel lookups for one token are one
 * request. If the BFF rejects the token, the request is refused with 401 and `session_ended`; if it cannot be reached, with
 * 503 and `roles_unavailable`. For `signingKeys`: the BFF takes no assertions. Throws TypeError for an invalid option.
 */
export const bffRoles = (options: BffRolesOptions): ResolveRoles => {
  const { url, timeoutMs = 5_000, cacheSeconds = 60, fetch: send = fetch, now = Date.now } = options;
  const address = toAddress(url);
  const known = createLruMap<string, { roles: ResolvedRoles; untilMs: number }>(maxCachedTokens);
  const inFlight = new Map<string, Promise<ResolvedRoles>>();

  const ask = async (token: string): Promise<ResolvedRoles> => {
    const response = await send(address, {
      headers: { accept: 'application/json', authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.ok) return toRoles(await response.json());
    await response.body?.cancel();
    if (response.status === 401) throw new RefusalError('session_ended', 'The BFF no longer accepts the token.');
    throw new Error(`The BFF answered with status ${response.status}.`);
  };

  const load = async (token: string): Promise<ResolvedRoles> => {
    const startedAtMs = now();
    const roles = await ask(token);
    known.set(token, { roles, untilMs: startedAtMs + cacheSeconds * 1000 });
    return roles;
  };

  return async (_principal, token) => {
    const entry = known.get(token);
    if (entry !== undefined && now() < entry.untilMs) return entry.roles;
    const joined = inFlight.get(token) ?? load(token).finally(() => inFlight.delete(token));
    inFlight.set(token, joined);
    return joined;
  };
};
