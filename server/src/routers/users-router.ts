import { CompanyId, Employee, PersonId, PersonIds, RoleName, SystemName, User, UsersAnswer } from '@auth-bff/shared';
import { z } from 'zod';
import { router, signedInProcedure, signedInProcedureWith } from '../trpc.ts';

/** Staff users. */
export const usersRouter = router({
  /** The person signed in: a User, or an Employee. */
  me: signedInProcedure.output(z.union([User, Employee])).query(({ ctx }) => ctx.directory.me()),

  /** One user by id. */
  byId: signedInProcedureWith(z.object({ id: PersonId }))
    .output(User)
    .query(({ ctx, input }) => ctx.directory.user(input.id)),

  /** Up to 500 users in the order asked, each once, and the ids that nobody has. */
  byIds: signedInProcedureWith(z.object({ ids: PersonIds }))
    .output(UsersAnswer)
    .query(({ ctx, input }) => ctx.directory.users(input.ids)),

  /** One user by company id, such as MA0001. */
  byCompanyId: signedInProcedureWith(z.object({ companyId: CompanyId }))
    .output(User)
    .query(({ ctx, input }) => ctx.directory.userByCompanyId(input.companyId)),

  /** The ids of everybody who has a role in a system. */
  byRole: signedInProcedureWith(z.object({ system: SystemName, role: RoleName }))
    .output(z.object({ userIds: z.array(z.number()) }))
    .query(async ({ ctx, input }) => ({ userIds: await ctx.directory.userIdsByRole(input) })),
});
