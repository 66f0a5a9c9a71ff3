import { afterAll, expect, it } from 'vitest';
import type { NoHandOver, StoredTurn, Turn } from '../../../server/src/assignment/assignment-store.ts';
import { createRedisStore } from '../../../server/src/assignment/redis/redis-store.ts';
import { firstTurnId } from '../../../server/src/assignment/turn-ids.ts';
import { type StoreReplica, startStoreReplica } from '../../support/processes/start-store-replica.ts';
import type { StoreOperation } from '../../support/processes/store-replica.ts';
import { createAssignmentModel } from '../../support/redis/assignment-model.ts';
import { inRedis } from '../../support/redis/in-redis.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

/** The number of operations: the environment variable `ASSIGNMENT_OPERATIONS`, such as 30000. */
const operations = Number(process.env.ASSIGNMENT_OPERATIONS ?? 1_800);
const inFlight = 60;
const people = [1, 2, 3, 4, 5, 6];
const prefix = 'replicas:';
const sealingSecret = 'a-sealing-secret-of-the-tests';
/** Their leave and resets change between two phases, so that the model can repeat every turn. */
const orderly = ['tts/technician', 'tts/manager', 'hdts/technician'];
/** Its leave and resets change at any time. */
const unruly = 'ams/user';
/** Operations of a phase: fewer turns than a history keeps. */
const operationsPerPhase = Math.min(4_000, operations / 6);

type Ticket = { key: string; rotation: string; serial: number; callerId: number };
type Outcome = Turn | NoHandOver | null;

/** The people who may have a ticket: mostly all, for some tickets not all, and for a few only two. */
const candidatesOf = (serial: number): number[] => {
  if (serial % 41 === 0) return people.filter((id) => id % 3 === serial % 3);
  return serial % 5 === 0 ? people.filter((id) => id !== 1 + (serial % people.length)) : people;
};
const handOversOf = (serial: number): number => (serial % 41 === 0 ? 3 : serial % 3);
const isTurn = (outcome: Outcome): outcome is Turn => outcome !== null && typeof outcome === 'object';
const idOf = (outcome: Outcome) => (isTurn(outcome) ? outcome.assignee : outcome);

const replicas: StoreReplica[] = [];
afterAll(() => Promise.all(replicas.map((one) => one[Symbol.asyncDispose]())));

it.skipIf(!hasRedis())(
  'three processes give exactly the turns of the reference model, in the order of the history, when one dies and Redis is killed',
  async () => {
    await using redis = await startRedis({ isDurable: true });
    replicas.push(...[1, 2, 3].map(() => startStoreReplica({ url: redis.url, prefix, sealingSecret })));
    await Promise.all(replicas.map(({ ready }) => ready));

    const wrong: string[] = [];
    let done = 0;
    let repeated = 0;
    let sent = 0;
    /** Repeats an operation at another replica until it is answered. */
    const ask = async (operation: StoreOperation): Promise<unknown> => {
      done += 1;
      for (;;) {
        const alive = replicas.filter((one) => one.isAlive());
        try {
          return await alive[(sent += 1) % alive.length]?.run(operation);
        } catch {
          repeated += 1;
        }
      }
    };
    const callOf = ({ rotation, serial, callerId }: Ticket) => ({
      rotation,
      candidates: candidatesOf(serial),
      by: `staff ${callerId}`,
      callerId,
    });
    const take = (ticket: Ticket) =>
      ask({ kind: 'take', input: { ...callOf(ticket), key: ticket.key } }) as Promise<Turn | null>;
    const handOver = (ticket: Ticket, repeatKey: string) =>
      ask({ kind: 'handOver', input: { ...callOf(ticket), key: ticket.key, repeatKey } }) as Promise<Outcome>;
    /** Two replicas are asked at the same time, and give one answer. */
    const twice = async (ticket: Ticket, call: () => Promise<Outcome>): Promise<Outcome> => {
      const [one, other] = await Promise.all([call(), call()]);
      // A refusal is not remembered: where leave changes at any time, one of the calls may find somebody and the other not.
      const mayDiffer = ticket.rotation === unruly && isTurn(one) !== isTurn(other);
      if (idOf(one) !== idOf(other) && !mayDiffer) wrong.push(`${ticket.key}: ${idOf(one)} and ${idOf(other)}`);
      return isTurn(one) ? one : other;
    };

    let serial = 0;
    const tickets = new Map<string, Ticket>();
    /** All people that a ticket has had, in their order. */
    const holders = new Map<string, number[]>();
    /** Who is away in each system, and a number that changes with it. */
    const away = new Map<string, { id: number; version: number }>();
    const awayIn = (rotation: string) => away.get(rotation.split('/')[0] ?? '');

    /** One ticket: assigned, repeated, and some of them handed on, each time with a repetition. */
    const handle = async (): Promise<void> => {
      serial += 1;
      const rotation = serial % 7 === 0 ? unruly : (orderly[serial % orderly.length] ?? '');
      const ticket = { key: `T-${serial}`, rotation, serial, callerId: 100 + (serial % 9) };
      tickets.set(ticket.key, ticket);
      const had: number[] = [];
      const got = (outcome: Outcome, before: ReturnType<typeof awayIn>): void => {
        if (!isTurn(outcome)) return;
        if (had.includes(outcome.assignee)) wrong.push(`${ticket.key}: ${outcome.assignee} a second time`);
        const isSame = before !== undefined && before.version === awayIn(rotation)?.version;
        if (isSame && before.id === outcome.assignee) wrong.push(`${ticket.key}: ${before.id}, who is away`);
        had.push(outcome.assignee);
      };
      const before = awayIn(rotation);
      const first = await twice(ticket, () => take(ticket));
      got(first, before);
      if (first === null) {
        // All candidates of the ticket are away.
        if (candidatesOf(serial).length > 2) wrong.push(`${ticket.key}: no turn`);
        return;
      }
      for (let step = 0; step < handOversOf(ticket.serial); step += 1) {
        const beforeStep = awayIn(rotation);
        const outcome = await twice(ticket, () => handOver(ticket, `${step}`));
        got(outcome, beforeStep);
        const others = candidatesOf(ticket.serial).filter((id) => !had.includes(id));
        const isLeft = others.some((id) => id !== beforeStep?.id);
        if (outcome === 'not_found' || outcome === null) wrong.push(`${ticket.key}: not found`);
        if (outcome === 'all_excluded' && others.length > 0)
          wrong.push(`${ticket.key}: excluded, ${others.join()} left`);
        if (outcome === 'all_away' && rotation !== unruly && (isLeft || others.length === 0))
          wrong.push(`${ticket.key}: away`);
      }
      if (idOf(await take(ticket)) !== had.at(-1)) wrong.push(`${ticket.key}: two people`);
      holders.set(ticket.key, had);
    };

    const setAway = async (system: string, id: number | null): Promise<void> => {
      const last = away.get(system);
      away.delete(system);
      if (last !== undefined) await ask({ kind: 'leave', system, id: last.id, isAway: false });
      if (id === null) return;
      await ask({ kind: 'leave', system, id, isAway: true });
      away.set(system, { id, version: (sent += 1) });
    };

    const model = createAssignmentModel();
    const lastIds = new Map<string, string>();
    const given = new Map<string, number[]>();
    const turnsInPhase = new Map<string, number>();
    const keyless: Record<string, number> = {};
    /** The history says what was given, and the model gives the same turns in the same order. */
    const compare = (rotation: string, entries: readonly StoredTurn[]): void => {
      for (const { entry } of entries) {
        const { at: _at, ...rest } = entry;
        const ticket = tickets.get(rest.key ?? '') ?? { key: null, rotation, serial: 1, callerId: 99 };
        if (rest.by !== ticket.callerId || rotation !== ticket.rotation) wrong.push(`${rest.key}: by ${rest.by}`);
        const had = given.get(rest.key ?? '') ?? [];
        if (rest.key !== null) given.set(rest.key, [...had, rest.assignee]);
        if (rest.key === null) keyless[rotation] = (keyless[rotation] ?? 0) + 1;
        turnsInPhase.set(`${rotation} ${rest.assignee}`, (turnsInPhase.get(`${rotation} ${rest.assignee}`) ?? 0) + 1);
        if (rotation === unruly) continue;
        const call = { ...callOf({ ...ticket, key: '' }), rotation };
        const outcome =
          rest.kind === 'assigned'
            ? model.take({ ...call, key: rest.key })
            : model.handOver({ ...call, key: rest.key ?? '', repeatKey: `${had.length - 1}` });
        const expected = { assignee: rest.assignee, replayed: false };
        if (JSON.stringify(outcome) !== JSON.stringify(expected))
          wrong.push(`${rest.key} in ${rotation}: ${rest.assignee} instead of ${JSON.stringify(outcome)}`);
      }
    };

    const takeWithoutKey = (rotation: string) =>
      ask({ kind: 'take', input: { rotation, candidates: people, key: null, by: 'staff 99', callerId: 99 } });

    await inRedis(redis, async (client) => {
      const reading = createRedisStore({ redis: client, prefix, sealingSecret });
      const isWanted = (total: number): boolean => done < total;
      for (let phase = 0; isWanted(operations); phase += 1) {
        const awayId = people[phase % people.length] ?? 1;
        for (const system of ['tts', 'hdts']) {
          await setAway(system, awayId);
          for (const id of people) model.setAway(system, id, id === awayId);
        }
        const resetRotation = orderly[phase % orderly.length] ?? '';
        if (phase > 0) {
          await ask({ kind: 'reset', rotation: resetRotation });
          model.reset(resetRotation);
        }
        turnsInPhase.clear();

        const until = done + operationsPerPhase;
        const worker = async (): Promise<void> => {
          while (isWanted(until)) {
            await handle();
            if (serial % 10 === 0) await takeWithoutKey(orderly[serial % orderly.length] ?? '');
          }
        };
        const changing = async (): Promise<void> => {
          for (let change = 1; isWanted(until); change += 1) {
            await setAway('ams', people[change % people.length] ?? 1);
            for (let turn = 0; turn < 4; turn += 1) await takeWithoutKey(unruly);
            if (change % 3 === 0) await ask({ kind: 'reset', rotation: unruly });
          }
          await setAway('ams', null);
        };
        const event = async (): Promise<void> => {
          if (phase === 2) replicas[2]?.kill();
          if (phase !== 4) return;
          await redis.stop('SIGKILL');
          await redis.start();
        };
        await Promise.all([...Array.from({ length: inFlight }, worker), changing(), event()]);

        for (const rotation of [...orderly, unruly]) {
          const entries = await reading.historyAfter(rotation, lastIds.get(rotation) ?? firstTurnId, 5_000);
          lastIds.set(rotation, entries.at(-1)?.id ?? firstTurnId);
          compare(rotation, entries);
          if (rotation === unruly) continue;
          const ids = people.filter((id) => id !== awayId);
          const counts = ids.map((id) => turnsInPhase.get(`${rotation} ${id}`) ?? 0);
          const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
          if (Math.min(...counts) < mean / 2) wrong.push(`${rotation} in phase ${phase}: ${counts.join()} turns`);
          const places = (await reading.places(rotation, people)).map(({ lastTurn, turns, away: leave }) => ({
            lastTurn,
            turns,
            isAway: leave !== null,
          }));
          expect(places).toEqual(model.places(rotation, people));
        }
      }
    });
    // Each ticket has had the people that its replies and its history name, and its last one is still the assignee.
    expect(Object.fromEntries(given)).toEqual(Object.fromEntries(holders));
    const sample = [...holders].filter((_entry, index) => index % 7 === 0);
    await Promise.all(
      sample.map(async ([key, had]) => {
        const ticket = tickets.get(key);
        if (ticket !== undefined && idOf(await take(ticket)) !== had.at(-1)) wrong.push(`${key}: lost`);
      }),
    );
    expect(wrong).toEqual([]);
    expect(done).toBeGreaterThanOrEqual(operations);
    expect(repeated).toBeGreaterThan(0);
  },
  600_000,
);
