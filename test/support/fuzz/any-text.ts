import * as fc from 'fast-check';

/** The first surrogate, which is no character, and how many of them there are. */
const surrogate = 0xd800;
const surrogates = 0x800;

const toCharacter = (index: number): string => String.fromCodePoint(index < surrogate ? index : index + surrogates);

const toIndex = (character: unknown): number => {
  const code = typeof character === 'string' ? (character.codePointAt(0) ?? -1) : -1;
  if (code === -1 || String.fromCodePoint(code) !== character) throw new Error('Not one character.');
  if (code >= surrogate && code < surrogate + surrogates) throw new Error('Half a character.');
  return code < surrogate ? code : code - surrogates;
};

const anyCharacter = fc.nat({ max: 0x10_ff_ff - surrogates }).map(toCharacter, toIndex);

/**
 * Texts of any characters. As `fc.string({ unit: 'binary' })`, which first builds a table of all 1,112,064 characters: that
 * takes a second in each process.
 */
export const anyText = (constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ unit: anyCharacter, ...constraints });
