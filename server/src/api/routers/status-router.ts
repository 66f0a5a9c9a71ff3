import { Status } from '@auth-bff/shared';
import { publicProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** State of the service. */
export const statusRouter = router({
  /** The state of the Auth Service, and since when. */
  get: publicProcedure.output(Status).query(({ ctx }) => ctx.request.status()),
});
