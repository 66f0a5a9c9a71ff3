import type { Session } from '@auth-bff/shared';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken } from '../token/verified-token.ts';

/** What a frontend is told of its session. What is not known of systems and roles is an empty list: it grants nothing. */
export const toSession = (
  { id, type, email, fullName, systems, roles }: Principal,
  { expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'expiresAtMs' | 'refreshAtMs'>,
): Session => ({
  user: { id, type, email, fullName },
  systems: [...(systems ?? [])],
  roles: [...(roles ?? [])],
  expiresAt: new Date(expiresAtMs),
  refreshAt: new Date(refreshAtMs),
});
