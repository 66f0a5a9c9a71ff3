import { equalsIgnoringAsciiCase, hasRole } from '@auth-bff/shared';
import type { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { contractError } from './response-errors.ts';
import type { Caller } from './caller.ts';
import type { UpstreamRequest } from './transport.ts';
import { type ListedPerson, WirePeopleWithRoles, WireSystemUsers, WireUserIds } from './wire-roles.ts';

/** Sends a lookup with the caller's own token and decodes the response. */
export type RequestAs = <Schema extends z.ZodType>(
  caller: Caller,
  endpoint: Endpoint,
  schema: Schema,
  options?: Pick<UpstreamRequest, 'query' | 'json'> & {
    /** Number of records in the response. Large responses are decoded in time slices. Default 0. */
    records?: number;
  },
) => Promise<z.output<Schema>>;

export type RoleHoldersOptions = {
  requestAs: RequestAs;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type RoleName = { system: string; role: string };

const isTts = (system: string) => equalsIgnoringAsciiCase(system, 'TTS');

/** After round-robin has shown that it serves TTS only, other systems skip it for this time. */
const ttsOnlyMs = 5 * 60_000;

/**
 * Finds the holders of a role. The guide's service answers `round-robin` for every system. The deployed service answers
 * it for TTS only, with a bare list, and has lists with restricted access for the other systems.
 */
export const createRoleHolders = ({ requestAs, now }: RoleHoldersOptions) => {
  let ttsOnlySinceMs: number | null = null;

  const isRoundRobinTtsOnly = (): boolean => {
    if (ttsOnlySinceMs === null) return false;
    const ageMs = now() - ttsOnlySinceMs;
    // Negative if the system clock was set back.
    return ageMs >= 0 && ageMs < ttsOnlyMs;
  };

  /** Null if the service answers for TTS only and another system was requested. */
  const fromRoundRobin = async ({ system, role }: RoleName, caller: Caller): Promise<number[] | null> => {
    const endpoint = endpoints.usersByRole;
    // The deployed service ignores system and role, and reads role_name.
    const result = await requestAs(caller, endpoint, WireUserIds, { query: { system, role, role_name: role } });
    ttsOnlySinceMs = result.isBare ? now() : null;
    if (result.isBare) return isTts(system) ? result.userIds : null;
    if (result.system !== null && !equalsIgnoringAsciiCase(result.system, system)) {
      throw contractError(endpoint, 'at system: it is not the requested system');
    }
    return result.userIds;
  };

  /** Null for an empty list: the service shows `is_staff` accounts no one, and everyone else at least themselves. */
  const fromListOf = (endpoint: Endpoint) => async (_system: string, caller: Caller) => {
    const people = await requestAs(caller, endpoint, WirePeopleWithRoles);
    return people.length === 0 ? null : people;
  };

  /** For admins of the system only. The list contains inactive people and does not mark them. */
  const fromSystem = async (system: string, caller: Caller): Promise<ListedPerson[]> => {
    const endpoint = endpoints.systemUsers(system);
    const result = await requestAs(caller, endpoint, WireSystemUsers);
    if (!equalsIgnoringAsciiCase(result.system, system)) {
      throw contractError(endpoint, 'at system.slug: it is not the requested system');
    }
    return result.people;
  };

  const fromUsersList = fromListOf(endpoints.usersList);
  const fromHdts = fromListOf(endpoints.hdtsUsers);

  /**
   * HDTS has its own list, which all staff may see. The list of all users precedes the list of a system because it
   * reports inactive people and disabled roles, so callers with different rights get the same holders.
   */
  const listsOf = (system: string) => [
    ...(equalsIgnoringAsciiCase(system, 'HDTS') ? [fromHdts] : []),
    fromUsersList,
    fromSystem,
  ];

  /** Null if this caller may see none of the lists. */
  const peopleOf = async (system: string, caller: Caller): Promise<ListedPerson[] | null> => {
    for (const list of listsOf(system)) {
      const people = await list(system, caller).catch((error: unknown) => {
        if (isAppError(error, 'insufficient_permissions')) return null;
        throw error;
      });
      if (people !== null) return people;
    }
    return null;
  };

  const fromLists = async ({ system, role }: RoleName, caller: Caller): Promise<number[]> => {
    const people = await peopleOf(system, caller);
    if (people === null) {
      throw new AppError('insufficient_permissions', {
        message: `The Auth Service shows the role holders of ${system} to admins of ${system} only.`,
      });
    }
    return people
      .filter(({ isActive, roles }) => isActive !== false && hasRole({ roles }, system, role))
      .map(({ id }) => id);
  };

  return async (name: RoleName, caller: Caller): Promise<number[]> => {
    const usesRoundRobin = isTts(name.system) || !isRoundRobinTtsOnly();
    const ids = usesRoundRobin ? await fromRoundRobin(name, caller) : null;
    return [...new Set(ids ?? (await fromLists(name, caller)))];
  };
};
