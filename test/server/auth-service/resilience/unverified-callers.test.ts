import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { createAuthServiceClient } from '../../../../server/src/auth-service/client.ts';
import { createResilience } from '../../../../server/src/auth-service/resilience/resilience.ts';
import { createTransport } from '../../../../server/src/auth-service/transport.ts';
import { isAppError } from '../../../../server/src/errors.ts';
import { createDeadlines } from '../../../support/time/deadlines.ts';
import { apiKey, createClock, signingKey } from '../../../support/app/start-app.ts';

/** The client over a real transport to a real service, of either dialect: all of its answers are faults, at first 500. */
const start = async () => {
  const clock = createClock();
  const { create: createDeadline } = createDeadlines();
  const authService = await startAuthService({ signingKey, apiKey, now: clock.now });
  const transport = createTransport({ url: authService.url, apiKey, createDeadline });
  const resilience = createResilience({ transport, now: clock.now, monotonicNow: clock.now, createDeadline });
  authService.fault('*', { kind: 'status', status: 500 });
  return {
    authService,
    resilience,
    client: createAuthServiceClient({ transport: resilience, now: clock.now }),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await authService.close();
    },
  };
};
type Client = Awaited<ReturnType<typeof start>>['client'];
type Call = (client: Client, address: string | undefined, id: number) => Promise<unknown>;

const tokens = { accessToken: 'a', refreshToken: 'r' };
const calls: Array<[name: string, call: Call]> = (['staff', 'employee'] as const).flatMap((type) => [
  [
    `the sign-in of ${type}`,
    (client, address, id) => client.signIn({ as: type, email: `e${id}@example.com`, password: 'p', address }),
  ],
  [
    `the second factor of ${type}`,
    (client, address, id) =>
      client.verifyOtp({ as: type, email: `e${id}@example.com`, code: '123456', temporaryToken: null, address }),
  ],
  [`a refresh of ${type}`, (client, address, id) => client.refresh({ ...tokens, type, id, address })],
  [`a sign-out of ${type}`, (client, address, id) => client.signOut({ ...tokens, type, id, address })],
  [
    `a token of ${type} that was never accepted`,
    (client, address, id) => client.validate({ type, id, accessToken: 'a', isUnverified: true, address }),
  ],
]);
calls.push(
  ['whether staff was deleted', (client, address, id) => client.isStaffDeleted(id, { address })],
  [
    'whether an employee was deleted',
    (client, address, id) => client.employee(id, { type: 'employee', id, isUnverified: true, address }),
  ],
);

describe('an endpoint for unverified callers', () => {
  const states = ({ resilience }: Awaited<ReturnType<typeof start>>) =>
    [...new Set([...resilience.breakerStates()].map(([, state]) => state))].toSorted();

  it.each(calls)('stays available to others if one network fails with invented identities: %s', async (_name, call) => {
    await using test = await start();
    for (let id = 1; id <= 40; id += 1) await call(test.client, `2001:db8::${id}`, id).catch(() => {});
    expect(states(test)).toEqual(['closed']);
  });

  it.each(calls)('stays available to others if callers without an address fail: %s', async (_name, call) => {
    await using test = await start();
    for (let id = 1; id <= 40; id += 1) await call(test.client, id % 2 === 0 ? undefined : '', id).catch(() => {});
    expect(states(test)).toEqual(['closed']);
  });

  it.each(calls)('is not called for a while if it fails for many networks: %s', async (_name, call) => {
    await using test = await start();
    for (let id = 1; id <= 40; id += 1) await call(test.client, `192.0.2.${id}`, id).catch(() => {});
    expect(states(test)).toContain('open');
  });

  it.each(calls)('is not called for a while if it does not respond to one network: %s', async (_name, call) => {
    await using test = await start();
    test.authService.fault('*', { kind: 'reset' });
    for (let id = 1; id <= 40; id += 1) await call(test.client, '192.0.2.1', id).catch(() => {});
    expect(states(test)).toContain('open');
  });

  it.each(calls)('is still called while it responds to everyone with 429: %s', async (_name, call) => {
    await using test = await start();
    test.authService.fault('*', { kind: 'status', status: 429, headers: { 'retry-after': '17' } });
    for (let id = 1; id <= 40; id += 1) {
      const error: unknown = await call(test.client, `192.0.2.${id}`, id).catch((thrown: unknown) => thrown);
      if (error === false) continue; // No person is known to be deleted.
      expect(isAppError(error, 'auth_service_unavailable')).toBe(true);
      expect(error).toMatchObject({ retryAfterSeconds: 17 });
    }
    expect(states(test)).toEqual(['closed']);
    expect(test.authService.count()).toBe(40);
  });
});
