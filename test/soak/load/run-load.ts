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
  /** Milliseconds. */
  monotonicNow: () => number;
  /** Calls per second. */
  rate: number;
  /** Milliseconds of load during which all clients sign in. */
  signInMs: number;
  /** Stops the load. */
  signal: AbortSignal;
};

/** Milliseconds between two checks for due calls. */
const tickMs = 5;
/** Milliseconds after the end in which calls in flight, including retries, may still complete. */
const drainTimeoutMs = 60_000;

/**
 * Open-loop load generator: calls start at a fixed rate, independent of earlier calls, and latency counts from the due time.
 * Clients sign in one after the other, then take turns. Each client refreshes its session itself.
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
