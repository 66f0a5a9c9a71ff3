import type { AnyTRPCProcedure } from '@trpc/server';
import { accountRouter } from './routers/account-router.ts';
import { assignmentsRouter } from './routers/assignments-router.ts';
import { employeesRouter } from './routers/employees-router.ts';
import { sessionRouter } from './routers/session-router.ts';
import { statusRouter } from './routers/status-router.ts';
import { usersRouter } from './routers/users-router.ts';
import { assertPermissionsChecked } from './procedure-definition.ts';
import { router } from './trpc.ts';

/** A named type, so that the declaration of `AppRouter` refers to each router by name and keeps its doc comments. */
type Routers = {
  /** Signing in, staying signed in, signing out. */
  session: typeof sessionRouter;
  /** The profile, password and second factor of the caller. */
  account: typeof accountRouter;
  /** Staff users. */
  users: typeof usersRouter;
  /** Employees. Their ids overlap with those of staff users. */
  employees: typeof employeesRouter;
  /** Round-robin assignment among the people with a role. */
  assignments: typeof assignmentsRouter;
  /** State of the service. */
  status: typeof statusRouter;
};

const routers: Routers = {
  session: sessionRouter,
  account: accountRouter,
  users: usersRouter,
  employees: employeesRouter,
  assignments: assignmentsRouter,
  status: statusRouter,
};

/** Every procedure of the BFF. */
export const appRouter = router(routers);

assertPermissionsChecked(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);

/** Clients import only this type. */
export type AppRouter = typeof appRouter;
