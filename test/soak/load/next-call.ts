import { systemsOf } from '../../../server/dev/auth-service/people/people.ts';
import type { Random } from '../../support/fuzz/random.ts';
import { crowd } from '../../support/app/crowd.ts';
import type { SoakClient } from './soak-client.ts';

type Call = { procedure: string; send: (client: SoakClient, random: Random) => Promise<unknown> };

/** More people than a page shows, and fewer than the directory cache holds. */
const people = crowd(500);
const turn = { system: 'TTS', role: 'Technician' } as const;
let tickets = 0;

const lookUp: Call = {
  procedure: 'users.byId',
  send: ({ trpc }, random) => trpc.users.byId.query({ id: people[random.below(people.length)] ?? 0 }),
};
const whoAmI: Call = { procedure: 'session.me', send: ({ trpc }) => trpc.session.me.query() };
const current: Call = { procedure: 'session.current', send: ({ trpc }) => trpc.session.current.query() };
const myRecord: Call = { procedure: 'users.me', send: ({ trpc }) => trpc.users.me.query() };
const page: Call = {
  procedure: 'users.byIds',
  send: ({ trpc }, random) => {
    const from = random.below(people.length - 20);
    return trpc.users.byIds.query({ ids: people.slice(from, from + 20) });
  },
};
const status: Call = { procedure: 'status.get', send: ({ trpc }) => trpc.status.get.query() };
const role: Call = { procedure: 'users.byRole', send: ({ trpc }) => trpc.users.byRole.query(turn) };
const assign: Call = {
  procedure: 'assignments.next',
  send: ({ trpc }) => trpc.assignments.next.mutate({ ...turn, key: `T-${(tickets += 1)}` }),
};

/** The weighted mix of calls of a help desk. */
const forAll: readonly Call[] = [
  ...Array.from({ length: 8 }, () => lookUp),
  whoAmI,
  whoAmI,
  current,
  current,
  myRecord,
  page,
  page,
  page,
  status,
];
const forTts: readonly Call[] = [...forAll, role, role, assign];

/** Picks the next call of a client at random. */
export const nextCall = (client: SoakClient, random: Random): Call => {
  const calls = systemsOf(client.person).includes('TTS') ? forTts : forAll;
  return calls[random.below(calls.length)] ?? lookUp;
};
