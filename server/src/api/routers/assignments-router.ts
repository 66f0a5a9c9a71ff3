import { Assignment, CandidatesAnswer, NextInput, PeekInput, RotationInput } from '@auth-bff/shared';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** Whose turn it is, among the people who have a role. */
export const assignmentsRouter = router({
  /** The active people who have the role, in the order of their turns. */
  candidates: signedInProcedure
    .input(RotationInput)
    .use(permitted)
    .output(CandidatesAnswer)
    .query(({ ctx: { request, person }, input }) => request.assignments.candidates(input, person.asking)),

  /** Gives the next turn. The same `key` gives the same person again, for 24 hours. */
  next: signedInProcedure
    .input(NextInput)
    .use(permitted)
    .output(Assignment)
    .mutation(({ ctx: { request, person }, input }) => request.assignments.next(input, person.asking)),

  /** Whose turn is next, with nothing moved. */
  peek: signedInProcedure
    .input(PeekInput)
    .use(permitted)
    .output(Assignment)
    .query(({ ctx: { request, person }, input }) => request.assignments.peek(input, person.asking)),
});
