import { describe, expect, it } from 'vitest';
import { toRotation } from '../../../server/src/assignment/assignment-store.ts';

const admin = toRotation({ system: 'TTS', role: 'Desk Admin' });

describe('a rotation', () => {
  it.each([
    ['tts', 'desk admin'],
    ['Tts', 'DESK ADMIN'],
    [' TTS ', ' Desk Admin '],
  ])('is the same for %j and %j', (system, role) => {
    expect(toRotation({ system, role })).toBe(admin);
  });

  it.each([
    ['TTſ', 'Desk Admin', 'the long s, whose capital is S'],
    ['TTS', 'Desk Admın', 'the dotless i, whose capital is I'],
    ['TTS', 'Des\u212A Admin', 'the Kelvin sign, whose normal form is K'],
    ['TTS', 'Desk/Admin', 'a slash'],
    ['TTS/Desk Admin', '', 'the halves put together'],
  ])('is another for %j and %j: %s', (system, role) => {
    expect(toRotation({ system, role })).not.toBe(admin);
  });
});
