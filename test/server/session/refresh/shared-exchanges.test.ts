import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../../server/src/errors.ts';
import type { RedisGuard } from '../../../../server/src/platform/redis/redis-guard.ts';
import type { EstablishedSession } from '../../../../server/src/session/established-session.ts';
import { createSharedExchanges } from '../../../../server/src/session/refresh/shared-exchanges.ts';

const nowMs = 1_000;
const old = { token: 'old', fingerprint: 'old', expiresAtMs: nowMs + 60_000 };
const rejection = new AppError('session_ended', { endsSession: true });

const sessionOf = (accessToken: string): EstablishedSession => {
  const verified = {
    principal: { type: 'staff', id: 1, email: null, fullName: null, systems: null, roles: null },
    payload: {},
    issuedAtMs: null,
    expiresAtMs: nowMs + 60_000,
    refreshAtMs: nowMs + 30_000,
    fingerprint: accessToken,
  } as const;
  return { accessToken, refreshToken: null, access: verified, refresh: null };
};
const own = sessionOf('own');

type Reply = [hasLock: 0 | 1, wasExchanged: 0 | 1, sealed: string] | null;
const acquired: Reply = [1, 0, ''];
const locked: Reply = [0, 0, ''];
const spent: Reply = [0, 1, ''];
const down: Reply = null;
const result: Reply = [0, 1, 'other'];
const acquiredWithResult: Reply = [1, 0, 'other'];

/** Redis replies to the claims in turn, and then always with the last reply. A sealed text is its access token. */
const start = (replies: readonly Reply[]) => {
  let claims = 0;
  let elapsedMs = 0;
  const settle = vi.fn<(...args: Array<string | number>) => Promise<number>>(async () => 1);
  const redis = {
    defineCommand: () => {},
    claimExchange: async () => replies[Math.min(claims++, replies.length - 1)],
    settleExchange: settle,
  } as unknown as RedisGuard['redis'];
  const exchanges = createSharedExchanges({
    redisGuard: { redis, ask: (command) => command(), together: (run) => run(), probe: () => {} },
    keyHasher: (kind, value) => `${kind} ${value}`,
    tokenSetSealer: {
      seal: async ({ accessToken }) => accessToken,
      open: async (sealed) => ({ accessToken: sealed, refreshToken: null }),
    },
    establish: async ({ accessToken }) => sessionOf(accessToken),
    now: () => nowMs,
    monotonicNow: () => elapsedMs,
    sleep: async (ms) => {
      elapsedMs += ms;
    },
    prefix: 'p:',
    maxTtlMs: 7 * 86_400_000,
  });
  return { exchanges, settle };
};

const succeed = async (onSpent: () => void) => {
  onSpent();
  return own;
};
const reject = async () => {
  throw rejection;
};
const once = async (replies: readonly Reply[], exchange: (onSpent: () => void) => Promise<EstablishedSession>) => {
  const { exchanges, settle } = start(replies);
  const calls = vi.fn<typeof exchange>(exchange);
  const outcome = await exchanges.once(old, { isUseful: () => true, exchange: calls }).then(
    ({ accessToken }) => accessToken,
    (error: unknown) => (error instanceof AppError ? error.reason : error),
  );
  // After three keys and the owner: the result, its TTL, and the TTL of the flag that the token was exchanged.
  const settled = settle.mock.calls.map((args) => args.slice(4));
  return { outcome, calls: calls.mock.calls.length, settled };
};

describe('an exchange that replicas share', () => {
  it.each<[name: string, replies: Reply[], outcome: string, calls: number]>([
    ['that has acquired the lock calls the Auth Service', [acquired], 'own', 1],
    ['without Redis from the beginning calls the Auth Service', [down], 'own', 1],
    ['of a token that has a result returns it', [result], 'other', 0],
    ['of a token that was exchanged longer ago is superseded', [spent], 'refresh_superseded', 0],
    ['waits for the result of the replica that holds the lock', [locked, locked, result], 'other', 0],
    ['takes over a lock that has expired', [locked, acquired], 'own', 1],
    ['does not call the Auth Service if Redis is lost during the wait', [locked, down], 'store_unavailable', 0],
    ['waits for at most 14 s', [locked], 'auth_service_unavailable', 0],
    ['releases a lock that it does not need', [acquiredWithResult], 'other', 0],
  ])('%s', async (_name, replies, outcome, calls) => {
    expect(await once(replies, succeed)).toMatchObject({ outcome, calls });
  });

  it.each<[name: string, replies: Reply[], outcome: string]>([
    ['uses the result of a replica that was first', [acquired, locked, result], 'other'],
    ['is superseded if a replica was first and its result has expired', [acquired, spent], 'refresh_superseded'],
    ['ends the session if no replica was first', [acquired, acquired], 'session_ended'],
    ['ends the session if Redis is unavailable', [down, down], 'session_ended'],
    ['ends the session if Redis is lost during the wait', [acquired, locked, down], 'session_ended'],
  ])('that the Auth Service rejects %s', async (_name, replies, outcome) => {
    expect(await once(replies, reject)).toMatchObject({ outcome, calls: 1 });
  });

  it('stores its result for 30 s and the flag for as long as the token lives, with a margin of a minute', async () => {
    expect((await once([acquired], succeed)).settled).toEqual([['own', 30_000, 120_000]]);
  });

  it('marks a spent token even if the new tokens are unusable, and looks for no other result', async () => {
    const { outcome, settled } = await once([acquired], async (onSpent) => {
      onSpent();
      throw rejection;
    });
    expect(outcome).toBe('session_ended');
    expect(settled).toEqual([['', 30_000, 120_000]]);
  });

  it('releases the lock after a rejection and after the last claim', async () => {
    expect((await once([acquired], reject)).settled).toEqual([
      ['', 30_000, 0],
      ['', 30_000, 0],
    ]);
  });
});
