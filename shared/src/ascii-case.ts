// Unicode case mapping merges different letters: `ı` (dotless i) maps to `I`, `ſ` (long s) to `S`, and the Kelvin sign to
// `k`. Names that grant rights must not match such letters, so these functions map ASCII letters only.

/** Maps `A`–`Z` to lower case and keeps all other characters. */
export const toAsciiLowerCase = (text: string): string => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase());

/** Maps `a`–`z` to upper case and keeps all other characters. */
export const toAsciiUpperCase = (text: string): string => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase());

/** Whether two names are equal except for the case of ASCII letters. */
export const equalsIgnoringAsciiCase = (a: string, b: string): boolean =>
  a === b || (a.length === b.length && toAsciiLowerCase(a) === toAsciiLowerCase(b));
