import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { RoleName, SystemName } from './roles.ts';
import { PersonId, User } from './user.ts';

/** The assigned person, or the reason why there is none. */
export const Assignment = z.union([
  z.object({
    assignee: User,
    /** The key was assigned before, and this is its earlier assignee. */
    replayed: z.boolean(),
    /** Number of active people with the role, before `exclude`. */
    candidates: z.number(),
    /** The candidates come from the cache, because the Auth Service is unavailable. */
    stale: z.boolean(),
  }),
  z.object({
    assignee: z.null(),
    reason: z.enum(['no_candidates', 'all_excluded']),
    candidates: z.number(),
    stale: z.boolean(),
  }),
]);
export type Assignment = z.infer<typeof Assignment>;

export const RotationInput = z.object({ system: SystemName, role: RoleName });
export type RotationInput = z.infer<typeof RotationInput>;

/** Ids of people to skip in this call. They keep their place in the rotation. */
const Excluded = z.array(PersonId).max(maxIdsPerCall, `Expected at most ${maxIdsPerCall} ids`).optional();

export const PeekInput = RotationInput.extend({ exclude: Excluded });
export type PeekInput = z.infer<typeof PeekInput>;

export const NextInput = PeekInput.extend({
  /** Idempotency key, such as a ticket's id. For 24 hours, the same key returns the same person. */
  key: z
    .string()
    .min(1, 'Expected a key, such as the id of a ticket')
    .max(200, 'Expected at most 200 characters')
    .optional(),
});
export type NextInput = z.infer<typeof NextInput>;

/** The people with the role, next in turn first. */
export const CandidatesAnswer = z.object({ users: z.array(User) });
export type CandidatesAnswer = z.infer<typeof CandidatesAnswer>;
