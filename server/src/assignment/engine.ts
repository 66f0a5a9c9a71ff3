import type { Assignment, NextInput, PeekInput, RotationInput, User } from '@auth-bff/shared';
import { personOf } from '../auth-service/transport.ts';
import type { Directory, DirectoryCaller } from '../directory/directory.ts';
import { isAppError } from '../errors.ts';
import { type AssignmentStore, toRotation } from './assignment-store.ts';

/** What became of one `next`, for the log and the metrics. */
export type AssignmentEvent = {
  system: string;
  role: string;
  key: string | null;
  requestId: string | undefined;
  outcome: 'assigned' | 'replayed' | 'no_candidates' | 'all_excluded';
  assignee: number | null;
};

export type AssignmentsOptions = {
  store: AssignmentStore;
  directory: Pick<Directory, 'userIdsByRole' | 'users' | 'user'>;
  onAssignment?: ((event: AssignmentEvent) => void) | undefined;
  /** Called for each `next` that was over a limit. */
  onLimited?: (() => void) | undefined;
};

/** The active people who have the role, ascending, and whether that is from memory. */
type Candidates = { active: User[]; stale: boolean };

/**
 * Whose turn it is: the candidate who has waited longest since their last turn, ties by lower id. So people take turns
 * strictly while they are the same; who joins gets one turn and then queues like the others; who comes back has the
 * place that their last turn gives.
 */
export const createAssignments = ({ store, directory, onAssignment, onLimited }: AssignmentsOptions) => {
  const candidatesOf = async (rotation: RotationInput, asking: DirectoryCaller): Promise<Candidates> => {
    let stale = false;
    const onStale = () => {
      stale = true;
      asking.onStale?.();
    };
    const noting = { ...asking, onStale };
    const ids = await directory.userIdsByRole(rotation, noting);
    // A person whose record is gone is among those who are not found.
    const { users } = await directory.users(ids, noting);
    const active = users.filter(({ isActive }) => isActive !== false).toSorted((a, b) => a.id - b.id);
    return { active, stale };
  };

  const without = (people: readonly User[], exclude: readonly number[] = []): User[] => {
    const excluded = new Set(exclude);
    return people.filter(({ id }) => !excluded.has(id));
  };

  const inOrder = async (rotation: RotationInput, people: readonly User[]): Promise<User[]> => {
    const ids = people.map(({ id }) => id);
    const turns = await store.lastTurns(toRotation(rotation), ids);
    const turnOf = new Map(ids.map((id, index) => [id, turns[index] ?? 0]));
    return people.toSorted((a, b) => (turnOf.get(a.id) ?? 0) - (turnOf.get(b.id) ?? 0) || a.id - b.id);
  };

  const nobody = ({ active, stale }: Candidates): Extract<Assignment, { assignee: null }> => ({
    assignee: null,
    reason: active.length === 0 ? 'no_candidates' : 'all_excluded',
    candidates: active.length,
    stale,
  });

  const take: AssignmentStore['take'] = async (asked) => {
    try {
      return await store.take(asked);
    } catch (error) {
      if (isAppError(error, 'rate_limited')) onLimited?.();
      throw error;
    }
  };

  return {
    /**
     * Gives the turn to whose it is. A key that was seen before gives the same person again, whoever is excluded. The
     * people are looked up before anything moves. Throws `store_unavailable`, `rate_limited` for too many new keys or
     * rotations, and the directory's errors.
     */
    async next({ system, role, key, exclude }: NextInput, asking: DirectoryCaller): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, asking);
      const { active, stale } = candidates;
      const mayTake = without(active, exclude);
      const told = { system, role, key: key ?? null, requestId: asking.requestId };
      const turn = await take({
        rotation: toRotation({ system, role }),
        candidates: mayTake.map(({ id }) => id),
        key: key ?? null,
        by: personOf(asking),
      });
      if (turn === null) {
        const answer = nobody(candidates);
        onAssignment?.({ ...told, outcome: answer.reason, assignee: null });
        return answer;
      }
      const { assignee: id, replayed } = turn;
      onAssignment?.({ ...told, outcome: replayed ? 'replayed' : 'assigned', assignee: id });
      // Whoever was given the turn before may have left the list since.
      const assignee = active.find((user) => user.id === id) ?? (await directory.user(id, asking));
      return { assignee, replayed, candidates: active.length, stale };
    },

    /** Whose turn it is, with nothing moved. */
    async peek({ system, role, exclude }: PeekInput, asking: DirectoryCaller): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, asking);
      const { active, stale } = candidates;
      const [assignee] = await inOrder({ system, role }, without(active, exclude));
      if (assignee === undefined) return nobody(candidates);
      return { assignee, replayed: false, candidates: active.length, stale };
    },

    /** The people who have the role, in the order of their turns. */
    async candidates(rotation: RotationInput, asking: DirectoryCaller): Promise<{ users: User[] }> {
      const { active } = await candidatesOf(rotation, asking);
      return { users: await inOrder(rotation, active) };
    },
  };
};

export type Assignments = ReturnType<typeof createAssignments>;
