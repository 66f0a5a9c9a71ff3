import type { Picture } from '../auth-service/account/account-calls.ts';

type PictureType = Picture['contentType'];

/** The longest signature: that of WebP. */
export const signatureBytes = 12;

/** The first bytes of each type, in hex. Source: https://mimesniff.spec.whatwg.org, 6.1. */
const signatures: ReadonlyArray<readonly [type: PictureType, begins: RegExp]> = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  // GIF87a, GIF89a.
  ['image/gif', /^47494638(37|39)61/],
  // RIFF, four bytes of length, WEBP.
  ['image/webp', /^52494646.{8}57454250/],
];

/**
 * The type of an image by its first bytes, whatever the request calls it: browsers run scripts in SVG and HTML. Null: none of
 * the types that pictures may have.
 */
export const pictureTypeOf = (firstBytes: Buffer): PictureType | null => {
  const start = firstBytes.toString('hex', 0, signatureBytes);
  return signatures.find(([, begins]) => begins.test(start))?.[0] ?? null;
};
