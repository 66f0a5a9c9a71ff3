import { Assignment, CandidatesAnswer, NextInput, PeekInput, RotationInput } from '@auth-bff/shared';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** Round-robin assignment among the people with a role. */
export const assignmentsRouter = router({
  /** The active people with the role, in the order of their turns. */
  candidates: signedInProcedure
    .input(RotationInput)
    .use(permitted)
    .output(CandidatesAnswer)
    .query(({ ctx: { request, person }, input }) => request.assignments.candidates(input, person.caller)),

  /** Assigns the next person. For 24 hours, the same `key` returns the same person. */
  next: signedInProcedure
    .input(NextInput)
    .use(permitted)
    .output(Assignment)
    .mutation(({ ctx: { request, person }, input }) => request.assignments.next(input, person.caller)),

  /** The person whose turn is next. Changes nothing. */
  peek: signedInProcedure
    .input(PeekInput)
    .use(permitted)
    .output(Assignment)
    .query(({ ctx: { request, person }, input }) => request.assignments.peek(input, person.caller)),
});
