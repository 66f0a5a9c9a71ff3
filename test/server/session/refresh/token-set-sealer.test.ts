import { expect, it } from 'vitest';
import { createKeyHasher } from '../../../../server/src/platform/key-hasher.ts';
import { createTokenSetSealer } from '../../../../server/src/session/refresh/token-set-sealer.ts';

const sealingSecret = 'a-sealing-key-of-32-bytes-or-more';
const grant = { accessToken: 'new-access', refreshToken: 'new-refresh' };

it('a sealed token set opens only with the old refresh token and the same sealing secret', async () => {
  const grants = createTokenSetSealer({ sealingSecret });
  const sealed = await grants.seal(grant, 'old-token');
  expect(await createTokenSetSealer({ sealingSecret }).open(sealed, 'old-token')).toEqual(grant);
  expect(await grants.open(sealed, 'another-token')).toBeNull();
  expect(await createTokenSetSealer({ sealingSecret: `${sealingSecret}!` }).open(sealed, 'old-token')).toBeNull();
  expect(await grants.open(`${sealed.slice(0, -2)}AA`, 'old-token')).toBeNull();
});

it('replicas with the same sealing secret derive the same key names, and others derive different ones', () => {
  const name = createKeyHasher({ sealingSecret })('token', 'x');
  expect(createKeyHasher({ sealingSecret })('token', 'x')).toBe(name);
  expect(createKeyHasher({ sealingSecret: `${sealingSecret}!` })('token', 'x')).not.toBe(name);
  expect(createKeyHasher({ sealingSecret })('refresh', 'x')).not.toBe(name);
});
