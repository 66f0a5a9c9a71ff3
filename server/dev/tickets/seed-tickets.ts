import { toSeedHistory } from './seed-history.ts';
import { seedTitles } from './seed-titles.ts';
import { firstNumber, type Requester, type System, systems, type Ticket, type TicketWithHistory } from './ticket.ts';

/** Assignees by system: active people, in round-robin order. */
const assignees: Record<System, readonly number[]> = {
  TTS: [1, 5, 12, 23, 123],
  HDTS: [3, 5, 16, 19, 33, 118],
  AMS: [9, 24, 56, 110],
  BMS: [11, 45, 130],
};

/** Number of unassigned tickets by system. */
const unassigned: Record<System, number> = { TTS: 4, HDTS: 2, AMS: 0, BMS: 1 };

const staff = [18, 40, 51, 58, 26, 77, 20, 27, 64, 47, 71, 80, 34, 38];
const employees = [1, 3, 5, 6, 7, 8, 10, 11, 12, 14, 16, 19];

const pick = (ids: readonly number[], index: number): number => ids[index % ids.length] ?? 0;

const toRequester = (index: number): Requester =>
  index % 2 === 0
    ? { requesterId: pick(employees, index / 2), requesterType: 'employee' }
    : { requesterId: pick(staff, (index - 1) / 2), requesterType: 'staff' };

/** Minutes between two tickets. Every fifteenth gap includes a night. */
const gapMinutes = (index: number): number => 11 + ((index * 37) % 83) + (index % 15 === 14 ? 720 : 0);

type Draft = Pick<Ticket, 'system' | 'title' | 'assigneeId'> & { place: number };

/** `place`: position among all tickets, from 0 to 1. Sorting by it mixes the systems and keeps the order within each. */
const draftsOf = (system: System): Draft[] => {
  const titles = seedTitles[system];
  const every = Math.floor(titles.length / unassigned[system]);
  let turn = 0;
  return titles.map((title, index) => ({
    system,
    title,
    assigneeId: index % every === every - 1 ? null : pick(assignees[system], turn++),
    place: (index + 0.5) / titles.length,
  }));
};

/** Who had the ticket before its assignee: the next person of the system. The newest tickets are too new to be handed on. */
const toPreviousId = ({ system, assigneeId }: Draft, index: number, newer: number): number | null => {
  if (assigneeId === null || newer < 2 || index % 6 !== 2) return null;
  return pick(assignees[system], assignees[system].indexOf(assigneeId) + 1);
};

/** Sixty tickets of the last days, newest first. Everything except the timestamps is deterministic. */
export const toSeedTickets = (nowMs: number): TicketWithHistory[] => {
  const oldestFirst = systems.flatMap(draftsOf).toSorted((left, right) => left.place - right.place);
  let createdAtMs = Math.floor(nowMs / 60_000) * 60_000;
  return oldestFirst.toReversed().map((draft, newer) => {
    const { system, title, assigneeId } = draft;
    const index = oldestFirst.length - 1 - newer;
    createdAtMs -= gapMinutes(newer) * 60_000;
    const ticket: Ticket = {
      id: `T-${firstNumber + index}`,
      title,
      system,
      ...toRequester(index),
      assigneeId,
      turnKey: null,
      createdAt: new Date(createdAtMs).toISOString(),
    };
    return { ticket, history: toSeedHistory({ ticket, index, previousId: toPreviousId(draft, index, newer) }) };
  });
};
