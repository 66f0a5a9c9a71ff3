import { describe, expect, it } from 'vitest';
import { foldEmail } from '../../../server/src/rate-limit/fold-email.ts';

describe('foldEmail maps equal e-mail addresses to one spelling', () => {
  it.each([
    ['capitals', 'Priya.Raman@EXAMPLE.com', 'priya.raman@example.com'],
    ['an i without its dot', 'pr\u0131ya@example.com', 'priya@example.com'],
    ['a capital I with a dot', 'PR\u0130YA@example.com', 'priya@example.com'],
    ['an i with a combining dot above', 'pri\u0307ya@example.com', 'priya@example.com'],
    ['a sharp s', 'wei\u00df@example.com', 'weiss@example.com'],
    ['a capital sharp s', 'WEI\u1e9e@example.com', 'weiss@example.com'],
    ['a long s', 'u\u017fer@example.com', 'user@example.com'],
    ['the Kelvin sign', '\u212aumar@example.com', 'kumar@example.com'],
    ['the Angstrom sign', '\u212bsa@example.com', '\u00e5sa@example.com'],
    ['a final sigma', '\u03bd\u03af\u03ba\u03bf\u03c2@example.com', '\u03bd\u03af\u03ba\u03bf\u03c3@example.com'],
    ['a capital sigma', '\u039d\u0399\u039a\u039f\u03a3@example.com', '\u03bd\u03b9\u03ba\u03bf\u03c2@example.com'],
    ['an iota below', '\u1fb3@example.com', '\u03b1\u03b9@example.com'],
    ['a ligature', '\ufb01ona@example.com', 'fiona@example.com'],
    ['letters of full width', '\uff50\uff52\uff49\uff59\uff41\uff20example.com', 'priya@example.com'],
    ['letters in circles', '\u24df\u24e1\u24d8\u24e8\u24d0@example.com', 'priya@example.com'],
    ['an accent in one character', 'jos\u00e9@example.com', 'jose@example.com'],
    ['an accent in two characters', 'jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['a soft hyphen', 'pri\u00adya@example.com', 'priya@example.com'],
    ['a zero-width joiner', 'pri\u200dya@example.com', 'priya@example.com'],
    ['spaces around it', ' priya@example.com\u00a0', 'priya@example.com'],
  ])('%s', (_name, one, other) => {
    expect(foldEmail(one)).toBe(foldEmail(other));
  });

  it('foldEmail is idempotent', () => {
    const codes = Array.from({ length: 0x1_1000 }, (_, code) => code).filter((code) => code < 0xd800 || code >= 0xe000);
    const addresses = codes.map((code) => `a${String.fromCodePoint(code)}b@example.com`);
    const folded = addresses.map(foldEmail);
    expect(folded.map(foldEmail)).toEqual(folded);
    expect(addresses.map((address) => foldEmail(address.toUpperCase()))).toEqual(folded);
  });
});

it('foldEmail keeps different e-mail addresses different', () => {
  const addresses = [
    'priya@example.com',
    'priya.@example.com',
    'priya+1@example.com',
    'priya@example.org',
    'pria@example.com',
    '\u0930\u093e\u092e@example.com',
    '\u0930\u092e\u093e@example.com',
    '\u674e@example.com',
  ];
  expect(new Set(addresses.map(foldEmail)).size).toBe(addresses.length);
});
