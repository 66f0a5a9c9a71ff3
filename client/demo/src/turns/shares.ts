import type { RouterOutputs } from '@auth-bff/client';

export type RotationPerson = RouterOutputs['assignments']['rotation']['people'][number];

export type Share = {
  id: number;
  name: string;
  total: number;
  /** The turns since the bars were first shown. */
  isNew: number;
  isAway: boolean;
};

/** Turns per person, sorted by name, so that the bars keep their places. `first`: as the bars were first shown. */
export const toShares = (people: readonly RotationPerson[], first: readonly RotationPerson[]): Share[] =>
  people
    .map(({ user, turns, away }) => {
      const before = first.find((person) => person.user.id === user.id)?.turns ?? 0;
      // A reset forgets the turns.
      const isNew = Math.max(0, turns - before);
      return {
        id: user.id,
        name: `${user.firstName} ${user.lastName}`,
        total: turns,
        isNew,
        isAway: away !== null,
      };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
