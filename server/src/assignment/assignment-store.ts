import { toAsciiLowerCase } from '@auth-bff/shared';

/** The identifier of a rotation: the people with one role in one system take turns. Equal for all spellings of the names. */
export type Rotation = string;

/**
 * The rotation of a role in a system. Names compare as in `hasRole`: case-insensitive in ASCII only, and not normalized,
 * because the normal form of the Kelvin sign is K.
 */
export const toRotation = ({ system, role }: { system: string; role: string }): Rotation =>
  [system, role].map((name) => encodeURIComponent(toAsciiLowerCase(name.trim()))).join('/');

export type Take = {
  rotation: Rotation;
  /** The ids of the people who may take the turn, ascending. */
  candidates: readonly number[];
  /** The idempotency key of the turn. Null: the call is not idempotent. */
  key: string | null;
  /** The caller whose limits apply, such as `staff 123`. */
  by: string;
};

export type Turn = { assignee: number; replayed: boolean };

/**
 * Stores the turns of rotations. A rotation numbers its turns; the numbers determine the order, not a clock. Unused
 * rotations expire after 30 days, and keys after 24 hours.
 */
export type AssignmentStore = {
  /**
   * In one atomic step: returns the previous assignee of the key, or gives the turn to the candidate who has waited longest,
   * ties by lower id. Null: there is neither. Throws `store_unavailable`; the turn may have been taken nevertheless, and
   * the same key returns it. Throws `rate_limited` if the call exceeds one of the `AssignmentLimits`; then nothing has
   * changed and nothing was charged.
   */
  take: (take: Take) => Promise<Turn | null>;
  /** The number of each candidate's last turn, or 0, in the order of `candidates`. Throws `store_unavailable`. */
  lastTurns: (rotation: Rotation, candidates: readonly number[]) => Promise<number[]>;
};

export const rotationTtlMs = 30 * 24 * 60 * 60 * 1000;
export const keyTtlMs = 24 * 60 * 60 * 1000;
