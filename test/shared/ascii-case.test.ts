import { equalsIgnoringAsciiCase, toAsciiLowerCase, toAsciiUpperCase } from '@auth-bff/shared';
import { describe, expect, it } from 'vitest';

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('');

describe('ASCII case', () => {
  it('equals Unicode case for every ASCII character', () => {
    expect(toAsciiLowerCase(ascii)).toBe(ascii.toLowerCase());
    expect(toAsciiUpperCase(ascii)).toBe(ascii.toUpperCase());
  });

  it('leaves every other character of the BMP unchanged', () => {
    const others = Array.from({ length: 0xff_80 }, (_, index) => String.fromCharCode(index + 128)).join('');
    expect(toAsciiLowerCase(others)).toBe(others);
    expect(toAsciiUpperCase(others)).toBe(others);
  });

  it.each([
    ['Admin', 'ADMIN'],
    ['tts', 'TTS'],
    ['Bürgermeister', 'BüRGERMEISTER'],
    ['', ''],
  ])('%j equals %j', (a, b) => {
    expect(equalsIgnoringAsciiCase(a, b)).toBe(true);
    expect(equalsIgnoringAsciiCase(b, a)).toBe(true);
  });

  it.each([
    ['Admin', 'Admın', 'the dotless i, whose capital is I'],
    ['Admin', 'Admİn', 'the capital I with a dot'],
    ['TTS', 'TTſ', 'the long s, whose capital is S'],
    ['Desk', 'Des\u212A', 'the Kelvin sign, whose small letter is k'],
    ['strasse', 'straße', 'the sharp s, whose capitals are SS'],
    ['Ü', 'ü', 'letters that are not ASCII'],
    ['Admin', 'Admin ', 'a space'],
    ['@', '`', 'characters that differ by the bit of case, and are no letters'],
  ])('%j does not equal %j: %s', (a, b) => {
    expect(equalsIgnoringAsciiCase(a, b)).toBe(false);
    expect(equalsIgnoringAsciiCase(b, a)).toBe(false);
  });
});
