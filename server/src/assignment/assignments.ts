import type {
  Assignment,
  CandidatesAnswer,
  HistoryAnswer,
  HistoryInput,
  NextInput,
  NoAssigneeReason,
  PeekInput,
  ReassignInput,
  RotationAnswer,
  RotationInput,
} from '@auth-bff/shared';
import { callerNameOf, requestMetaOf } from '../auth-service/caller.ts';
import type { Directory, DirectoryCaller } from '../directory/directory.ts';
import { AppError, isAppError } from '../errors.ts';
import { type AssignmentStore, toLeaveSystem, toRotation, type Turn } from './assignment-store.ts';
import { type Candidates, idsOf, inOrder, loadCandidates, type PlacedUser, without } from './candidates.ts';
import type { TurnFeed } from './turn-feed.ts';

/** The outcome of one `next` or `reassign`, for the log and the metrics. */
export type AssignmentEvent = {
  system: string;
  role: string;
  key: string | null;
  requestId: string | undefined;
  outcome: 'assigned' | 'reassigned' | 'replayed' | NoAssigneeReason;
  assignee: number | null;
};

export type AssignmentsOptions = {
  store: AssignmentStore;
  turnFeed: TurnFeed;
  directory: Pick<Directory, 'userIdsByRole' | 'users' | 'user'>;
  onAssignment?: ((event: AssignmentEvent) => void) | undefined;
  /** Called for each `next` or `reassign` that exceeds a limit. */
  onLimited?: (() => void) | undefined;
};

/** Whose availability, and until when. */
export type Availability = {
  system: string;
  userId: number;
  away: boolean;
  /** Null: until it is ended. */
  until: Date | null;
  note: string | null;
};

/** The id in the history: a service calls as the service account. */
const callerIdOf = async ({ service, ...caller }: DirectoryCaller): Promise<number> => {
  if (service === undefined) return caller.id;
  if (service.account === null) throw new AppError('insufficient_permissions');
  return service.account.id(requestMetaOf(caller));
};

const noAssignee = (
  reason: NoAssigneeReason,
  { active, stale }: Candidates,
): Extract<Assignment, { assignee: null }> => ({ assignee: null, reason, candidates: active.length, stale });

/**
 * Assigns turns to the candidate who has waited longest since their last turn, ties by lower id (least recently assigned).
 * An unchanged group takes strict turns. A new member gets the next turn and then queues like the others. A returning
 * member has the place of their last turn.
 */
export const createAssignments = (options: AssignmentsOptions) => {
  const { store, turnFeed, directory, onAssignment, onLimited } = options;
  const candidatesOf = (rotation: RotationInput, caller: DirectoryCaller) =>
    loadCandidates(directory, rotation, caller);

  /** The people in the order of their turns. */
  const placed = async (rotation: RotationInput, people: Candidates['active']): Promise<PlacedUser[]> =>
    inOrder(people, await store.places(toRotation(rotation), idsOf(people)));

  const limited = async <Result>(call: Promise<Result>): Promise<Result> => {
    try {
      return await call;
    } catch (error) {
      if (isAppError(error, 'rate_limited')) onLimited?.();
      throw error;
    }
  };

  /** The assignee of a known key may no longer have the role. */
  const toAnswer = async (
    { assignee: id, replayed }: Turn,
    { active, stale }: Candidates,
    caller: DirectoryCaller,
  ): Promise<Assignment> => {
    const assignee = active.find((user) => user.id === id) ?? (await directory.user(id, caller));
    return { assignee, replayed, candidates: active.length, stale };
  };

  return {
    /**
     * Takes the next turn. A known key returns its assignee again, even an excluded or absent one. Looks up all people before
     * it changes anything. Throws `store_unavailable`, `rate_limited` for too many new keys or rotations, and the errors of
     * the directory.
     */
    async next({ system, role, exclude, ...input }: NextInput, caller: DirectoryCaller): Promise<Assignment> {
      const key = input.key ?? null;
      const candidates = await candidatesOf({ system, role }, caller);
      const eligible = without(candidates.active, exclude);
      const event = { system, role, key, requestId: caller.requestId };
      const take = {
        rotation: toRotation({ system, role }),
        candidates: idsOf(eligible),
        key,
        by: callerNameOf(caller),
        callerId: await callerIdOf(caller),
      };
      const turn = await limited(store.take(take));
      if (turn === null) {
        const reason = toReason(candidates, eligible.length === 0 ? 'all_excluded' : 'all_away');
        onAssignment?.({ ...event, outcome: reason, assignee: null });
        return noAssignee(reason, candidates);
      }
      onAssignment?.({ ...event, outcome: turn.replayed ? 'replayed' : 'assigned', assignee: turn.assignee });
      return toAnswer(turn, candidates, caller);
    },

    /**
     * Moves a key to the next person who has not had it. Repeated with the same `repeatKey`, returns the same person. If
     * nobody is left, the key stays. `repeatForMs`: for how long a repeat counts as one; default: as long as the key is known. Throws `assignment_not_found`, and the errors of `next`.
     */
    async reassign(
      { system, role, key, exclude }: ReassignInput,
      caller: DirectoryCaller,
      repeatKey: string,
      repeatForMs?: number,
    ): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, caller);
      const event = { system, role, key, requestId: caller.requestId };
      const handOver = {
        rotation: toRotation({ system, role }),
        candidates: idsOf(without(candidates.active, exclude)),
        key,
        by: callerNameOf(caller),
        callerId: await callerIdOf(caller),
        // Another caller's repeat is another handover.
        repeatKey: `${callerNameOf(caller)}\0${repeatKey}`,
        repeatForMs,
      };
      const turn = await limited(store.handOver(handOver));
      if (turn === 'not_found') throw new AppError('assignment_not_found');
      if (turn === 'all_excluded' || turn === 'all_away') {
        const reason = toReason(candidates, turn);
        onAssignment?.({ ...event, outcome: reason, assignee: null });
        return noAssignee(reason, candidates);
      }
      onAssignment?.({ ...event, outcome: turn.replayed ? 'replayed' : 'reassigned', assignee: turn.assignee });
      return toAnswer(turn, candidates, caller);
    },

    /** The next assignee. Changes nothing. */
    async peek({ system, role, exclude }: PeekInput, caller: DirectoryCaller): Promise<Assignment> {
      const candidates = await candidatesOf({ system, role }, caller);
      const [first] = await placed({ system, role }, without(candidates.active, exclude));
      if (first === undefined || first.place.away !== null) {
        return noAssignee(toReason(candidates, first === undefined ? 'all_excluded' : 'all_away'), candidates);
      }
      return { assignee: first.user, replayed: false, candidates: candidates.active.length, stale: candidates.stale };
    },

    /** The people with the role, next in turn first; people who are away last. */
    async candidates(rotation: RotationInput, caller: DirectoryCaller): Promise<CandidatesAnswer> {
      const { active } = await candidatesOf(rotation, caller);
      return { users: (await placed(rotation, active)).map(({ user }) => user) };
    },

    /** The same people with their turns and their leave. */
    async rotation(rotation: RotationInput, caller: DirectoryCaller): Promise<RotationAnswer> {
      const { active } = await candidatesOf(rotation, caller);
      const people = (await placed(rotation, active)).map(({ user, place: { lastTurnAtMs, turns, away } }) => ({
        user,
        lastTurnAt: lastTurnAtMs === null ? null : new Date(lastTurnAtMs),
        turns,
        away,
      }));
      return { people };
    },

    /** The last turns, newest first. */
    async history({ system, role, limit }: HistoryInput, _caller: DirectoryCaller): Promise<HistoryAnswer> {
      const stored = await store.history(toRotation({ system, role }), limit);
      return { entries: stored.map(({ entry }) => entry) };
    },

    /** Throws `invalid_input` if `until` has passed by the clock of the store. */
    setAvailability: ({ system, userId, away, until, note }: Availability): Promise<void> =>
      store.setLeave(toLeaveSystem(system), userId, away ? { until, note } : null),

    /** Forgets everybody's place and number of turns. Keeps keys, history and availability. */
    reset: (rotation: RotationInput): Promise<void> => store.reset(toRotation(rotation)),

    /** New entries of the history, on all replicas. Ends when the signal aborts. */
    onTurn: turnFeed.subscribe,
    /** The id before the next entry of the history. Null while the store is down. */
    newestTurnId: turnFeed.newestId,
  };
};

/** Without an active person, neither exclusion nor leave is the reason. */
const toReason = ({ active }: Candidates, reason: 'all_excluded' | 'all_away'): NoAssigneeReason =>
  active.length === 0 ? 'no_candidates' : reason;

export type Assignments = ReturnType<typeof createAssignments>;
