import { z } from 'zod';

/** An employee, as visible to the help desk. A field is `null` if the Auth Service does not report it. */
export const Employee = z.object({
  id: z.number(),
  email: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  status: z.string().nullable(),
  createdAt: z.date().nullable(),
});
export type Employee = z.infer<typeof Employee>;
