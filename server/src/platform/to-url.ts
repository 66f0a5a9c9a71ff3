/**
 * Parses a URL. Null: it is invalid. Does not use `URL.canParse`: in Node.js 20, once V8 has optimised its caller, it
 * rejects every URL with non-ASCII letters.
 */
export const toUrl = (text: string, base?: string): URL | null => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};
