import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { NoHandOver, Turn } from '../../../server/src/assignment/assignment-store.ts';
import { root } from '../../support/processes/run-process.ts';
import type { StoreOperation, StoreReply } from '../../support/processes/store-replica.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

/** As many as `ASSIGNMENT_OPERATIONS` says, such as 30000. */
const operations = Number(process.env.ASSIGNMENT_OPERATIONS ?? 1_800);
const inFlight = 60;
const people = [1, 2, 3, 4, 5, 6];
const rotation = 'tts/technician';
const call = { rotation, candidates: people, by: 'staff 9', callerId: 9 };

/** A process with its own store. Operations reject if it has died or its Redis is down. */
const startReplica = (url: string) => {
  const child: ChildProcess = fork(join(root, 'test/support/processes/store-replica.ts'), {
    cwd: root,
    execArgv: ['--conditions=source', '--import', 'tsx'],
    env: { PATH: process.env.PATH ?? '', REDIS_URL: url },
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let number = 0;
  const ready = new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
  child.on('message', ({ number: of, ...reply }: StoreReply) => {
    const call = waiting.get(of);
    waiting.delete(of);
    if ('result' in reply) call?.resolve(reply.result);
    else call?.reject(new Error('The operation failed.'));
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The process has died.'));
    waiting.clear();
  });
  return {
    ready,
    child,
    run: (operation: StoreOperation): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (!child.connected || child.exitCode !== null || child.signalCode !== null)
          return reject(new Error('The process has died.'));
        number += 1;
        waiting.set(number, { resolve, reject });
        child.send({ number, operation }, (error) => void (error && reject(error)));
      }),
  };
};

it.skipIf(!hasRedis())(
  'three processes give no key to two people and no turn to a person who is away, and starve none, when one dies and Redis restarts',
  async () => {
    await using redis = await startRedis({ isDurable: true });
    const replicas = [1, 2, 3].map(() => startReplica(redis.url));
    try {
      await Promise.all(replicas.map(({ ready }) => ready));
      let asked = 0;
      /** Repeats an operation at another replica until it is answered. */
      const ask = async (operation: StoreOperation): Promise<unknown> => {
        for (;;) {
          try {
            return await replicas[(asked += 1) % replicas.length]?.run(operation);
          } catch {
            await delay(5);
          }
        }
      };
      /** All people that a key has had, in their order. */
      const holders = new Map<string, number[]>();
      const take = (key: string) => ask({ kind: 'take', input: { ...call, key } }) as Promise<Turn>;
      const handOver = (key: string, repeatKey: string) =>
        ask({ kind: 'handOver', input: { ...call, key, repeatKey } }) as Promise<Turn | NoHandOver>;

      let serial = 0;
      const turnsOf = new Map<number, number>();
      const wrong: string[] = [];
      /** One ticket: assigned, repeated, and some of them handed on, each time with a repetition. */
      const handle = async (awayId: number): Promise<number> => {
        serial += 1;
        const key = `T-${serial}`;
        const handOvers = serial % 3;
        const had = [(await take(key)).assignee];
        for (let step = 0; step < handOvers; step += 1) {
          const [first, again] = [await handOver(key, `${step}`), await handOver(key, `${step}`)];
          if (typeof first === 'string' || typeof again === 'string') wrong.push(`${key}: ${first}`);
          else if (first.assignee !== again.assignee) wrong.push(`${key}: a repeated handover chose another person`);
          else had.push(first.assignee);
        }
        if (new Set(had).size !== had.length) wrong.push(`${key}: twice the same person`);
        if (had.includes(awayId)) wrong.push(`${key}: a person who is away`);
        if ((await take(key)).assignee !== had.at(-1)) wrong.push(`${key}: two people`);
        for (const id of had) turnsOf.set(id, (turnsOf.get(id) ?? 0) + 1);
        holders.set(key, had);
        return 2 + 2 * handOvers;
      };

      let done = 0;
      const phases = people.length;
      for (const [phase, awayId] of people.entries()) {
        await ask({ kind: 'leave', system: 'tts', id: awayId, isAway: true });
        turnsOf.clear();
        const until = (operations / phases) * (phase + 1);
        const event = async () => {
          if (phase === 2) replicas[2]?.child.kill('SIGKILL');
          if (phase !== 4) return;
          await redis.stop();
          await redis.start();
        };
        const worker = async () => {
          while (done < until) done += await handle(awayId);
        };
        await Promise.all([...Array.from({ length: inFlight }, worker), event()]);
        const others = people.filter((id) => id !== awayId);
        const counts = others.map((id) => turnsOf.get(id) ?? 0);
        const fair = counts.reduce((sum, count) => sum + count, 0) / others.length;
        if (Math.min(...counts) < fair / 2) wrong.push(`phase ${phase}: somebody starves: ${counts.join()}`);
        await ask({ kind: 'leave', system: 'tts', id: awayId, isAway: false });
      }
      // No assignment is lost, whether it was made before the death, between the events, or after the restart.
      const sample = [...holders].filter((_entry, index) => index % 7 === 0);
      await Promise.all(
        sample.map(async ([key, had]) => {
          if ((await take(key)).assignee !== had.at(-1)) wrong.push(`${key}: lost`);
        }),
      );
      expect(wrong).toEqual([]);
      expect(done).toBeGreaterThanOrEqual(operations);
    } finally {
      for (const { child } of replicas) child.kill('SIGKILL');
    }
  },
  600_000,
);
