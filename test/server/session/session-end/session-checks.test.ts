import { expect, it, vi } from 'vitest';
import { createSessionEnds, type OnSessionEnd } from '../../../../server/src/session/session-end/session-ends.ts';
import type { VerifiedToken } from '../../../../server/src/token/verified-token.ts';

/** The checks of one session, whose state and time the test controls. */
const createChecks = () => {
  let nowMs = 0;
  let check = () => {};
  const isSignedOut = vi.fn<() => Promise<boolean>>().mockResolvedValue(false);
  let isSignedOutHere = false;
  const ends = createSessionEnds({
    sessions: { isSignedOut, isSignedOutHere: () => isSignedOutHere, mayBeSignedOutHere: () => false },
    accountStatus: { isKnownInactive: () => false },
    sweep: {
      add(task) {
        check = task;
        return () => {};
      },
    },
    recheckMs: 20_000,
    monotonicNow: () => nowMs,
    random: () => 0.5,
  });
  const access = { fingerprint: 'one', principal: { type: 'staff', id: 123 } } as VerifiedToken;
  return {
    isSignedOut,
    signOutHere: () => {
      isSignedOutHere = true;
    },
    watch: (listener: OnSessionEnd) => ends.watch(access, listener),
    /** One second, at whose end all sessions are checked. The lookups of this check are answered. */
    async second(): Promise<void> {
      nowMs += 1_000;
      check();
      await Promise.allSettled(isSignedOut.mock.results.map(({ value }) => value));
    },
  };
};

it('a session is looked up in Redis every 20 s, although it is checked every second', async () => {
  const checks = createChecks();
  checks.watch(() => {});
  for (let seconds = 0; seconds < 100; seconds += 1) await checks.second();
  expect(checks.isSignedOut).toHaveBeenCalledTimes(5);
});

it('a session that was signed out while its stream was admitted ends at once', () => {
  const checks = createChecks();
  checks.signOutHere();
  const onEnd = vi.fn<OnSessionEnd>();
  checks.watch(onEnd);
  expect(onEnd.mock.calls).toEqual([[{ reason: 'session_ended' }]]);
});
