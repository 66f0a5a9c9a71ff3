import { Status } from '@auth-bff/shared';
import { publicProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** How the service is. */
export const statusRouter = router({
  /** How the Auth Service is, and since when. */
  get: publicProcedure.output(Status).query(({ ctx }) => ctx.request.status()),
});
