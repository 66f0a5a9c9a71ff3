import { CompanyId, Employee, PersonId, PersonIds, RoleName, SystemName, User, UsersAnswer } from '@auth-bff/shared';
import { z } from 'zod';
import { isKnown } from '../awaitable.ts';
import { callsForIds } from '../limits/call-cost.ts';
import { router, signedInProcedure, signedInProcedureWith } from '../trpc.ts';

/** Staff users. */
export const usersRouter = router({
  /** The person signed in: a User, or an Employee. */
  me: signedInProcedure
    .output(z.union([User, Employee]))
    .query(({ ctx }) => ctx.request.directory.me(ctx.person.asking)),

  /** One user by id. */
  byId: signedInProcedureWith(z.object({ id: PersonId }), User).query(({ request, asking, input }) =>
    request.directory.user(input.id, asking),
  ),

  /** Up to 500 users in the order asked, each once, and the ids that nobody has. */
  byIds: signedInProcedureWith(z.object({ ids: PersonIds }), UsersAnswer).query(({ request, asking, input }) => {
    // One call was counted when the request arrived.
    const charged = request.charge(asking, callsForIds(input.ids) - 1);
    const load = () => request.directory.users(input.ids, asking);
    return isKnown(charged) ? load() : charged.then(load);
  }),

  /** One user by company id, such as MA0001. */
  byCompanyId: signedInProcedureWith(z.object({ companyId: CompanyId }), User).query(({ request, asking, input }) =>
    request.directory.userByCompanyId(input.companyId, asking),
  ),

  /** The ids of everybody who has a role in a system. */
  byRole: signedInProcedureWith(
    z.object({ system: SystemName, role: RoleName }),
    z.object({ userIds: z.array(z.number()) }),
  ).query(async ({ request, asking, input }) => ({
    userIds: await request.directory.userIdsByRole(input, asking),
  })),
});
