import { equalsIgnoringAsciiCase, hasRole } from '@auth-bff/shared';
import type { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { brokenContract } from './response-errors.ts';
import type { Caller, Exchange } from './transport.ts';
import { type ListedPerson, WirePeopleWithRoles, WireSystemUsers, WireUserIds } from './wire-roles.ts';

/** A lookup with the caller's own token, decoded. */
export type AskAs = <Schema extends z.ZodType>(
  caller: Caller,
  endpoint: Endpoint,
  schema: Schema,
  exchange?: Pick<Exchange, 'query' | 'json'> & {
    /** How many records the answer has, so that it is read in a slice of work. Default: few. */
    records?: number;
  },
) => Promise<z.output<Schema>>;

export type RoleHoldersOptions = {
  askAs: AskAs;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type RoleName = { system: string; role: string };

const isTts = (system: string) => equalsIgnoringAsciiCase(system, 'TTS');

/** How long round-robin is not asked about other systems, once it has answered for TTS alone. */
const relearnAfterMs = 5 * 60_000;

/**
 * Finds who has a role. The service of the guide answers that for every system at `round-robin`. The deployed one
 * answers there for TTS alone, by a bare list, and shows the other systems in lists that not everybody may see.
 */
export const createRoleHolders = ({ askAs, now }: RoleHoldersOptions) => {
  let ttsAloneSinceMs: number | null = null;

  const isKnownForTtsAlone = (): boolean => {
    if (ttsAloneSinceMs === null) return false;
    const ageMs = now() - ttsAloneSinceMs;
    // A clock that was set back says nothing.
    return ageMs >= 0 && ageMs < relearnAfterMs;
  };

  /** Null: it answers for TTS alone, and another system was asked for. */
  const fromRoundRobin = async ({ system, role }: RoleName, caller: Caller): Promise<number[] | null> => {
    const endpoint = endpoints.usersByRole;
    // The deployed service ignores system and role, and reads role_name.
    const answer = await askAs(caller, endpoint, WireUserIds, { query: { system, role, role_name: role } });
    ttsAloneSinceMs = answer.isBare ? now() : null;
    if (answer.isBare) return isTts(system) ? answer.userIds : null;
    if (answer.system !== null && !equalsIgnoringAsciiCase(answer.system, system)) {
      throw brokenContract(endpoint, 'at system: it is of another system than was asked');
    }
    return answer.userIds;
  };

  /** An empty list means that the service does not tell: people with `is_staff` see nobody, all others at least themselves. */
  const fromListOf = (endpoint: Endpoint) => async (_system: string, caller: Caller) => {
    const people = await askAs(caller, endpoint, WirePeopleWithRoles);
    return people.length === 0 ? null : people;
  };

  /** For admins of the system. It includes inactive people and switched-off roles, and does not tell them apart. */
  const fromSystem = async (system: string, caller: Caller): Promise<ListedPerson[]> => {
    const endpoint = endpoints.systemUsers(system);
    const answer = await askAs(caller, endpoint, WireSystemUsers);
    if (!equalsIgnoringAsciiCase(answer.system, system)) {
      throw brokenContract(endpoint, 'at system.slug: it is of another system than was asked');
    }
    return answer.people;
  };

  const fromUsersList = fromListOf(endpoints.usersList);
  const fromHdts = fromListOf(endpoints.hdtsUsers);

  /**
   * HDTS has a list of its own that everybody may see. The list of all users comes before that of a system, because it
   * says who is active and which roles are switched off: people with different rights then find the same holders.
   */
  const listsOf = (system: string) => [
    ...(equalsIgnoringAsciiCase(system, 'HDTS') ? [fromHdts] : []),
    fromUsersList,
    fromSystem,
  ];

  /** Null: none of the lists is shown to this caller. */
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
        message: `The Auth Service does not show you who has roles in ${system}. It shows that to an admin of ${system}.`,
      });
    }
    return people
      .filter(({ isActive, roles }) => isActive !== false && hasRole({ roles }, system, role))
      .map(({ id }) => id);
  };

  return async (name: RoleName, caller: Caller): Promise<number[]> => {
    const isWorthAsking = isTts(name.system) || !isKnownForTtsAlone();
    const ids = isWorthAsking ? await fromRoundRobin(name, caller) : null;
    return [...new Set(ids ?? (await fromLists(name, caller)))];
  };
};
