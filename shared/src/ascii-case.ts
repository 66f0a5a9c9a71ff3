// Unicode's case mappings join letters that differ: `ı` (dotless i) has the capital `I`, `ſ` (long s) has `S`, and the
// Kelvin sign has the small letter `k`. A name that grants rights must not be spelled with another letter.

/** `A` to `Z` in lower case; every other character as it is. */
export const toAsciiLowerCase = (text: string): string => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase());

/** `a` to `z` in upper case; every other character as it is. */
export const toAsciiUpperCase = (text: string): string => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase());

/** Whether two names differ at most in the case of the letters `A` to `Z`. */
export const equalsIgnoringAsciiCase = (a: string, b: string): boolean =>
  a === b || (a.length === b.length && toAsciiLowerCase(a) === toAsciiLowerCase(b));
