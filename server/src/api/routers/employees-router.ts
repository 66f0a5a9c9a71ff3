import { Employee, PersonId } from '@auth-bff/shared';
import { z } from 'zod';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** Employees. Their ids overlap with those of staff users. */
export const employeesRouter = router({
  /** One employee by id: for the help desk, and for the employee. */
  byId: signedInProcedure
    .input(z.object({ id: PersonId }))
    .use(permitted)
    .output(Employee)
    .query(({ ctx: { request, person }, input }) => request.directory.employee(input.id, person.caller)),
});
