/** Folds case and compatibility forms. The three case mappings together treat ẞ, ß and ss alike, and σ and ς. */
const foldCase = (text: string): string =>
  text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKD');

/** Combining accents and dots, and invisible characters such as a soft hyphen. */
const ignored = /[\u0300-\u036f]|\p{Default_Ignorable_Code_Point}/gu;

/**
 * Maps all e-mail addresses that a database may treat as equal to one spelling: `Priya`, `prıya` and `prïya`, `ß` and `ss`,
 * `ſ` and `s`. People whose addresses differ only in that share their limits.
 */
export const foldEmail = (email: string): string => foldCase(email).replaceAll(ignored, '').trim();
