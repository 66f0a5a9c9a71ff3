import {
  Assignment,
  CandidatesAnswer,
  NextInput,
  OnTurnInput,
  PeekInput,
  RotationInput,
  TurnEntry,
} from '@auth-bff/shared';
import { tracked } from '@trpc/server';
import type { Assignments } from '../../assignment/assignments.ts';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

async function* toTracked(turns: ReturnType<Assignments['onTurn']>) {
  for await (const { id, entry } of turns) yield tracked(id, TurnEntry.parse(entry));
}

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

  /**
   * Every new turn of a rotation, on all replicas. A subscription that continues after `lastEventId` misses none of the last
   * 1,000.
   */
  onTurn: signedInProcedure
    .input(OnTurnInput)
    .use(permitted)
    .subscription(({ ctx: { request, person }, input, signal }) =>
      request.openStream({
        owner: person,
        signal,
        events: (ended) => toTracked(request.assignments.onTurn(input, ended)),
      }),
    ),
});
