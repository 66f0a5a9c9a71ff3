import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/src/errors.ts';
import { createMemoryTryCounter } from '../../../server/src/rate-limit/memory-attempt-counter.ts';
import { createSessionLimits } from '../../../server/src/rate-limit/attempt-limiter.ts';
import { createChallenges } from '../../../server/src/session/sign-in/challenges.ts';
import { createClock } from '../../support/app/start-app.ts';

const sealingSecret = 'a-sealing-key-that-is-long-enough-0123456789';
const maxWindows = 3_000;
/** More than one kind of limit keeps. */
const tooMany = maxWindows + 1;
const john = { as: 'staff', email: 'user@example.com' } as const;

const start = () => {
  const { now } = createClock();
  // Not hashed, which is most of what so many tries cost.
  const names = (kind: string, value: string) => `${kind} ${value}`;
  const createCounter = () => createMemoryTryCounter({ now, maxWindows });
  const limits = createSessionLimits({ createCounter, names, networkOf: (address) => address });
  const challenges = createChallenges({ sealingSecret, now, names, counter: createCounter() });
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
    endOf(limits.signIn({ as: 'staff', deviceId: null, ...attempt }, refusePassword));
  return { limits, challenges, refuse, endOf, signIn };
};

describe('windows of one kind, however many somebody makes, do not reset the counts of another', () => {
  it('those of made-up e-mail addresses and addresses', async () => {
    const { limits, challenges, refuse, endOf, signIn } = start();
    await limits.noteSignIn(john);
    // Each of these is at its end.
    for (let tries = 0; tries < 7; tries += 1) await signIn({ ...john, address: `victim ${tries}` });
    for (let tries = 0; tries < 2; tries += 1) await signIn({ ...john, address: '', deviceId: 'known' });
    for (let tries = 0; tries < 10; tries += 1) await endOf(limits.secondFactor(john, refuse('otp_invalid')));
    for (let tries = 0; tries < 30; tries += 1) await endOf(limits.refresh('staff 123', refuse('session_ended')));
    const challenge = await challenges.seal({ ...john, temporaryToken: null });
    const attempt = () => endOf(challenges.attempt(challenge, refuse('otp_invalid')));
    for (let tries = 0; tries < 5; tries += 1) await attempt();

    for (let index = 0; index < tooMany; index += 1) {
      await signIn({ email: `somebody-${index}@example.com`, address: `attacker ${index}` });
    }

    expect(await signIn({ ...john, address: '', deviceId: 'known' })).toBe('rate_limited');
    expect(await endOf(limits.secondFactor(john, refuse('otp_invalid')))).toBe('rate_limited');
    expect(await endOf(limits.refresh('staff 123', refuse('session_ended')))).toBe('rate_limited');
    expect(await attempt()).toBe('otp_expired');
    // The flood has pushed out the account's own window, but not the count since its last sign-in.
    expect(await signIn({ ...john, address: 'another' })).toBe('rate_limited');
  });

  it('those of refreshes', async () => {
    const { limits, refuse, endOf, signIn } = start();
    for (let tries = 0; tries < 7; tries += 1) await signIn({ ...john, address: `victim ${tries}` });
    for (let tries = 0; tries < 10; tries += 1) await endOf(limits.secondFactor(john, refuse('otp_invalid')));
    const refuseRefresh = refuse('session_ended');
    for (let index = 0; index < tooMany; index += 1) await endOf(limits.refresh(`address ${index}`, refuseRefresh));
    expect(await signIn({ ...john, address: 'another' })).toBe('rate_limited');
    expect(await endOf(limits.secondFactor(john, refuse('otp_invalid')))).toBe('rate_limited');
  });
});
