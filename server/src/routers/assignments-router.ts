import { Assignment, CandidatesAnswer, NextInput, PeekInput, RotationInput } from '@auth-bff/shared';
import { router, signedInProcedureWith } from '../trpc.ts';

/** Whose turn it is, among the people who have a role. */
export const assignmentsRouter = router({
  /** The active people who have the role, in the order of their turns. */
  candidates: signedInProcedureWith(RotationInput, CandidatesAnswer).query(({ request, asking, input }) =>
    request.assignments.candidates(input, asking),
  ),

  /** Gives the next turn. The same `key` gives the same person again, for 24 hours. */
  next: signedInProcedureWith(NextInput, Assignment).mutation(({ request, asking, input }) =>
    request.assignments.next(input, asking),
  ),

  /** Whose turn is next, with nothing moved. */
  peek: signedInProcedureWith(PeekInput, Assignment).query(({ request, asking, input }) =>
    request.assignments.peek(input, asking),
  ),
});
