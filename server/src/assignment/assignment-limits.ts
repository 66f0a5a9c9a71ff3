import { AppError } from '../errors.ts';

/** Limits of `assignments.next`. The windows are fixed: an hour begins with its first addition. */
export type AssignmentLimits = {
  /** New keys of one person in all rotations. Default 2,000. A known key does not count. */
  keysPerPersonPerHour: number;
  /** New keys of all people in one rotation. Default 20,000. */
  keysPerRotationPerHour: number;
  /** Rotations that one person starts. Default 100. */
  rotationsPerPersonPerHour: number;
};

export const defaultAssignmentLimits: Readonly<AssignmentLimits> = {
  keysPerPersonPerHour: 2_000,
  keysPerRotationPerHour: 20_000,
  rotationsPerPersonPerHour: 100,
};

export const assignmentWindowMs = 60 * 60 * 1000;

const toText = (count: number) => count.toLocaleString('en');

const messageOf: Record<keyof AssignmentLimits, (most: string) => string> = {
  keysPerPersonPerHour: (most) =>
    `You have used ${most} new assignment keys within an hour. Known keys still work; wait before you use new ones.`,
  keysPerRotationPerHour: (most) =>
    `This rotation has had ${most} new assignment keys within an hour. Known keys still work; wait before you use new ones.`,
  rotationsPerPersonPerHour: (most) =>
    `You have started ${most} rotations within an hour. Use a role that has had turns before, or wait.`,
};

/** The error of a call that exceeds a limit. `resetMs`: milliseconds until the window ends. */
export const toLimitError = (
  limit: keyof AssignmentLimits,
  { limits, resetMs }: { limits: AssignmentLimits; resetMs: number },
): AppError =>
  new AppError('rate_limited', {
    message: messageOf[limit](toText(limits[limit])),
    retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
  });
