import { CompanyId, Employee, PersonId, PersonIds, RoleName, SystemName, User, UsersAnswer } from '@auth-bff/shared';
import { z } from 'zod';
import { isSync } from '../../platform/maybe-promise.ts';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** The number of ids of one `users.byIds` that the rate limit counts as one call. */
const idsPerCall = 50;

/** Staff users. */
export const usersRouter = router({
  /** The profile of the caller: a User, or an Employee. */
  me: signedInProcedure
    .output(z.union([User, Employee]))
    .query(({ ctx }) => ctx.request.directory.me(ctx.person.caller)),

  /** One user by id. */
  byId: signedInProcedure
    .input(z.object({ id: PersonId }))
    .output(User)
    .query(({ ctx: { request, person }, input }) => request.directory.user(input.id, person.caller)),

  /** Up to 500 users in the requested order, each once, and the ids that do not exist. */
  byIds: signedInProcedure
    .input(z.object({ ids: PersonIds }))
    .output(UsersAnswer)
    .query(({ ctx: { request, person }, input }) => {
      // One call was counted when the request arrived.
      const charged = request.charge(person.caller, Math.ceil(input.ids.length / idsPerCall) - 1);
      const load = () => request.directory.users(input.ids, person.caller);
      return isSync(charged) ? load() : charged.then(load);
    }),

  /** One user by company id, such as MA0001. */
  byCompanyId: signedInProcedure
    .input(z.object({ companyId: CompanyId }))
    .output(User)
    .query(({ ctx: { request, person }, input }) => request.directory.userByCompanyId(input.companyId, person.caller)),

  /** The ids of everyone with a role in a system. */
  byRole: signedInProcedure
    .input(z.object({ system: SystemName, role: RoleName }))
    .use(permitted)
    .output(z.object({ userIds: z.array(z.number()) }))
    .query(async ({ ctx: { request, person }, input }) => ({
      userIds: await request.directory.userIdsByRole(input, person.caller),
    })),
});
