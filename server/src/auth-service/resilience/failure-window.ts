import type { CallSource } from './call-source.ts';

/** The source that may have caused a failure. Null: the service itself. */
export type Blamed = CallSource | null;

export type RecentCall = { isSuccess: boolean; blamed: Blamed };

const failuresToOpen = 10;
const windowSize = 20;
/** Further failures of one source do not count. Networks count less, because an attacker can have several. */
const maxFailures = { person: 5, network: 3 };

export const maxFailuresOf = ({ isVerified }: CallSource): number =>
  isVerified ? maxFailures.person : maxFailures.network;

const sinceLastSuccess = (calls: readonly RecentCall[]): readonly RecentCall[] =>
  calls.slice(calls.findLastIndex(({ isSuccess }) => isSuccess) + 1);

/** Failures of the service itself and of verified callers. */
const countTrustedFailures = (calls: readonly RecentCall[]): number => {
  const ofPerson = new Map<string, number>();
  let ofService = 0;
  for (const { isSuccess, blamed } of calls) {
    if (isSuccess) continue;
    if (blamed === null) ofService += 1;
    else if (blamed.isVerified) ofPerson.set(blamed.name, (ofPerson.get(blamed.name) ?? 0) + 1);
  }
  return [...ofPerson.values()].reduce((sum, count) => sum + Math.min(count, maxFailures.person), ofService);
};

/** Whether one more failure of this source counts. */
export const hasFailuresLeft = (calls: readonly RecentCall[], source: CallSource): boolean =>
  sinceLastSuccess(calls).filter(({ blamed }) => blamed?.name === source.name).length < maxFailuresOf(source);

export const addCall = (calls: RecentCall[], call: RecentCall): void => {
  calls.push(call);
  if (calls.length > windowSize) calls.shift();
};

/**
 * Ten failures in a row, or ten trusted failures among the last 20 calls. Failures of networks do not count for the
 * second rule: while other callers succeed, they may come from an attacker.
 */
export const isTripped = (calls: readonly RecentCall[]): boolean =>
  sinceLastSuccess(calls).length >= failuresToOpen ||
  (calls.length === windowSize && countTrustedFailures(calls) >= failuresToOpen);
