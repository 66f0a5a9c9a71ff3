import { z } from 'zod';
import { schemaOf } from './schema-of.ts';

/** An employee, as the help desk may see them. `null`: the Auth Service does not provide the value. */
export interface Employee {
  id: number;
  email: string;
  firstName: string;
  lastName: string;
  status: string | null;
  createdAt: Date | null;
}
export const Employee = schemaOf<Employee>()(
  z.object({
    id: z.number(),
    email: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    status: z.string().nullable(),
    createdAt: z.date().nullable(),
  }),
);
