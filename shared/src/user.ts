import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { SystemRole } from './roles.ts';

/** A staff user. A field is `null` if the Auth Service does not report it. */
export const User = z.object({
  id: z.number(),
  email: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  companyId: z.string().nullable(),
  department: z.string().nullable(),
  position: z.string().nullable(),
  isActive: z.boolean().nullable(),
  joinedAt: z.date().nullable(),
  systems: z.array(z.string()).nullable(),
  roles: z.array(SystemRole).nullable(),
});
export type User = z.infer<typeof User>;

/** Id of a person. The ids of staff and employees overlap. */
export const PersonId = z
  .int('Expected a whole number')
  .positive('Expected a number of 1 or more')
  .max(Number.MAX_SAFE_INTEGER);

/** Ids of one call. Duplicates are allowed. */
export const PersonIds = z
  .array(PersonId)
  .min(1, 'Expected at least one id')
  .max(maxIdsPerCall, `Expected at most ${maxIdsPerCall} ids`);

/** Input: a company id such as MA0001. */
export const CompanyId = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9_-]{1,50}$/, 'Expected a company id such as MA0001: 1 to 50 letters, digits, _ or -');

/** The users in the requested order, each once, and the ids that do not exist. */
export const UsersAnswer = z.object({ users: z.array(User), notFound: z.array(z.number()) });
export type UsersAnswer = z.infer<typeof UsersAnswer>;
