import { z } from 'zod';
import { maxIdsPerCall } from './protocol.ts';
import { RoleName, SystemName } from './roles.ts';
import { schemaOf } from './schema-of.ts';
import { PersonId, User } from './user.ts';

/** Why nobody is assigned: no active person has the role, all of them are excluded, or all others are away. */
export const noAssigneeReasons = ['no_candidates', 'all_excluded', 'all_away'] as const;
export type NoAssigneeReason = (typeof noAssigneeReasons)[number];

/** The person whose turn it is, or the reason why no person is available. */
export type Assignment =
  | {
      assignee: User;
      /** Whether an earlier call with the same key got this person. */
      replayed: boolean;
      /** Number of active people with the role, before `exclude`. */
      candidates: number;
      /** Whether the people come from the cache because the Auth Service is unavailable. */
      stale: boolean;
    }
  | { assignee: null; reason: NoAssigneeReason; candidates: number; stale: boolean };
export const Assignment = schemaOf<Assignment>()(
  z.union([
    z.object({ assignee: User, replayed: z.boolean(), candidates: z.number(), stale: z.boolean() }),
    z.object({
      assignee: z.null(),
      reason: z.enum(noAssigneeReasons),
      candidates: z.number(),
      stale: z.boolean(),
    }),
  ]),
);

export const RotationInput = z.object({ system: SystemName, role: RoleName });
export type RotationInput = z.infer<typeof RotationInput>;

/** People to skip in this call. They keep their turns. */
const Excluded = z.array(PersonId).max(maxIdsPerCall, `Expected at most ${maxIdsPerCall} ids`).optional();

export const PeekInput = RotationInput.extend({ exclude: Excluded });
export type PeekInput = z.infer<typeof PeekInput>;

/** The idempotency key of an assignment, such as the id of a ticket. */
const AssignmentKey = z
  .string()
  .min(1, 'Expected a key, such as the id of a ticket')
  .max(200, 'Expected at most 200 characters');

export const NextInput = PeekInput.extend({
  /** Idempotency key, such as a ticket's id: for 24 hours, the same key returns the same person. */
  key: AssignmentKey.optional(),
});
export type NextInput = z.infer<typeof NextInput>;

export const ReassignInput = PeekInput.extend({
  /** The key of the assignment that moves to another person. */
  key: AssignmentKey,
});
export type ReassignInput = z.infer<typeof ReassignInput>;

/** The active people with the role, in the order of their turns. */
export interface CandidatesAnswer {
  users: User[];
}
export const CandidatesAnswer = schemaOf<CandidatesAnswer>()(z.object({ users: z.array(User) }));

/** Why somebody is away. Null in both: no end and no note. */
export interface Leave {
  until: Date | null;
  note: string | null;
}

/** A person in a rotation. */
export interface RotationPerson {
  user: User;
  /** Null: no turn in the last 30 days, or the turns were reset. */
  lastTurnAt: Date | null;
  /** Number of turns since the rotation began or was reset. A turn that was handed on counts for the next person only. */
  turns: number;
  /** Null: the person is available. */
  away: Leave | null;
}

/** The people with the role, next in turn first; people who are away last. */
export interface RotationAnswer {
  people: RotationPerson[];
}
export const RotationAnswer = schemaOf<RotationAnswer>()(
  z.object({
    people: z.array(
      z.object({
        user: User,
        lastTurnAt: z.date().nullable(),
        turns: z.number(),
        away: z.object({ until: z.date().nullable(), note: z.string().nullable() }).nullable(),
      }),
    ),
  }),
);

/** The most entries that the history of a rotation keeps. */
export const maxHistoryEntries = 1_000;
const maxHistoryLimit = 500;

export const HistoryInput = RotationInput.extend({
  /** The most entries returned. */
  limit: z.int().min(1).max(maxHistoryLimit).default(50),
});
export type HistoryInput = z.infer<typeof HistoryInput>;

export const turnKinds = ['assigned', 'reassigned'] as const;

/** A turn that was given. */
export interface TurnEntry {
  at: Date;
  /** The idempotency key of the assignment. */
  key: string | null;
  /** The id of the person who got the turn. */
  assignee: number;
  /** The id of the staff user who called; of the service account, if a service called. */
  by: number;
  kind: (typeof turnKinds)[number];
}
export const TurnEntry = schemaOf<TurnEntry>()(
  z.object({
    at: z.date(),
    key: z.string().nullable(),
    assignee: z.number(),
    by: z.number(),
    kind: z.enum(turnKinds),
  }),
);

/** The last turns of a rotation, newest first. */
export interface HistoryAnswer {
  entries: TurnEntry[];
}
export const HistoryAnswer = schemaOf<HistoryAnswer>()(z.object({ entries: z.array(TurnEntry) }));

export const maxNoteLength = 200;

/** Control characters and line separators: a note is one line. */
const lineBreaks = /[\p{Cc}\u2028\u2029]/u;

const untilOrNote = ['until', 'note'] as const;

export const AvailabilityInput = z
  .object({
    system: SystemName,
    /** Whose availability. Default: the caller's. */
    userId: PersonId.optional(),
    away: z.boolean('Expected true or false'),
    /** When the person is available again. Default: when somebody says so. */
    until: z.date('Expected a time').optional(),
    /** Why, in one line, for colleagues. */
    note: z
      .string()
      .trim()
      .max(maxNoteLength, `Expected at most ${maxNoteLength} characters`)
      .refine((note) => !lineBreaks.test(note), 'Expected one line without control characters')
      .optional(),
  })
  .superRefine((input, { addIssue }) => {
    if (input.away) return;
    for (const name of untilOrNote) {
      if (input[name] === undefined) continue;
      addIssue({ code: 'custom', path: [name], message: 'Expected only with away: true' });
    }
  });
export type AvailabilityInput = z.infer<typeof AvailabilityInput>;

export const OnTurnInput = RotationInput.extend({
  /** The id of the last event received. The subscription continues after it. Default: only new turns. */
  lastEventId: z.string().max(64, 'Expected the id of an event').nullish(),
});
export type OnTurnInput = z.infer<typeof OnTurnInput>;
