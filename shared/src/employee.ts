import { z } from 'zod';

/** An employee, as the help desk may see them. `null` means that the Auth Service did not say. */
export const Employee = z.object({
  id: z.number(),
  email: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  status: z.string().nullable(),
  createdAt: z.date().nullable(),
});
export type Employee = z.infer<typeof Employee>;
