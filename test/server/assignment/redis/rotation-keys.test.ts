import { describe, expect, it } from 'vitest';
import { createRotationKeys } from '../../../../server/src/assignment/redis/rotation-keys.ts';

const rotationKeys = createRotationKeys({ prefix: 'auth-bff:', sealingSecret: 'one-sealing-secret' });
const other = createRotationKeys({ prefix: 'auth-bff:', sealingSecret: 'another-sealing-secret' });
const ids = [1, 2, 255, 256, 2_147_483_648, Number.MAX_SAFE_INTEGER];

describe('people in rotations', () => {
  it('are sealed deterministically, and open to their ids', () => {
    const sealed = rotationKeys.seal('tts/technician', ids);
    expect(sealed.map((one) => rotationKeys.open('tts/technician', one))).toEqual(ids);
    expect(rotationKeys.seal('tts/technician', ids.toReversed())).toEqual(sealed.toReversed());
    expect(new Set(sealed).size).toBe(ids.length);
    for (const one of sealed) expect(one).toMatch(/^[\w-]{22}$/);
  });

  it('do not open in another rotation, with another sealing secret, or after a change', () => {
    const [sealed = ''] = rotationKeys.seal('tts/technician', [1]);
    expect(rotationKeys.seal('tts/manager', [1])).not.toEqual([sealed]);
    expect(other.seal('tts/technician', [1])).not.toEqual([sealed]);
    for (const open of [
      () => rotationKeys.open('tts/manager', sealed),
      () => other.open('tts/technician', sealed),
      () => rotationKeys.open('tts/technician', `${sealed.slice(1)}${sealed.slice(0, 1)}`),
      () => rotationKeys.open('tts/technician', '1'),
      () => rotationKeys.open('tts/technician', ''),
    ]) {
      expect(open).toThrow(/not sealed for it/);
    }
  });
});

describe('keys of rotations', () => {
  it('consist of the prefix and keyed hashes, and share the hash tag of their rotation', () => {
    const { turns, newKeys, turnOf } = rotationKeys.of('tts/technician');
    for (const key of [turns, newKeys, turnOf('T-1')]) expect(key).toMatch(/^auth-bff:rotation:\{[\w-]{22}\}:/);
    expect(new Set([turns, newKeys, turnOf('T-1'), turnOf('T-2')].map((key) => key.split('}')[0])).size).toBe(1);
    expect(rotationKeys.of('tts/manager').turns).not.toBe(turns);
    expect(other.of('tts/technician').turns).not.toBe(turns);
    expect(rotationKeys.caller('staff 123')).toMatch(/^auth-bff:assigner:[\w-]{22}$/);
  });
});
