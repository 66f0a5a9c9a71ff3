import { describe, expect, it } from 'vitest';
import { createRotationKeys } from '../../../server/src/assignment/rotation-keys.ts';

const turnKeys = createRotationKeys({ prefix: 'auth-bff:', sealingSecret: 'one-sealing-secret' });
const other = createRotationKeys({ prefix: 'auth-bff:', sealingSecret: 'another-sealing-secret' });
const ids = [1, 2, 255, 256, 2_147_483_648, Number.MAX_SAFE_INTEGER];

describe('people in turns', () => {
  it('open as they were sealed, and are sealed the same each time', () => {
    const sealed = turnKeys.seal('tts/technician', ids);
    expect(sealed.map((one) => turnKeys.open('tts/technician', one))).toEqual(ids);
    expect(turnKeys.seal('tts/technician', ids.toReversed())).toEqual(sealed.toReversed());
    expect(new Set(sealed).size).toBe(ids.length);
    for (const one of sealed) expect(one).toMatch(/^[\w-]{22}$/);
  });

  it('do not open in another rotation, with another sealing key, or if somebody changed them', () => {
    const [sealed = ''] = turnKeys.seal('tts/technician', [1]);
    expect(turnKeys.seal('tts/manager', [1])).not.toEqual([sealed]);
    expect(other.seal('tts/technician', [1])).not.toEqual([sealed]);
    for (const open of [
      () => turnKeys.open('tts/manager', sealed),
      () => other.open('tts/technician', sealed),
      () => turnKeys.open('tts/technician', `${sealed.slice(1)}${sealed.slice(0, 1)}`),
      () => turnKeys.open('tts/technician', '1'),
      () => turnKeys.open('tts/technician', ''),
    ]) {
      expect(open).toThrow(/not sealed for it/);
    }
  });
});

describe('keys of turns', () => {
  it('hold the prefix and keyed hashes, and share the hash tag of their rotation', () => {
    const { turns, newKeys, given } = turnKeys.of('tts/technician');
    for (const key of [turns, newKeys, given('T-1')]) expect(key).toMatch(/^auth-bff:rotation:\{[\w-]{22}\}:/);
    expect(new Set([turns, newKeys, given('T-1'), given('T-2')].map((key) => key.split('}')[0])).size).toBe(1);
    expect(turnKeys.of('tts/manager').turns).not.toBe(turns);
    expect(other.of('tts/technician').turns).not.toBe(turns);
    expect(turnKeys.caller('staff 123')).toMatch(/^auth-bff:assigner:[\w-]{22}$/);
  });
});
