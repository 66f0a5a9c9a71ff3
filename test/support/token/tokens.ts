import { createHmac } from 'node:crypto';

/** The key that the tokens of the tests are signed with, the one before it, and the moment at which the tests take place. */
export const signingKey = 'the-signing-key-of-the-tests-has-48-bytes-or-so!';
export const previousKey = 'the-key-before-it-that-is-accepted-a-while-yet!!';
export const now = Date.UTC(2026, 2, 14, 9, 26, 53);

export type Claims = Record<string, unknown>;
export type HmacHash = 'sha256' | 'sha384' | 'sha512';

/** A part of a token before its encoding: text and bytes are taken as they stand, an object is written as JSON. */
export type RawPart = string | Uint8Array | Claims;

export const seconds = (ms: number): number => Math.floor(ms / 1000);

export const bytesOf = (part: RawPart): Buffer => {
  if (part instanceof Uint8Array) return Buffer.from(part);
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
};

export const base64url = (part: RawPart): string => bytesOf(part).toString('base64url');

export const hmac = (input: string, key: string | Uint8Array, hash: HmacHash = 'sha256'): Buffer =>
  createHmac(hash, key).update(input).digest();

export const hs256: Claims = { alg: 'HS256', typ: 'JWT' };

export type CraftOptions = {
  /** Default `{"alg":"HS256","typ":"JWT"}`. */
  header?: RawPart;
  payload: RawPart;
  key?: string | Uint8Array;
  /** The hash of the signature, independent of `alg`. */
  hash?: HmacHash;
};

/** Signs two segments as they stand, whether or not they are base64url. */
export const signSegments = (
  header: string,
  payload: string,
  { key = signingKey, hash = 'sha256' }: Pick<CraftOptions, 'key' | 'hash'> = {},
): string => `${header}.${payload}.${hmac(`${header}.${payload}`, key, hash).toString('base64url')}`;

/** A token with any header and payload, and a valid signature over them. */
export const craft = ({ header = hs256, payload, ...signing }: CraftOptions): string =>
  signSegments(base64url(header), base64url(payload), signing);

/** The three segments of a compact token. */
export const segmentsOf = (token: string): [header: string, payload: string, signature: string] => {
  const [header, payload, signature, ...others] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || others.length > 0) {
    throw new TypeError('Expected a token of three segments.');
  }
  return [header, payload, signature];
};

/** The least claims of a staff token that lives 15 minutes from `nowMs`; `undefined` leaves a claim out. */
export const staffClaims = (nowMs: number, changes: Claims = {}): Claims => ({
  user_id: 123,
  user_type: 'staff',
  exp: seconds(nowMs) + 900,
  iat: seconds(nowMs),
  ...changes,
});

/** A good access token of staff, with changes. */
export const staffToken = (nowMs: number, changes: Claims = {}, key: string = signingKey): string =>
  craft({ payload: staffClaims(nowMs, changes), key });

const base64urlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes in another spelling: `flip` is added to the bits of the last character that no byte uses. */
export const withSpareBits = (segment: string, flip: number): string => {
  const spareBits = { 2: 4, 3: 2 }[segment.length % 4] ?? 0;
  if (flip < 1 || flip >= 2 ** spareBits) throw new RangeError(`This segment has ${spareBits} spare bits.`);
  const last = base64urlAlphabet.indexOf(segment.slice(-1));
  return segment.slice(0, -1) + base64urlAlphabet.charAt(last ^ flip);
};

/** `text` with `inserted` in the middle of it. */
export const insertInside = (text: string, inserted: string): string =>
  text.slice(0, text.length >> 1) + inserted + text.slice(text.length >> 1);
