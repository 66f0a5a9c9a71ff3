import { describe, expect, it } from 'vitest';
import { createPeopleDirectory } from '../../../../server/dev/auth-service/people/people-directory.ts';
import { toSeedTickets } from '../../../../server/dev/tickets/seed-tickets.ts';

const people = createPeopleDirectory();
const now = Date.UTC(2026, 2, 14, 9, 26, 53);
const seed = toSeedTickets(now);
const tickets = seed.map(({ ticket }) => ticket);
const countBy = <Key>(keys: readonly Key[]) =>
  new Map([...new Set(keys)].map((key) => [key, keys.filter((other) => other === key).length]));

describe('seed tickets', () => {
  it('there are sixty tickets of all four systems with unique ids and titles', () => {
    expect(tickets).toHaveLength(60);
    expect(new Set(tickets.map(({ id }) => id)).size).toBe(60);
    expect(new Set(tickets.map(({ title }) => title)).size).toBe(60);
    expect(countBy(tickets.map(({ system }) => system))).toEqual(
      new Map([
        ['TTS', 24],
        ['HDTS', 14],
        ['AMS', 12],
        ['BMS', 10],
      ]),
    );
  });

  it('seed tickets are from the last days, newest first', () => {
    const times = tickets.map(({ createdAt }) => Date.parse(createdAt));
    expect(times).toEqual(times.toSorted((left, right) => right - left));
    expect(Math.max(...times)).toBeLessThan(now);
    expect(Math.min(...times)).toBeGreaterThan(now - 7 * 24 * 60 * 60 * 1000);
    expect([tickets[0]?.id, tickets.at(-1)?.id]).toEqual(['T-1060', 'T-1001']);
  });

  it('seed tickets differ only in their timestamps between two starts', () => {
    const withoutTime = (at: number) =>
      JSON.stringify(toSeedTickets(at), (name, value: unknown) =>
        name === 'createdAt' || name === 'at' ? undefined : value,
      );
    expect(withoutTime(now + 86_400_000)).toEqual(withoutTime(now));
  });

  it('requesters are existing staff and employees', () => {
    const requestedBy = (type: 'staff' | 'employee') => tickets.filter(({ requesterType }) => requesterType === type);
    expect(requestedBy('staff')).toHaveLength(30);
    expect(requestedBy('staff').filter(({ requesterId }) => people.staff.find(requesterId) === null)).toEqual([]);
    expect(requestedBy('employee').filter(({ requesterId }) => people.employees.find(requesterId) === null)).toEqual(
      [],
    );
  });

  it('assignees are active people of the system, and some tickets are unassigned', () => {
    const assigned = tickets.flatMap(({ system, assigneeId }) => (assigneeId === null ? [] : [{ system, assigneeId }]));
    expect(assigned).toHaveLength(53);
    const misplaced = assigned.filter(({ system, assigneeId }) => {
      const person = people.staff.find(assigneeId);
      return person?.is_active !== true || person.roles.every((role) => role.system !== system);
    });
    expect(misplaced).toEqual([]);
  });

  it.each([
    ['TTS', 'Technician', 4],
    ['HDTS', 'Agent', 2],
    ['AMS', 'Manager', 3],
    ['BMS', 'Manager', 3],
  ])('tickets of %s are spread evenly: each active %s has %i', (system, role, share) => {
    const active = people.staffIdsByRole(system, role).filter((id) => people.staff.find(id)?.is_active);
    const shares = countBy(tickets.flatMap((ticket) => (ticket.system === system ? (ticket.assigneeId ?? []) : [])));
    expect(active.map((id) => shares.get(id))).toEqual(active.map(() => share));
  });

  it('each history begins with the opening by the requester, and ends with the present assignee', () => {
    for (const { ticket, history } of seed) {
      const { id, createdAt, requesterType, requesterId, assigneeId } = ticket;
      const by = { type: requesterType, id: requesterId };
      expect([id, history[0]]).toEqual([id, { at: createdAt, kind: 'opened', by }]);
      const last = history.at(-1);
      expect([id, last?.kind === 'opened' ? null : last?.to]).toEqual([id, assigneeId]);
    }
  });

  it('the events of each history are in order and in the past, and its people belong to the system', () => {
    for (const { ticket, history } of seed) {
      const times = history.map(({ at }) => at);
      expect([ticket.id, times]).toEqual([ticket.id, times.toSorted()]);
      expect(Math.max(...times.map((at) => Date.parse(at)))).toBeLessThan(now);
      const involved = history.flatMap((event) =>
        event.kind === 'opened' ? [] : [event.by.id, event.to, event.kind === 'handed_on' ? event.from : event.to],
      );
      const strangers = involved.filter((id) => {
        const person = people.staff.find(id);
        return person?.is_active !== true || person.roles.every(({ system }) => system !== ticket.system);
      });
      expect([ticket.id, strangers]).toEqual([ticket.id, []]);
    }
  });

  it('some tickets were handed on to another person', () => {
    const handedOn = seed.flatMap(({ history }) => history.filter((event) => event.kind === 'handed_on'));
    expect(handedOn.length).toBeGreaterThan(4);
    expect(handedOn.filter(({ from, to }) => from === to)).toEqual([]);
  });
});
