import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** The message is a clause that continues after "the file", without the content. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
}

const maxBytes = 65_536;

const readBytes = (file: number): Buffer => {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(file, bytes, length, bytes.length - length, null);
  }
  return bytes.subarray(0, length);
};

/** Invalid bytes would become replacement characters, and the key another one than the file has. */
const toText = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SecretFileError('is not UTF-8 text; a random key must be encoded, for example as base64');
  }
};

const readOpen = (file: number): string => {
  const stats = fstatSync(file);
  if (stats.isDirectory()) throw new SecretFileError('is a directory; expected a file');
  // A pipe can be read only once, and would block the start until something is written to it.
  if (!stats.isFile()) throw new SecretFileError('is a pipe, socket or device; expected a regular file');
  const bytes = readBytes(file);
  if (bytes.length > maxBytes) throw new SecretFileError('is larger than 64 kB');
  const text = toText(bytes);
  if (text.includes('\0')) throw new SecretFileError('contains a NUL character; expected text');
  return text;
};

/** The text of a regular file of at most 64 kB. Throws `SecretFileError`. */
export const readSecretFile = (path: string): string => {
  let file: number | null = null;
  try {
    // Without O_NONBLOCK, to open a pipe waits for its writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readOpen(file);
  } catch (error) {
    if (error instanceof SecretFileError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new SecretFileError(`cannot be read (${code})`);
  } finally {
    if (file !== null) closeSync(file);
  }
};
