/**
 * Reads a URL. Null: it is none. Not by `URL.canParse`: once V8 has optimised its caller, that of Node.js 20 calls every URL
 * invalid that has letters such as ü in it.
 */
export const toUrl = (text: string, base?: string): URL | null => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};
