import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../support/fuzz/random.ts';
import { nextCall } from './next-call.ts';
import { type SoakClient, toCallError } from './soak-client.ts';
import type { CallStatistics } from '../results/call-statistics.ts';
import type { Pacer } from './pacer.ts';

export type LoadOptions = {
  clients: readonly SoakClient[];
  statistics: CallStatistics;
  pacer: Pacer;
  /** Milliseconds of a clock that only goes forward. */
  monotonicNow: () => number;
  /** Calls a second. */
  rate: number;
  /** Milliseconds of load in which all sign in. */
  signInMs: number;
  /** Ends the load. */
  signal: AbortSignal;
};

/** Milliseconds between two looks at which calls are due. */
const tickMs = 5;
/** Milliseconds that the last calls have, with their new attempts, before they count as unanswered. */
const drainTimeoutMs = 60_000;

/**
 * Makes calls at the rate given, whatever becomes of those before: each is due at its time, and its latency counts from then.
 * Clients sign in one after the other, and from then on take turns. Each refreshes its session by itself.
 */
export const runLoad = async (options: LoadOptions) => {
  const { clients, statistics, pacer, monotonicNow, rate, signInMs, signal } = options;
  const random = createRandom(1);
  const waiting = clients.map((client, index) => ({ client, dueAtLoadMs: (index * signInMs) / clients.length }));
  const signedIn: SoakClient[] = [];
  let begun = 0;
  let made = 0;
  let answered = 0;

  const make = async (procedure: string, dueAtLoadMs: number, call: () => Promise<unknown>): Promise<void> => {
    made += 1;
    const dueAtMs = monotonicNow() - (pacer.loadMs() - dueAtLoadMs);
    const error = await call().then(() => null, toCallError);
    answered += 1;
    statistics.record({ procedure, dueAtMs, error });
  };
  const signIn = async (client: SoakClient, dueAtLoadMs: number): Promise<void> => {
    await make('session.login', dueAtLoadMs, client.signIn);
    if (client.session.current.state === 'signed_in') signedIn.push(client);
  };
  const makeDue = () => {
    const nowMs = pacer.loadMs();
    while ((waiting[0]?.dueAtLoadMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const next = waiting.shift();
      if (next !== undefined) void signIn(next.client, next.dueAtLoadMs);
    }
    for (let dueMs = (begun * 1_000) / rate; dueMs <= nowMs; dueMs = (begun * 1_000) / rate) {
      begun += 1;
      const client = signedIn[begun % signedIn.length];
      if (client === undefined) continue;
      const { procedure, send } = nextCall(client, random);
      void make(procedure, dueMs, () => send(client, random));
    }
  };

  while (!signal.aborted) {
    pacer.step();
    makeDue();
    await delay(tickMs);
  }
  const endsAtMs = monotonicNow() + drainTimeoutMs;
  const isWaiting = () => answered < made && monotonicNow() < endsAtMs;
  while (isWaiting()) await delay(tickMs);
  return { made, answered };
};
