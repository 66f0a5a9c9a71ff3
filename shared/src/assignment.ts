import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { RoleName, SystemName } from './roles.ts';
import { PersonId, User } from './user.ts';

/** Whose turn it is: a person, or why there is nobody. */
export const Assignment = z.union([
  z.object({
    assignee: User,
    /** Whether the key was seen before, and this is whom it was given to then. */
    replayed: z.boolean(),
    /** The active people who have the role, before `exclude`. */
    candidates: z.number(),
    /** Whether who they are comes from memory, since the Auth Service cannot be asked. */
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

/** People who are passed over in this call, at no cost to their turn. */
const Excluded = z.array(PersonId).max(maxIdsPerCall, `Expected at most ${maxIdsPerCall} ids`).optional();

export const PeekInput = RotationInput.extend({ exclude: Excluded });
export type PeekInput = z.infer<typeof PeekInput>;

export const NextInput = PeekInput.extend({
  /** What the turn is for, such as a ticket's id: the same key gives the same person again, for 24 hours. */
  key: z
    .string()
    .min(1, 'Expected what the turn is for, such as the id of a ticket')
    .max(200, 'Expected at most 200 characters')
    .optional(),
});
export type NextInput = z.infer<typeof NextInput>;

/** The people who have the role, in the order of their turns. */
export const CandidatesAnswer = z.object({ users: z.array(User) });
export type CandidatesAnswer = z.infer<typeof CandidatesAnswer>;
