import { describe, expect, it, vi } from 'vitest';
import { createCutoffs } from '../../../../server/src/session/cutoff/cutoffs.ts';
import type { SharedFamilies } from '../../../../server/src/session/family/shared-families.ts';
import { createTokenFamilies } from '../../../../server/src/session/family/token-families.ts';
import { type TokenRefs, provenRefs, toTokenRef } from '../../../../server/src/session/family/token-refs.ts';
import type { Principal } from '../../../../server/src/token/principal.ts';

const nowMs = 1_000;
const owner = { type: 'staff', id: 123 } as const;
const refOf = (fingerprint: string) => ({ fingerprint, expiresAtMs: nowMs + 60_000 });
const accessOf = (fingerprint: string) => ({
  ...refOf(fingerprint),
  principal: owner as unknown as Principal,
  issuedAtMs: nowMs,
});
const cutoffs = () => createCutoffs({ keyHasher: (_label, text) => text, now: () => nowMs });
const genuine = provenRefs({ access: refOf('access'), refresh: refOf('refresh') });
const madeUp = (index: number): TokenRefs => ({
  access: toTokenRef(refOf(`made-up access ${index}`), false),
  refresh: toTokenRef(refOf(`made-up refresh ${index}`), false),
});
const start = () => createTokenFamilies({ now: () => nowMs, cutoffs: cutoffs(), shared: null, maxTokens: 4 });

describe('token families in the memory of a process', () => {
  it('keep a sign-out although unproven tokens are revoked, replaced and refreshed in large numbers', async () => {
    const tokenFamilies = start();
    await tokenFamilies.begin(genuine, owner, 0);
    await tokenFamilies.revoke(genuine);
    for (let index = 0; index < 50; index += 1) {
      expect(await tokenFamilies.revoke(madeUp(index))).toEqual({ access: false, refresh: false });
      expect(await tokenFamilies.replace(madeUp(index))).toEqual({ access: false, refresh: false });
      await tokenFamilies.withFamily(madeUp(index), owner, async (family) =>
        tokenFamilies.update(family, madeUp(index), owner),
      );
    }
    expect(tokenFamilies.isRevoked(accessOf('access'))).toBe(true);
  });

  it('prove a refresh token that they contain, and revoke its family, when a request presents it alone', async () => {
    const tokenFamilies = start();
    await tokenFamilies.begin(genuine, owner, 0);
    const { refresh } = genuine;
    const presented = { access: null, refresh: refresh === null ? null : toTokenRef(refresh, false) };
    expect(await tokenFamilies.revoke(presented)).toEqual({ access: false, refresh: true });
    expect(tokenFamilies.isRevoked(accessOf('access'))).toBe(true);
  });

  it('give parallel refreshes of the same unproven tokens one family, until the last of them ends', async () => {
    const tokenFamilies = start();
    const refs = madeUp(1);
    await tokenFamilies.withFamily(refs, owner, async (first) => {
      await tokenFamilies.withFamily(refs, owner, async (second) => expect(second).toBe(first));
      await tokenFamilies.revoke(refs);
      expect(first.revokedAtMs).toBe(nowMs);
    });
    await tokenFamilies.withFamily(refs, owner, async ({ revokedAtMs }) => expect(revokedAtMs).toBeNull());
  });
});

describe('token families of several replicas', () => {
  const stored = {
    name: 'family',
    revokedAtMs: null,
    isReplaced: false,
    sinceMs: 0,
    stored: { access: false, refresh: false },
  };
  const startShared = () => {
    const unproven = { access: false, refresh: false };
    const shared = {
      join: vi.fn<SharedFamilies['join']>(async () => null),
      add: async () => stored,
      read: async () => stored,
      revoke: vi.fn<SharedFamilies['revoke']>(async () => unproven),
      replace: async () => unproven,
      watch: () => () => {},
      hasReceivedSignOut: () => false,
      receivedSinceMs: () => 0,
      lookUp: async () => ({ revokedAtMs: null, sinceMs: 0, cutoffMs: null }),
      cutoffs: { set: async () => {}, read: async () => null },
    } satisfies SharedFamilies;
    const known = cutoffs();
    return { shared, known, tokenFamilies: createTokenFamilies({ now: () => nowMs, cutoffs: known, shared }) };
  };
  const exchanged = provenRefs({ access: null, refresh: refOf('made-up refresh 1') });

  it('pass on a sign-out of unproven tokens as soon as an exchange in flight proves them', async () => {
    const { shared, tokenFamilies } = startShared();
    await tokenFamilies.withFamily(madeUp(1), owner, async (family) => {
      await tokenFamilies.revoke(madeUp(1));
      shared.revoke.mockClear();
      await tokenFamilies.addIssued(family, exchanged, genuine);
      expect(family.revokedAtMs).toBe(nowMs);
    });
    expect(shared.revoke.mock.calls).toEqual([[exchanged, []]]);
    expect(tokenFamilies.isRevokedLocally(accessOf('access'))).toBe(true);
  });

  it('pass on no sign-out when an exchange ends in a family that was not signed out', async () => {
    const { shared, tokenFamilies } = startShared();
    await tokenFamilies.withFamily(madeUp(1), owner, (family) => tokenFamilies.addIssued(family, exchanged, genuine));
    expect(shared.revoke).not.toHaveBeenCalled();
  });

  it('keep a session whose cutoff arrives after its family was read, and before the cutoff is applied', async () => {
    const { shared, tokenFamilies, known } = startShared();
    const refresh = { principal: owner as unknown as Principal, issuedAtMs: nowMs - 1 };
    await tokenFamilies.withFamily(genuine, owner, async (family) => {
      await tokenFamilies.update(family, genuine, owner);
      shared.join.mockResolvedValue({ ...stored, sinceMs: nowMs });
      known.raise(known.nameOf(owner), nowMs);
      expect(await tokenFamilies.cutOffAtMs(family, genuine, refresh)).toBeNull();
    });
  });
});
