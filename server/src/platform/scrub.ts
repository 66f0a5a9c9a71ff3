const hidden = '[hidden]';

const secrets = '(?:access|refresh|temporary|captcha)_?token|sessionid|csrftoken|x-api-key|api_?key|password|otp_?code';
const names = `${secrets}|(?:set-)?cookie|authorization`;
const value = String.raw`[^\s"'\\;,&{}[\]]+`;

/**
 * Each takes what it finds whole, so that a line of JSON stays one: no half of an escape, and no quote that ends a
 * string. None looks back over what it has read more than a bounded number of times.
 */
const patterns: ReadonlyArray<[RegExp, string]> = [
  // A JWT, whole or cut off, or written right behind other text; its header begins with `{"`.
  [/(?:\beyJ[\w-]{5,}|eyJ[\w-]{5,200}(?=\.))(?:\.[\w-]*){0,2}/g, hidden],
  [/\b(Bearer|Basic)(\s{1,9})[\w.~+/=-]+/gi, `$1$2${hidden}`],
  // A field of JSON, of JSON in a string of JSON, and of what Node prints of an object.
  [new RegExp(String.raw`("(?:${names})"\s{0,3}:\s{0,3}")(?:[^"\\]|\\.)*`, 'gi'), `$1${hidden}`],
  [new RegExp(String.raw`(\\"(?:${names})\\"\s{0,3}:\s{0,3}\\")(?:[^"\\]|\\[^"])*`, 'gi'), `$1${hidden}`],
  [new RegExp(String.raw`(\b(?:${names})'?\s{0,3}[:=]\s{0,3}')(?:[^'"\\]|\\.)*`, 'gi'), `$1${hidden}`],
  // One that is a number there.
  [new RegExp(String.raw`((\\?")(?:${names})\2\s{0,3}:\s{0,3})${value}`, 'gi'), `$1$2${hidden}$2`],
  // In a form, a cookie, or a header.
  [new RegExp(String.raw`\b(${secrets})(\s{0,3}[:=]\s{0,3})${value}`, 'gi'), `$1$2${hidden}`],
];
const email = /[^\s"'\\<>()[\]{},;:=@/?&]{1,64}(?:@|%40)[^\s"'\\<>()[\]{},;:=@/?&]{1,255}/gi;
/** Whether one of the patterns may find anything: most lines of the log hold none of these. */
const isWorthALook =
  /eyJ|(?:bearer|basic)\s|(?:token|sessionid|api[-_]?key|password|otp_?code|cookie|authorization)\\?["']?\s{0,3}[:=]/i;

/** A text without what looks like a token, a password, an API key or an e-mail address. */
export const scrub = (text: string): string => {
  let scrubbed = text;
  if (isWorthALook.test(text)) for (const [pattern, instead] of patterns) scrubbed = scrubbed.replace(pattern, instead);
  return text.includes('@') || text.includes('%40') ? scrubbed.replace(email, hidden) : scrubbed;
};

/**
 * What may stand in a line of JSON and makes a terminal or an editor do or show something else: C0, as JSON escapes it;
 * DEL and C1; line and paragraph separators; marks that change the direction of text. Any other escape is matched as
 * well, so that the text behind `\\` is not taken for one.
 */
const escapesAndControls =
  /\\(u00[01][\da-f]|[bfnrt])|\\[^]|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Most lines hold none of these. */
const mayHoldControls = /\\[^"\\]|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** A line of JSON with a space for each control character in its texts. */
export const replaceControls = (line: string): string =>
  mayHoldControls.test(line)
    ? line.replaceAll(escapesAndControls, (found, escape: string | undefined) =>
        found.startsWith('\\') && escape === undefined ? found : ' ',
      )
    : line;
