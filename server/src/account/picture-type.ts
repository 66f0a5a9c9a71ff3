import type { Picture } from '../auth-service/account-calls.ts';

type PictureType = Picture['contentType'];

/** The longest signature: that of WebP. */
export const signatureBytes = 12;

/** What the bytes of an image begin with, in Latin-1. Source: https://mimesniff.spec.whatwg.org, 6.1. */
const signatures: ReadonlyArray<readonly [type: PictureType, begins: RegExp]> = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
];

/**
 * The type of an image by its first bytes, whatever the request calls it: browsers run scripts in SVG and HTML. Null: none of
 * the types that pictures may have.
 */
export const pictureTypeOf = (firstBytes: Buffer): PictureType | null => {
  const start = firstBytes.toString('latin1', 0, signatureBytes);
  return signatures.find(([, begins]) => begins.test(start))?.[0] ?? null;
};
