import type { AssignmentStore, Rotation } from '../../../server/src/assignment/assignment-store.ts';

/** The number of each person's last turn, or 0. */
export const lastTurns = async (
  store: Pick<AssignmentStore, 'places'>,
  rotation: Rotation,
  ids: readonly number[],
): Promise<number[]> => (await store.places(rotation, ids)).map(({ lastTurn }) => lastTurn);
