import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/src/errors.ts';
import { createMemoryAttemptCounter } from '../../../server/src/rate-limit/memory-attempt-counter.ts';
import { createAttemptLimiter } from '../../../server/src/rate-limit/attempt-limiter.ts';
import { createChallenges } from '../../../server/src/session/sign-in/challenges.ts';
import { createClock } from '../../support/app/start-app.ts';

const sealingSecret = 'a-sealing-key-that-is-long-enough-0123456789';
const maxWindows = 3_000;
/** More windows than one counter stores. */
const tooMany = maxWindows + 1;
const john = { as: 'staff', email: 'user@example.com' } as const;

const start = () => {
  const { now } = createClock();
  // Hashing would take most of the time of this test.
  const keyHasher = (kind: string, value: string) => `${kind} ${value}`;
  const createCounter = () => createMemoryAttemptCounter({ now, maxWindows });
  const limiter = createAttemptLimiter({ createCounter, keyHasher, networkOf: (address) => address });
  const challenges = createChallenges({ sealingSecret, now, keyHasher, counter: createCounter() });
  const refuse = (reason: 'bad_credentials' | 'otp_invalid' | 'session_ended') => {
    const error = new AppError(reason);
    return () => Promise.reject(error);
  };
  const endOf = (call: Promise<unknown>) =>
    call.then(
      () => 'answered',
      (error: AppError) => error.reason,
    );
  const refusePassword = refuse('bad_credentials');
  const signIn = (attempt: { as?: 'staff'; email: string; address: string; deviceId?: string }) =>
    endOf(limiter.signIn({ as: 'staff', deviceId: null, ...attempt }, refusePassword));
  return { limiter, challenges, refuse, endOf, signIn };
};

describe('a client that fills the windows of one limit does not reset the counts of other limits', () => {
  it('when it signs in with made-up e-mail addresses from many addresses', async () => {
    const { limiter, challenges, refuse, endOf, signIn } = start();
    await limiter.noteSignIn(john);
    // Each of these limits is reached.
    for (let attempts = 0; attempts < 7; attempts += 1) await signIn({ ...john, address: `victim ${attempts}` });
    for (let attempts = 0; attempts < 2; attempts += 1) await signIn({ ...john, address: '', deviceId: 'known' });
    for (let attempts = 0; attempts < 10; attempts += 1) await endOf(limiter.secondFactor(john, refuse('otp_invalid')));
    for (let attempts = 0; attempts < 30; attempts += 1)
      await endOf(limiter.refresh('staff 123', refuse('session_ended')));
    const challenge = await challenges.seal({ ...john, temporaryToken: null });
    const attempt = () => endOf(challenges.attempt(challenge, refuse('otp_invalid')));
    for (let attempts = 0; attempts < 5; attempts += 1) await attempt();

    for (let index = 0; index < tooMany; index += 1) {
      await signIn({ email: `user-${index}@example.com`, address: `attacker ${index}` });
    }

    expect(await signIn({ ...john, address: '', deviceId: 'known' })).toBe('rate_limited');
    expect(await endOf(limiter.secondFactor(john, refuse('otp_invalid')))).toBe('rate_limited');
    expect(await endOf(limiter.refresh('staff 123', refuse('session_ended')))).toBe('rate_limited');
    expect(await attempt()).toBe('otp_expired');
    // The flood has evicted the account's window, but not the count since its last sign-in.
    expect(await signIn({ ...john, address: 'another' })).toBe('rate_limited');
  });

  it('when it refreshes with made-up tokens', async () => {
    const { limiter, refuse, endOf, signIn } = start();
    for (let attempts = 0; attempts < 7; attempts += 1) await signIn({ ...john, address: `victim ${attempts}` });
    for (let attempts = 0; attempts < 10; attempts += 1) await endOf(limiter.secondFactor(john, refuse('otp_invalid')));
    const refuseRefresh = refuse('session_ended');
    for (let index = 0; index < tooMany; index += 1) await endOf(limiter.refresh(`address ${index}`, refuseRefresh));
    expect(await signIn({ ...john, address: 'another' })).toBe('rate_limited');
    expect(await endOf(limiter.secondFactor(john, refuse('otp_invalid')))).toBe('rate_limited');
  });
});
