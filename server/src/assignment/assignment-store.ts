import { toAsciiLowerCase } from '@auth-bff/shared';

/** One queue of people: those of one role in one system, by names that are the same however they are spelt. */
export type Rotation = string;

/**
 * The rotation of a system's role. Both compare as roles do (`hasRole`): without case in ASCII only. Not normalized:
 * Unicode's normal form of the Kelvin sign is K.
 */
export const toRotation = ({ system, role }: { system: string; role: string }): Rotation =>
  [system, role].map((name) => encodeURIComponent(toAsciiLowerCase(name.trim()))).join('/');

export type Take = {
  rotation: Rotation;
  /** Who may be given the turn, ascending. */
  candidates: readonly number[];
  /** What the turn is for; null for nothing that comes again. */
  key: string | null;
  /** The caller whose limits apply, such as `staff 123`. */
  by: string;
};

export type Turn = { assignee: number; replayed: boolean };

/**
 * Remembers whose turn was when. A rotation counts its turns; the count, and no clock, says who is before whom.
 * Rotations that are unused for 30 days are forgotten, and keys after 24 hours.
 */
export type AssignmentStore = {
  /**
   * One atomic step: whom the key was given to before; else the candidate who has waited longest, ties by lower id,
   * whose turn it then was. Null where there is neither. Throws `store_unavailable`; then a turn may have been taken
   * all the same, and the same key finds it. Throws `rate_limited` for a call over one of the `AssignmentLimits`; then
   * nothing has moved and nothing was charged.
   */
  take: (take: Take) => Promise<Turn | null>;
  /** The number of each candidate's last turn, 0 for none, in the order asked. Throws `store_unavailable`. */
  lastTurns: (rotation: Rotation, candidates: readonly number[]) => Promise<number[]>;
};

export const rotationTtlMs = 30 * 24 * 60 * 60 * 1000;
export const keyTtlMs = 24 * 60 * 60 * 1000;
