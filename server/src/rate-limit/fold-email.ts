/** Case and compatibility forms. The three case mappings together treat ẞ, ß and ss alike, and σ and ς. */
const foldCase = (text: string): string =>
  text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKD');

/** Accents and dots above or below a letter, and characters that nobody sees, such as a soft hyphen. */
const ignored = /[\u0300-\u036f]|\p{Default_Ignorable_Code_Point}/gu;

/**
 * One spelling for all e-mail addresses that a database may treat as one: `Priya`, `prıya` and `prïya`, `ß` and `ss`, `ſ`
 * and `s`. Two people whose addresses differ by no more than that share the limits of one address.
 */
export const foldEmail = (email: string): string => foldCase(email).replaceAll(ignored, '').trim();
