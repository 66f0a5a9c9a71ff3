import type { AnyTRPCProcedure } from '@trpc/server';
import { assignmentsRouter } from './routers/assignments-router.ts';
import { employeesRouter } from './routers/employees-router.ts';
import { sessionRouter } from './routers/session-router.ts';
import { statusRouter } from './routers/status-router.ts';
import { usersRouter } from './routers/users-router.ts';
import { assertPermissionsChecked } from './procedure-definition.ts';
import { router } from './trpc.ts';

/** Every procedure of the BFF. */
export const appRouter = router({
  session: sessionRouter,
  users: usersRouter,
  employees: employeesRouter,
  assignments: assignmentsRouter,
  status: statusRouter,
});

assertPermissionsChecked(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);

/** The type that a client is made with. */
export type AppRouter = typeof appRouter;
