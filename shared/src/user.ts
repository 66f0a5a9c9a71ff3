import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { SystemRole } from './roles.ts';
import { schemaOf } from './schema-of.ts';

/** A staff user. `null`: the Auth Service does not provide the value. */
export interface User {
  id: number;
  email: string;
  firstName: string;
  lastName: string;
  companyId: string | null;
  department: string | null;
  position: string | null;
  isActive: boolean | null;
  joinedAt: Date | null;
  systems: string[] | null;
  roles: SystemRole[] | null;
}
export const User = schemaOf<User>()(
  z.object({
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
  }),
);

/** The id of a person. Ids of staff and of employees overlap. */
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

/** The users found, in the requested order without duplicates, and the ids without a user. */
export interface UsersAnswer {
  users: User[];
  notFound: number[];
}
export const UsersAnswer = schemaOf<UsersAnswer>()(z.object({ users: z.array(User), notFound: z.array(z.number()) }));
