import { maxHistoryEntries } from '@auth-bff/shared';
import { type AssignmentStore, type Place, toRotation } from '../assignment/assignment-store.ts';
import { isAppError } from '../errors.ts';
import type { People } from './open-people.ts';
import { type ShownPerson, toTurnsText } from './to-turns-text.ts';

export type ShowTurnsOptions = {
  system: string;
  role: string;
  store: Pick<AssignmentStore, 'places' | 'history'>;
  /** Null: there is no service account. */
  people: People | null;
};

type Person = { id: number; name: string | null };

const shownEntries = 20;

const noAccount =
  'Names, and people without a turn in the history, are not shown: set SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD to those of a staff account.';

/** The active people with the role. A text: why they are unknown. */
const findPeople = async ({ system, role, people }: ShowTurnsOptions): Promise<Person[] | string> => {
  if (people === null) return noAccount;
  try {
    const users = await people.withRole({ system, role });
    return users.map(({ id, firstName, lastName }) => ({ id, name: `${firstName} ${lastName}`.trim() || null }));
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `Names, and people without a turn in the history, are not shown: ${error.message} Run the doctor, and check SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD.`;
  }
};

/** As in `assignments.rotation`: next in turn first; people who are away last. */
const inOrder = (people: readonly Person[], places: readonly Place[]): ShownPerson[] =>
  people
    .flatMap((person, index) => {
      const place = places[index];
      return place === undefined ? [] : [{ ...person, place }];
    })
    .toSorted(
      (a, b) =>
        Number(a.place.away !== null) - Number(b.place.away !== null) ||
        a.place.lastTurn - b.place.lastTurn ||
        a.id - b.id,
    )
    .map(({ id, name, place: { lastTurnAtMs, turns, away } }) => ({
      id,
      name,
      lastTurnAt: lastTurnAtMs === null ? null : new Date(lastTurnAtMs),
      turns,
      away,
    }));

/** The text of a rotation, and a notice about what is missing in it. Null: nothing is. */
export const showTurns = async (options: ShowTurnsOptions): Promise<{ text: string; notice: string | null }> => {
  const { system, role, store } = options;
  const rotation = toRotation({ system, role });
  const entries = (await store.history(rotation, maxHistoryEntries)).map(({ entry }) => entry);
  const found = await findPeople(options);
  const people =
    typeof found === 'string'
      ? [...new Set(entries.map(({ assignee }) => assignee))].map((id) => ({ id, name: null }))
      : found;
  const places = await store.places(
    rotation,
    people.map(({ id }) => id),
  );
  return {
    text: toTurnsText({ system, role, people: inOrder(people, places), entries: entries.slice(0, shownEntries) }),
    notice: typeof found === 'string' ? found : null,
  };
};
