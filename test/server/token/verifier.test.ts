import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/src/errors.ts';
import { createVerifier, type VerifierOptions } from '../../../server/src/token/verifier.ts';
import { goodTokens, hostileTokens } from '../../support/token/hostile-tokens.ts';
import {
  craft,
  type HmacHash,
  now,
  previousKey,
  seconds,
  segmentsOf,
  signingKey,
  staffClaims,
  staffToken,
} from '../../support/token/tokens.ts';
import { anyText } from '../../support/fuzz/any-text.ts';

/** Random tokens of each kind: the environment variable `FUZZ_RUNS`, such as 3000. */
const runs = Number(process.env.FUZZ_RUNS ?? 100);

const minute = 60_000;

const startVerifier = (options: Partial<VerifierOptions> = {}) => {
  const clock = { now };
  const verifier = createVerifier({ signingKeys: [signingKey, previousKey], now: () => clock.now, ...options });
  return {
    clock,
    verify: (token: string) => verifier.verify(token),
    verifyAtAnyAge: (token: string) => verifier.verifyAtAnyAge(token),
    verifyRefresh: (token: string) => verifier.verifyRefresh(token),
  };
};

/** The reason of the rejection; any other error is returned unchanged. */
const refusalOf = async (verdict: Promise<unknown>): Promise<unknown> => {
  try {
    await verdict;
    return 'verified';
  } catch (error) {
    return error instanceof AppError ? error.reason : error;
  }
};

type Named = { name: string; token: string };

/** Each token's name and outcome, verified in parallel. */
const verdictsOn = (tokens: readonly Named[], verify: (token: string) => Promise<unknown>) =>
  Promise.all(tokens.map(async ({ name, token }) => [name, await refusalOf(verify(token))] as const));

const refreshToken = (changes = {}) =>
  staffToken(now, { token_type: 'refresh', exp: seconds(now) + 604_800, ...changes });

const hostile = hostileTokens({ signingKey, now });
const good = goodTokens({ signingKey, previousKey, now });
const asTheTableSays = hostile.map(({ name, reason }) => [name, reason] as const);
const unknownKey = 'an-unknown-key-that-is-long-enough-for-HS256';

describe('the token tables', () => {
  it('contain at least 75 hostile and 20 good tokens without duplicates', () => {
    expect(hostile.length).toBeGreaterThanOrEqual(75);
    expect(good.length).toBeGreaterThanOrEqual(20);
    expect(new Set([...hostile, ...good].map(({ token }) => token)).size).toBe(hostile.length + good.length);
    expect(new Set(hostile.map(({ name }) => name)).size).toBe(hostile.length);
  });
});

describe('a hostile token', () => {
  it.each(hostile)('is rejected: $name → $reason', async ({ token, reason }) => {
    expect(await refusalOf(startVerifier().verify(token))).toBe(reason);
  });

  it('is rejected again after all the others', async () => {
    const { verify } = startVerifier();
    await verdictsOn(hostile, verify);
    expect(await verdictsOn(hostile, verify)).toEqual(asTheTableSays);
  });

  it('is rejected right after a good token was accepted', async () => {
    const { verify } = startVerifier();
    await verify(staffToken(now));
    expect(await verdictsOn(hostile, verify)).toEqual(asTheTableSays);
  });

  it('is rejected at any age and as a refresh token', async () => {
    const { verifyAtAnyAge, verifyRefresh } = startVerifier();
    expect(await verdictsOn(hostile, verifyAtAnyAge)).toEqual(
      hostile.map(({ name, reason }) => [name, reason === 'token_expired' ? 'verified' : reason]),
    );
    const asRefreshToken = new Map([
      ['a refresh token', 'verified'],
      ['expired, and a refresh token', 'token_expired'],
    ]);
    expect(await verdictsOn(hostile, verifyRefresh)).toEqual(
      hostile.map(({ name, reason }) => [name, asRefreshToken.get(name) ?? reason]),
    );
  });

  it('does not appear in the error', async () => {
    const { verify } = startVerifier();
    const leaks = await Promise.all(
      hostile.map(async ({ name, token }) => {
        const error: unknown = await verify(token).catch((refusal: unknown) => refusal);
        const told =
          error instanceof AppError ? `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}` : token;
        return token.split('.').some((segment) => segment.length > 20 && told.includes(segment)) ? [name] : [];
      }),
    );
    expect(leaks.flat()).toEqual([]);
  });

  it('is rejected for any replaced, inserted or removed character of a good token', async () => {
    const { verify } = startVerifier();
    const token = staffToken(now);
    await verify(token);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const character = fc.oneof(
      fc.constantFrom(...alphabet.split('')),
      fc.constantFrom('.', '=', '+', '/', '%', ' ', '\n', '\t', '\0'),
      anyText({ minLength: 1, maxLength: 1 }),
    );
    const change = fc.record({
      at: fc.nat({ max: token.length - 1 }),
      kind: fc.constantFrom('exchange', 'put in', 'take out'),
      character,
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, kind, character: other }) => {
        const kept = kind === 'put in' ? at : at + 1;
        const changed = token.slice(0, at) + (kind === 'take out' ? '' : other) + token.slice(kept);
        fc.pre(changed !== token);
        expect(await refusalOf(verify(changed))).toBe('token_invalid');
      }),
      { seed: 20260314, numRuns: runs },
    );
  });

  it('is rejected with token_invalid for any text', async () => {
    const { verify } = startVerifier();
    const text = fc.oneof(
      anyText(),
      fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        expect(await refusalOf(verify(token))).toBe('token_invalid');
      }),
      { seed: 20260314, numRuns: runs },
    );
  });

  it('is rejected with token_invalid for any signed JSON', async () => {
    const { verify } = startVerifier();
    const claims = fc.record(
      {
        exp: fc.oneof(fc.constant(seconds(now) + 60), fc.jsonValue()),
        user_id: fc.oneof(fc.constant(1), fc.jsonValue()),
        user_type: fc.oneof(fc.constantFrom('staff', 'employee'), fc.jsonValue()),
        employee_id: fc.jsonValue(),
        iat: fc.jsonValue(),
        roles: fc.jsonValue(),
        systems: fc.jsonValue(),
        email: fc.jsonValue(),
      },
      { requiredKeys: ['exp', 'user_id'] },
    );
    await fc.assert(
      fc.asyncProperty(claims, async (payload) => {
        expect(['verified', 'token_invalid', 'token_expired']).toContain(await refusalOf(verify(craft({ payload }))));
      }),
      { seed: 20260314, numRuns: runs },
    );
  });
});

const signed = (alg: string, hash: HmacHash) => craft({ header: { alg }, payload: staffClaims(now), hash });

describe('a good token', () => {
  it.each(good)('is accepted: $name', async ({ token, principal }) => {
    const { verify } = startVerifier();
    const verified = await verify(token);
    expect(verified.principal).toEqual(principal);
    expect(await verify(token)).toEqual(verified);
  });

  it('has a payload, an expiry and a fingerprint that reveals nothing of the token', async () => {
    const token = staffToken(now, { email: 'ana@example.org' });
    const verified = await startVerifier().verify(token);
    expect(verified.payload).toEqual(staffClaims(now, { email: 'ana@example.org' }));
    expect(verified.expiresAtMs).toBe((seconds(now) + 900) * 1000);
    expect(verified.fingerprint).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(token).not.toContain(verified.fingerprint);
  });

  it.each([
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ] as const)('is accepted with %s only if that is the configured algorithm', async (algorithm, hash) => {
    const { verify } = startVerifier({ algorithm });
    expect((await verify(signed(algorithm, hash))).principal.id).toBe(123);
    expect(await refusalOf(verify(signed('HS256', 'sha256')))).toBe('token_invalid');
    expect(await refusalOf(verify(signed(algorithm, 'sha256')))).toBe('token_invalid');
    expect(await refusalOf(verify(signed('HS256', hash)))).toBe('token_invalid');
    expect(await refusalOf(verify(signed('none', hash)))).toBe('token_invalid');
  });
});

const tokenBy = (key: string, changes = {}) => staffToken(now, changes, key);

/** A call from JavaScript without types. */
const createUntyped = (options: Record<string, unknown>): unknown =>
  Reflect.apply(createVerifier, undefined, [options]);

describe('the key ring', () => {
  it('accepts the current key and every previous key in any position', async () => {
    const signingKeys = ['first', 'second', 'third', 'fourth'].map((word) => word.padEnd(40, '.'));
    const { verify } = startVerifier({ signingKeys });
    const taken = await Promise.all(signingKeys.map((key) => verify(tokenBy(key))));
    expect(taken.map(({ principal }) => principal.id)).toEqual([123, 123, 123, 123]);
  });

  it('rejects a key that was removed', async () => {
    expect(await refusalOf(startVerifier({ signingKeys: [signingKey] }).verify(tokenBy(previousKey)))).toBe(
      'token_invalid',
    );
  });

  it('accepts a short key for development', async () => {
    expect((await startVerifier({ signingKeys: ['dev'] }).verify(tokenBy('dev'))).principal.id).toBe(123);
  });

  it('uses a key with surrounding white space and non-ASCII characters unchanged', async () => {
    const key = ' ключ подписи 鍵 \n';
    const { verify } = startVerifier({ signingKeys: [key] });
    expect((await verify(tokenBy(key))).principal.id).toBe(123);
    expect(await refusalOf(verify(tokenBy(key.trim())))).toBe('token_invalid');
  });

  it('answers token_expired for an expired token of a previous key, and token_invalid for an unknown key', async () => {
    const { verify } = startVerifier();
    const past = { exp: seconds(now) - 1 };
    expect(await refusalOf(verify(tokenBy(previousKey, past)))).toBe('token_expired');
    expect(await refusalOf(verify(tokenBy(unknownKey, past)))).toBe('token_invalid');
  });

  it.each([
    ['no key', []],
    ['an empty key', ['']],
    ['an empty key among others', [signingKey, '']],
    ['a blank key', ['   ']],
    ['a key that the environment does not have', [process.env.UNDEFINED_VARIABLE_OF_THIS_TEST]],
    ['a key that is null', [null]],
    ['a key that is not a string', [12_345]],
    ['a string instead of a list of keys', signingKey],
    ['keys left out', undefined],
  ])('cannot be created from %s', (_, signingKeys) => {
    expect(() => createUntyped({ signingKeys })).toThrow(TypeError);
  });

  it.each(['none', 'RS256', 'hs256', '', 'constructor'])('cannot be created for the algorithm "%s"', (algorithm) => {
    expect(() => createUntyped({ signingKeys: [signingKey], algorithm })).toThrow(TypeError);
  });
});

/** Without iat, refreshAt is fixed at the first read: it stays the same for a cached token and changes for an evicted one. */
const revealing = (id: number) => staffToken(now, { user_id: id, iat: undefined });

describe('the cache', () => {
  it('rejects a cached token from the millisecond of its exp on', async () => {
    const { clock, verify } = startVerifier();
    const token = staffToken(now);
    const { expiresAtMs } = await verify(token);
    clock.now = expiresAtMs - 1;
    expect(await refusalOf(verify(token))).toBe('verified');
    clock.now = expiresAtMs;
    expect(await refusalOf(verify(token))).toBe('token_expired');
    expect(await refusalOf(verify(token))).toBe('token_expired');
  });

  it('accepts an expired token again after the clock was set back', async () => {
    const { clock, verify } = startVerifier();
    const token = staffToken(now);
    await verify(token);
    clock.now = now + 60 * minute;
    expect(await refusalOf(verify(token))).toBe('token_expired');
    clock.now = now;
    expect(await refusalOf(verify(token))).toBe('verified');
    clock.now = now + 15 * minute;
    expect(await refusalOf(verify(token))).toBe('token_expired');
  });

  it('accepts cached tokens after the clock was set back an hour, although their iat lies in the future', async () => {
    const { clock, verify } = startVerifier();
    const token = staffToken(now);
    await verify(token);
    clock.now = now - 60 * minute;
    expect(await refusalOf(verify(token))).toBe('verified');
  });

  it('evicts the least recently used token at its maximum size', async () => {
    const { clock, verify } = startVerifier({ maxCachedTokens: 2 });
    const first = await verify(revealing(1));
    const second = await verify(revealing(2));
    clock.now += minute;
    await verify(revealing(1));
    await verify(revealing(3));
    clock.now += 9 * minute;
    expect((await verify(revealing(1))).refreshAtMs).toBe(first.refreshAtMs);
    expect((await verify(revealing(2))).refreshAtMs).toBeGreaterThan(second.refreshAtMs);
  });

  it('does not store rejected tokens', async () => {
    const { clock, verify } = startVerifier({ maxCachedTokens: 1 });
    const { refreshAtMs } = await verify(revealing(1));
    await verdictsOn(hostile, verify);
    clock.now += 9 * minute;
    expect((await verify(revealing(1))).refreshAtMs).toBe(refreshAtMs);
  });

  it('distinguishes tokens that differ in one character of the signature', async () => {
    const { verify } = startVerifier();
    const token = staffToken(now);
    await verify(token);
    const other = token.slice(0, -10) + (token.at(-10) === 'A' ? 'B' : 'A') + token.slice(-9);
    expect(await refusalOf(verify(other))).toBe('token_invalid');
    expect(await refusalOf(verify(token))).toBe('verified');
  });

  it('distinguishes tokens with the same signature that differ in one character of the payload', async () => {
    const { verify } = startVerifier();
    const token = staffToken(now, { user_id: 121 });
    await verify(token);
    const [header, , signature] = segmentsOf(token);
    const payload = segmentsOf(staffToken(now, { user_id: 122 }))[1];
    expect(await refusalOf(verify(`${header}.${payload}.${signature}`))).toBe('token_invalid');
  });

  it('distinguishes the good tokens of two people', async () => {
    const { verify } = startVerifier();
    const tokens = [121, 122, 121, 122].map((id) => staffToken(now, { user_id: id }));
    const verified = await Promise.all(tokens.map((token) => verify(token)));
    expect(verified.map(({ principal }) => principal.id)).toEqual([121, 122, 121, 122]);
  });

  it('does not accept a cached access token as a refresh token', async () => {
    const { verify, verifyRefresh } = startVerifier();
    const token = staffToken(now, { token_type: 'access' });
    await verify(token);
    expect(await refusalOf(verifyRefresh(token))).toBe('token_invalid');
  });

  it('does not accept a refresh token, even one that was read at any age, as an access token', async () => {
    const { verify, verifyAtAnyAge, verifyRefresh } = startVerifier();
    const refresh = staffToken(now, { token_type: 'refresh' });
    await verifyRefresh(refresh);
    expect(await refusalOf(verify(refresh))).toBe('token_invalid');
    const expired = staffToken(now, { exp: seconds(now) - 1 });
    await verifyAtAnyAge(expired);
    expect(await refusalOf(verify(expired))).toBe('token_expired');
  });

  it('returns the original claims even if an earlier caller tried to change them', async () => {
    const { verify } = startVerifier();
    const token = staffToken(now, { roles: [{ system: 'tts', role: 'Agent' }] });
    const { principal, payload, ...rest } = await verify(token);
    const asSigned = structuredClone({ principal, payload, ...rest });
    // For example a handler that adds its own fields to req.user; Reflect returns false where an assignment throws.
    Reflect.set(principal, 'id', 1);
    Reflect.set(principal, 'type', 'employee');
    Reflect.set(principal.roles?.[0] ?? {}, 'role', 'Admin');
    Reflect.set(principal.roles ?? [], 1, { system: 'TTS', role: 'Admin' });
    Reflect.set(principal.systems ?? [], 1, 'HDTS');
    Reflect.set(payload, 'user_id', 1);
    Reflect.deleteProperty(payload, 'exp');
    expect(payload.roles).toHaveLength(1);
    if (Array.isArray(payload.roles)) Reflect.set(payload.roles, 0, { system: 'tts', role: 'Admin' });
    Reflect.set(await verify(token), 'expiresAtMs', Number.MAX_SAFE_INTEGER);
    expect(await verify(token)).toEqual(asSigned);
  });
});

/** Seconds between refreshAt and exp for a token with a lifetime of `lifetime` seconds. */
const margin = async (lifetime: number, options: Partial<VerifierOptions> = {}) => {
  const { expiresAtMs, refreshAtMs } = await startVerifier(options).verify(
    staffToken(now, { exp: seconds(now) + lifetime }),
  );
  return (expiresAtMs - refreshAtMs) / 1000;
};

describe('refreshAtMs', () => {
  it('is 300 seconds before exp by default', async () => {
    expect(await margin(900)).toBe(300);
    expect(await margin(900, { refreshThresholdSeconds: 300 })).toBe(300);
    expect(await margin(900, { refreshThresholdSeconds: 60 })).toBe(60);
    expect(await margin(900, { refreshThresholdSeconds: 0 })).toBe(0);
  });

  it('is at half of the lifetime at the earliest, so that a short-lived token does not refresh in a loop', async () => {
    expect(await margin(600)).toBe(300);
    expect(await margin(599)).toBe(299.5);
    expect(await margin(300)).toBe(150);
    expect(await margin(900, { refreshThresholdSeconds: 3600 })).toBe(450);
  });

  it('depends on the lifetime from iat, not on the first read', async () => {
    const { clock, verify } = startVerifier();
    clock.now = now + 14 * minute;
    const { expiresAtMs, refreshAtMs } = await verify(staffToken(now));
    expect(expiresAtMs - refreshAtMs).toBe(300_000);
  });

  it('is never after exp, even if iat is', async () => {
    const token = staffToken(now, { iat: seconds(now) + 20, exp: seconds(now) + 10 });
    const { expiresAtMs, refreshAtMs } = await startVerifier().verify(token);
    expect(refreshAtMs).toBe(expiresAtMs);
  });

  it('is fixed at half of the time that remains at the first read if there is no iat', async () => {
    const { clock, verify } = startVerifier();
    const token = staffToken(now, { iat: undefined, exp: seconds(now) + 400 });
    const { refreshAtMs, expiresAtMs } = await verify(token);
    expect(expiresAtMs - refreshAtMs).toBe(200_000);
    clock.now = now + minute;
    expect((await verify(token)).refreshAtMs).toBe(refreshAtMs);
    clock.now = now + 6 * minute;
    expect((await verify(token)).refreshAtMs).toBe(refreshAtMs);
  });

  it('is the threshold before exp if there is no iat and the threshold is less than half of the remaining time', async () => {
    const { expiresAtMs, refreshAtMs } = await startVerifier().verify(staffToken(now, { iat: undefined }));
    expect(expiresAtMs - refreshAtMs).toBe(300_000);
  });
});

describe('a refresh token', () => {
  it('is accepted and identifies its person', async () => {
    const verified = await startVerifier().verifyRefresh(refreshToken({ user_type: 'employee', user_id: 7 }));
    expect(verified.principal).toMatchObject({ type: 'employee', id: 7 });
    expect(verified.expiresAtMs).toBe((seconds(now) + 604_800) * 1000);
  });

  it('may lack token_type, as an access token may', async () => {
    const token = refreshToken({ token_type: undefined });
    const { verify, verifyRefresh } = startVerifier();
    expect(await refusalOf(verifyRefresh(token))).toBe('verified');
    expect(await refusalOf(verify(token))).toBe('verified');
  });

  it('is rejected as an access token at any age', async () => {
    const { verify, verifyAtAnyAge } = startVerifier();
    expect(await refusalOf(verify(refreshToken()))).toBe('token_invalid');
    expect(await refusalOf(verifyAtAnyAge(refreshToken()))).toBe('token_invalid');
  });

  it.each(['access', 'Refresh', 'refresh ', ['refresh'], null, ''])(
    'is rejected with the token_type %j',
    async (use) => {
      const token = refreshToken({ token_type: use });
      expect(await refusalOf(startVerifier().verifyRefresh(token))).toBe('token_invalid');
    },
  );

  it('expires at its exp', async () => {
    const { clock, verifyRefresh } = startVerifier();
    const token = refreshToken();
    const { expiresAtMs } = await verifyRefresh(token);
    clock.now = expiresAtMs - 1;
    expect(await refusalOf(verifyRefresh(token))).toBe('verified');
    clock.now = expiresAtMs;
    expect(await refusalOf(verifyRefresh(token))).toBe('token_expired');
  });

  it('is rejected with an unknown signature, expired or not', async () => {
    const { verifyRefresh } = startVerifier();
    const forged = { token_type: 'refresh', exp: seconds(now) + 60 };
    expect(await refusalOf(verifyRefresh(tokenBy(unknownKey, forged)))).toBe('token_invalid');
    const forgedAndExpired = { token_type: 'refresh', exp: seconds(now) - 60 };
    expect(await refusalOf(verifyRefresh(tokenBy(unknownKey, forgedAndExpired)))).toBe('token_invalid');
  });
});

describe('an access token at any age', () => {
  it('is accepted long after its exp', async () => {
    const { clock, verifyAtAnyAge } = startVerifier();
    clock.now = now + 30 * 24 * 60 * minute;
    expect((await verifyAtAnyAge(staffToken(now))).principal).toMatchObject({ type: 'staff', id: 123 });
  });

  it('is accepted before its exp', async () => {
    expect((await startVerifier().verifyAtAnyAge(staffToken(now))).principal.id).toBe(123);
  });

  it.each([
    ['a signature by a known key', tokenBy(unknownKey, { exp: seconds(now) - 60 })],
    ['its second factor', staffToken(now, { exp: seconds(now) - 60, otp_required: true })],
    ['an exp', staffToken(now, { exp: undefined })],
  ])('is rejected without %s', async (_, token) => {
    expect(await refusalOf(startVerifier().verifyAtAnyAge(token))).toBe('token_invalid');
  });
});
