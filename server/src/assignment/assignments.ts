import type { Assignment, NextInput, NoAssigneeReason, PeekInput, RotationInput, User } from '@auth-bff/shared';
import { callerNameOf } from '../auth-service/transport.ts';
import type { DirectoryCaller, Directory } from '../directory/directory.ts';
import { isAppError } from '../errors.ts';
import { createMemoryTurnFeed } from './memory-turn-feed.ts';
import { type AssignmentStore, toRotation } from './assignment-store.ts';

/** The outcome of one `next`, for the log and the metrics. */
export type AssignmentEvent = {
  system: string;
  role: string;
  key: string | null;
  requestId: string | undefined;
  outcome: 'assigned' | 'replayed' | NoAssigneeReason;
  assignee: number | null;
};

export type AssignmentsOptions = {
  store: AssignmentStore;
  directory: Pick<Directory, 'userIdsByRole' | 'users' | 'user'>;
  onAssignment?: ((event: AssignmentEvent) => void) | undefined;
  /** Called for each `next` that exceeds a limit. */
  onLimited?: (() => void) | undefined;
};

/** The active people with the role, by ascending id. `stale`: a stale cache entry was used. */
type Candidates = { active: User[]; stale: boolean };

/**
 * Assigns turns to the candidate who has waited longest since their last turn, ties by lower id (least recently assigned).
 * An unchanged group takes strict turns. A new member gets the next turn and then queues like the others. A returning
 * member has the place of their last turn.
 */
export const createAssignments = ({ store, directory, onAssignment, onLimited }: AssignmentsOptions) => {
  const feed = createMemoryTurnFeed({ now: Date.now });
  const candidatesOf = async (rotation: RotationInput, caller: DirectoryCaller): Promise<Candidates> => {
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

  const toNoAssignee = ({ active, stale }: Candidates): Extract<Assignment, { assignee: null }> => ({
    assignee: null,
    reason: active.length === 0 ? 'no_candidates' : 'all_excluded',
    candidates: active.length,
    stale,
  });

  const takeTurn: AssignmentStore['take'] = async (take) => {
    try {
      return await store.take(take);
    } catch (error) {
      if (isAppError(error, 'rate_limited')) onLimited?.();
      throw error;
    }
  };

  return {
    /**
     * Takes the next turn. A known key returns its assignee again, even an excluded one. Looks up all people before it
     * changes anything. Throws `store_unavailable`, `rate_limited` for too many new keys or rotations, and the errors of the
     * directory.
     */
    async next({ system, role, key, exclude }: NextInput, caller: DirectoryCaller): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, caller);
      const { active, stale } = candidates;
      const eligible = without(active, exclude);
      const event = { system, role, key: key ?? null, requestId: caller.requestId };
      const turn = await takeTurn({
        rotation: toRotation({ system, role }),
        candidates: eligible.map(({ id }) => id),
        key: key ?? null,
        by: callerNameOf(caller),
      });
      if (turn === null) {
        const answer = toNoAssignee(candidates);
        onAssignment?.({ ...event, outcome: answer.reason, assignee: null });
        return answer;
      }
      const { assignee: id, replayed } = turn;
      onAssignment?.({ ...event, outcome: replayed ? 'replayed' : 'assigned', assignee: id });
      if (!replayed) feed.add({ system, role }, { key: key ?? null, assignee: id, by: caller.id, kind: 'assigned' });
      // The assignee of a known key may no longer have the role.
      const assignee = active.find((user) => user.id === id) ?? (await directory.user(id, caller));
      return { assignee, replayed, candidates: active.length, stale };
    },

    /** The next assignee. Changes nothing. */
    async peek({ system, role, exclude }: PeekInput, caller: DirectoryCaller): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, caller);
      const { active, stale } = candidates;
      const [assignee] = await inOrder({ system, role }, without(active, exclude));
      if (assignee === undefined) return toNoAssignee(candidates);
      return { assignee, replayed: false, candidates: active.length, stale };
    },

    onTurn: feed.onTurn,

    /** The people with the role, next in turn first. */
    async candidates(rotation: RotationInput, caller: DirectoryCaller): Promise<{ users: User[] }> {
      const { active } = await candidatesOf(rotation, caller);
      return { users: await inOrder(rotation, active) };
    },
  };
};

export type Assignments = ReturnType<typeof createAssignments>;
