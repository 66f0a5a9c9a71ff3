import {
  Assignment,
  AvailabilityInput,
  CandidatesAnswer,
  HistoryAnswer,
  HistoryInput,
  NextInput,
  OnTurnInput,
  PeekInput,
  ReassignInput,
  RotationAnswer,
  RotationInput,
  TurnEntry,
} from '@auth-bff/shared';
import { tracked } from '@trpc/server';
import { z } from 'zod';
import type { Assignments } from '../../assignment/assignments.ts';
import { StreamPosition } from '../../live/stream-position.ts';
import { permitted } from '../middlewares.ts';
import { signedInProcedure } from '../procedures.ts';
import { repeatOf } from '../repeat.ts';
import { router } from '../trpc.ts';

/** The turns after `lastEventId`, or from now on: then after their position. */
async function* trackedTurns({ onTurn, newestTurnId }: Assignments, input: OnTurnInput, ended: AbortSignal) {
  const isResumed = (input.lastEventId ?? null) !== null;
  const lastEventId = isResumed ? input.lastEventId : await newestTurnId(input);
  const turns = onTurn({ ...input, lastEventId }, ended);
  if (!isResumed && typeof lastEventId === 'string') yield new StreamPosition(lastEventId);
  for await (const { id, entry } of turns) yield tracked(id, TurnEntry.parse(entry));
}

/** Round-robin assignment among the people with a role. */
export const assignmentsRouter = router({
  /** The active people with the role, in the order of their turns; people who are away last. */
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
   * Hands an assignment on to the next person who has not had it, and gives the previous one their place back. A repeat
   * with the same header `x-idempotency-key` (without it: with the same request id within a minute) hands it on once.
   */
  reassign: signedInProcedure
    .input(ReassignInput)
    .use(permitted)
    .output(Assignment)
    .mutation(({ ctx: { request, person }, input }) => {
      const { key, forMs } = repeatOf(request);
      return request.assignments.reassign(input, person.caller, key, forMs);
    }),

  /** The people with the role, next in turn first: their last turn, the number of their turns, and until when they are away. */
  rotation: signedInProcedure
    .input(RotationInput)
    .use(permitted)
    .output(RotationAnswer)
    .query(({ ctx: { request, person }, input }) => request.assignments.rotation(input, person.caller)),

  /** The last turns, newest first: who got each of them, and who called. */
  history: signedInProcedure
    .input(HistoryInput)
    .use(permitted)
    .output(HistoryAnswer)
    .query(({ ctx: { request, person }, input }) => request.assignments.history(input, person.caller)),

  /** Says that a person, by default the caller, gets no turns of a system for now, or gets them again. */
  setAvailability: signedInProcedure
    .input(AvailabilityInput)
    .use(permitted)
    .output(z.null())
    .mutation(async ({ ctx: { request, person }, input }) => {
      await request.turnAdministration.setAvailability(input, person.caller);
      return null;
    }),

  /** Forgets everybody's place in the rotation. Keys, history and availability stay. */
  reset: signedInProcedure
    .input(RotationInput)
    .use(permitted)
    .output(z.null())
    .mutation(async ({ ctx: { request, person }, input }) => {
      await request.turnAdministration.reset(input, person.caller);
      return null;
    }),

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
        events: (ended) => trackedTurns(request.assignments, input, ended),
      }),
    ),
});
