import { Employee, PersonId } from '@auth-bff/shared';
import { z } from 'zod';
import { router, signedInProcedureWith } from '../trpc.ts';

/** Employees, whose numbers overlap with those of staff. */
export const employeesRouter = router({
  /** One employee by id: for the help desk, and for the employee. */
  byId: signedInProcedureWith(z.object({ id: PersonId }), Employee).query(({ request, asking, input }) =>
    request.directory.employee(input.id, asking),
  ),
});
