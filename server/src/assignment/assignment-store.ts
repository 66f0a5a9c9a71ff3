import { toAsciiLowerCase, type Leave, type TurnEntry } from '@auth-bff/shared';

/** The identifier of a system. Names compare as in `hasRole`: case-insensitive in ASCII only, and not normalized, because the normal form of the Kelvin sign is K. */
export type LeaveSystem = string;
export const toLeaveSystem = (system: string): LeaveSystem => encodeURIComponent(toAsciiLowerCase(system.trim()));

/** The identifier of a rotation: the people with one role in one system take turns. Equal for all spellings of the names. */
export type Rotation = string;

/** The rotation of a role in a system. */
export const toRotation = ({ system, role }: { system: string; role: string }): Rotation =>
  [system, role].map(toLeaveSystem).join('/');

/** The system of a rotation, whose leave applies. */
export const systemOf = (rotation: Rotation): LeaveSystem => rotation.split('/', 1)[0] ?? '';

type TurnCall = {
  rotation: Rotation;
  /** The ids of the people who may take the turn, ascending. The store passes over those who are away. */
  candidates: readonly number[];
  /** The caller whose limits apply, such as `staff 123`. */
  by: string;
  /** The id of the caller, for the history. */
  callerId: number;
};

export type Take = TurnCall & {
  /** The idempotency key of the turn. Null: the call is not idempotent. */
  key: string | null;
};

export type HandOver = TurnCall & {
  /** The key of the turn that moves to another person. */
  key: string;
  /** A repeated call with the same value returns the result of the first one. */
  repeatKey: string;
  /** Milliseconds for which it does. Default: as long as the key is known. */
  repeatForMs?: number | undefined;
};

export type Turn = { assignee: number; replayed: boolean };

/** Why a turn was not handed on. `all_excluded`: every candidate has had the key, or there is none. */
export type NoHandOver = 'not_found' | 'all_excluded' | 'all_away';

/** A person's place in a rotation. */
export type Place = {
  /** The number of the last turn. 0: none. */
  lastTurn: number;
  /** Milliseconds since the epoch. Null: no turn, or an earlier version gave it, which did not store the time. */
  lastTurnAtMs: number | null;
  /** The number of turns since the rotation began or was reset, without those that earlier versions gave. */
  turns: number;
  /** Null: the person is available. */
  away: Leave | null;
};

/** An entry of the history. Ids have the form of Redis streams: milliseconds, a hyphen, and a number within the millisecond. */
export type StoredTurn = { id: string; entry: TurnEntry };

/**
 * Stores the turns of rotations. A rotation numbers its turns; the numbers determine the order, not a clock. Unused
 * rotations expire after 30 days, and keys after 24 hours. All methods throw `store_unavailable`.
 */
export type AssignmentStore = {
  /**
   * In one atomic step: returns the assignee of the key, or gives the turn to the available candidate who has waited longest,
   * ties by lower id, and adds it to the history. Null: there is neither. After `store_unavailable` the turn may have been
   * taken nevertheless, and the same key returns it. Throws `rate_limited` if the call exceeds one of the
   * `AssignmentLimits`; then nothing has changed and nothing was charged.
   */
  take: (take: Take) => Promise<Turn | null>;
  /**
   * In one atomic step: gives the turn of the key to the next available candidate who has not had it, gives the previous
   * assignee their place back if this was still their latest turn, and adds it to the history. Limited like a new key.
   */
  handOver: (handOver: HandOver) => Promise<Turn | NoHandOver>;
  /** The places of the people, in the order of `ids`. */
  places: (rotation: Rotation, ids: readonly number[]) => Promise<Place[]>;
  /** Null ends the leave. Throws `invalid_input` if `until` has passed by the store's clock, and `rate_limited` for too many leaves. */
  setLeave: (system: LeaveSystem, id: number, leave: Leave | null) => Promise<void>;
  /** Forgets all places and counts of turns. Keeps keys, history and leave. */
  reset: (rotation: Rotation) => Promise<void>;
  /** The newest entries, newest first. */
  history: (rotation: Rotation, limit: number) => Promise<StoredTurn[]>;
  /** The oldest entries after an id, oldest first. */
  historyAfter: (rotation: Rotation, id: string, limit: number) => Promise<StoredTurn[]>;
  /**
   * Calls back when the rotation may have new entries: after each turn in any replica, and when messages may have been lost.
   * Returns a function that stops it.
   */
  watch: (rotation: Rotation, onNews: () => void) => () => void;
};

export const rotationTtlMs = 30 * 24 * 60 * 60 * 1000;
export const keyTtlMs = 24 * 60 * 60 * 1000;
/** People of a system who are away at the same time. More than any system has staff; it bounds what a store keeps. */
export const maxLeaves = 10_000;
