import { Assignment, CandidatesAnswer, NextInput, PeekInput, RotationInput } from '@auth-bff/shared';
import { router, signedInProcedureWith } from '../trpc.ts';

/** Whose turn it is, among the people who have a role. */
export const assignmentsRouter = router({
  /** The active people who have the role, in the order of their turns. */
  candidates: signedInProcedureWith(RotationInput)
    .output(CandidatesAnswer)
    .query(({ ctx, input }) => ctx.assignments.candidates(input)),

  /** Gives the next turn. The same `key` gives the same person again, for 24 hours. */
  next: signedInProcedureWith(NextInput)
    .output(Assignment)
    .mutation(({ ctx, input }) => ctx.assignments.next(input)),

  /** Whose turn is next, with nothing moved. */
  peek: signedInProcedureWith(PeekInput)
    .output(Assignment)
    .query(({ ctx, input }) => ctx.assignments.peek(input)),
});
