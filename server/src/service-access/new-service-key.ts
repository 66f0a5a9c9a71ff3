import { randomBytes } from 'node:crypto';
import { hashServiceKey } from './service-keys.ts';

const keyBytes = 32;

/** What a key may consist of: 32 to 256 printable ASCII characters without spaces and commas. */
const keyText = /^[\x21-\x2b\x2d-\x7e]{32,256}$/;
export const isServiceKey = (text: string): boolean => keyText.test(text);

/** A random key: 43 characters of base64url. */
export const createServiceKey = (): string => randomBytes(keyBytes).toString('base64url');

/** An entry of SERVICE_KEYS. */
export const toServiceEntry = (name: string, key: string, procedures: readonly string[]): string =>
  `${name}:${hashServiceKey(key)}:${procedures.length === 0 ? '<procedures>' : procedures.join('|')}`;
