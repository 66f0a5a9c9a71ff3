import type { RotationInput, User } from '@auth-bff/shared';
import type { Directory, DirectoryCaller } from '../directory/directory.ts';
import type { Place } from './assignment-store.ts';

/** The active people with the role, by ascending id. `stale`: a stale cache entry was used. */
export type Candidates = { active: User[]; stale: boolean };

/** Loads the people of a rotation. Throws the errors of the directory. */
export const loadCandidates = async (
  directory: Pick<Directory, 'userIdsByRole' | 'users'>,
  rotation: RotationInput,
  caller: DirectoryCaller,
): Promise<Candidates> => {
  let stale = false;
  const onStale = () => {
    stale = true;
    caller.onStale?.();
  };
  const tracking = { ...caller, onStale };
  const ids = await directory.userIdsByRole(rotation, tracking);
  // `users` leaves out people whose record no longer exists.
  const { users } = await directory.users(ids, tracking);
  const active = users.filter(({ isActive }) => isActive !== false).toSorted((a, b) => a.id - b.id);
  return { active, stale };
};

export const idsOf = (people: readonly User[]): number[] => people.map(({ id }) => id);

export const without = (people: readonly User[], exclude: readonly number[] = []): User[] => {
  const excluded = new Set(exclude);
  return people.filter(({ id }) => !excluded.has(id));
};

export type PlacedUser = { user: User; place: Place };

/** Next in turn first; people who are away last. `places` has the order of `people`. */
export const inOrder = (people: readonly User[], places: readonly Place[]): PlacedUser[] =>
  people
    .flatMap((user, index) => {
      const place = places[index];
      return place === undefined ? [] : [{ user, place }];
    })
    .toSorted(
      (a, b) =>
        Number(a.place.away !== null) - Number(b.place.away !== null) ||
        a.place.lastTurn - b.place.lastTurn ||
        a.user.id - b.user.id,
    );
