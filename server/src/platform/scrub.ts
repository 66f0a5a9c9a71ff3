const hidden = '[hidden]';

const secrets = '(?:access|refresh|temporary|captcha)_?token|sessionid|csrftoken|x-api-key|api_?key|password|otp_?code';
const names = `${secrets}|(?:set-)?cookie|authorization`;
const value = String.raw`[^\s"'\\;,&{}[\]]+`;

/**
 * Each pattern matches whole values, so that a JSON line stays valid: it splits no escape and removes no closing quote. All
 * repetitions are bounded, so that no input causes quadratic backtracking.
 */
const patterns: ReadonlyArray<[RegExp, string]> = [
  // A JWT, complete or truncated, also directly after other text. Its header begins with `{"`.
  [/(?:\beyJ[\w-]{5,}|eyJ[\w-]{5,200}(?=\.))(?:\.[\w-]*){0,2}/g, hidden],
  [/\b(Bearer|Basic)(\s{1,9})[\w.~+/=-]+/gi, `$1$2${hidden}`],
  // A field of JSON, of JSON inside a JSON string, and of an object printed by Node.
  [new RegExp(String.raw`("(?:${names})"\s{0,3}:\s{0,3}")(?:[^"\\]|\\.)*`, 'gi'), `$1${hidden}`],
  [new RegExp(String.raw`(\\"(?:${names})\\"\s{0,3}:\s{0,3}\\")(?:[^"\\]|\\[^"])*`, 'gi'), `$1${hidden}`],
  [new RegExp(String.raw`(\b(?:${names})'?\s{0,3}[:=]\s{0,3}')(?:[^'"\\]|\\.)*`, 'gi'), `$1${hidden}`],
  // A field whose value is a number.
  [new RegExp(String.raw`((\\?")(?:${names})\2\s{0,3}:\s{0,3})${value}`, 'gi'), `$1$2${hidden}$2`],
  // A field of a form, a cookie or a header.
  [new RegExp(String.raw`\b(${secrets})(\s{0,3}[:=]\s{0,3})${value}`, 'gi'), `$1$2${hidden}`],
];
const email = /[^\s"'\\<>()[\]{},;:=@/?&]{1,64}(?:@|%40)[^\s"'\\<>()[\]{},;:=@/?&]{1,255}/gi;
/** A fast check whether one of the patterns may match: most lines match none. */
const mayMatch =
  /eyJ|(?:bearer|basic)\s|(?:token|sessionid|api[-_]?key|password|otp_?code|cookie|authorization)\\?["']?\s{0,3}[:=]/i;

/** Replaces everything that looks like a token, a password, an API key or an e-mail address. */
export const scrub = (text: string): string => {
  let scrubbed = text;
  if (mayMatch.test(text)) for (const [pattern, instead] of patterns) scrubbed = scrubbed.replace(pattern, instead);
  return text.includes('@') || text.includes('%40') ? scrubbed.replace(email, hidden) : scrubbed;
};

/**
 * Characters with which a JSON line could manipulate a terminal or an editor: C0 (escaped in JSON), DEL and C1, line and
 * paragraph separators, and text-direction marks. It also matches all other escapes, so that the text after `\\` is not
 * mistaken for one.
 */
const escapesAndControls =
  /\\(u00[01][\da-f]|[bfnrt])|\\[^]|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** A fast check: most lines contain none of them. */
const mayHoldControls = /\\[^"\\]|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Replaces each control character in a JSON line by a space. */
export const replaceControls = (line: string): string =>
  mayHoldControls.test(line)
    ? line.replaceAll(escapesAndControls, (found, escape: string | undefined) =>
        found.startsWith('\\') && escape === undefined ? found : ' ',
      )
    : line;
