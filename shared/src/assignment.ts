import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { RoleName, SystemName } from './roles.ts';
import { schemaOf } from './schema-of.ts';
import { PersonId, User } from './user.ts';

/** The person whose turn it is, or the reason why no person is available. */
export type Assignment =
  | {
      assignee: User;
      /** Whether an earlier call with the same key got this person. */
      replayed: boolean;
      /** Number of active people with the role, before `exclude`. */
      candidates: number;
      /** Whether the people come from the cache because the Auth Service is unavailable. */
      stale: boolean;
    }
  | { assignee: null; reason: 'no_candidates' | 'all_excluded'; candidates: number; stale: boolean };
export const Assignment = schemaOf<Assignment>()(
  z.union([
    z.object({ assignee: User, replayed: z.boolean(), candidates: z.number(), stale: z.boolean() }),
    z.object({
      assignee: z.null(),
      reason: z.enum(['no_candidates', 'all_excluded']),
      candidates: z.number(),
      stale: z.boolean(),
    }),
  ]),
);

export const RotationInput = z.object({ system: SystemName, role: RoleName });
export type RotationInput = z.infer<typeof RotationInput>;

/** People to skip in this call. They keep their turns. */
const Excluded = z.array(PersonId).max(maxIdsPerCall, `Expected at most ${maxIdsPerCall} ids`).optional();

export const PeekInput = RotationInput.extend({ exclude: Excluded });
export type PeekInput = z.infer<typeof PeekInput>;

export const NextInput = PeekInput.extend({
  /** Idempotency key, such as a ticket's id: for 24 hours, the same key returns the same person. */
  key: z
    .string()
    .min(1, 'Expected a key, such as the id of a ticket')
    .max(200, 'Expected at most 200 characters')
    .optional(),
});
export type NextInput = z.infer<typeof NextInput>;

/** The active people with the role, in the order of their turns. */
export interface CandidatesAnswer {
  users: User[];
}
export const CandidatesAnswer = schemaOf<CandidatesAnswer>()(z.object({ users: z.array(User) }));
