import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Parsed } from '../../config/parse.ts';
import type { RedisTlsFiles } from './redis-parameters.ts';

/** Contents of PEM files, for `tls.connect`. */
export type RedisTlsContents = { ca?: Buffer; cert?: Buffer; key?: Buffer };

type Name = keyof RedisTlsFiles;

const contentNames: Record<Name, string> = {
  ca: 'a certificate in PEM',
  cert: 'a certificate in PEM',
  key: 'a private key in PEM without a passphrase',
};

const isReadable = (name: Name, content: Buffer): boolean => {
  try {
    const parsed = name === 'key' ? createPrivateKey(content) : new X509Certificate(content);
    return parsed !== null;
  } catch {
    return false;
  }
};

const readOne = (name: Name, path: string): Parsed<Buffer> => {
  // Quoted, so that no path can look like a part of the message.
  const file = `the file ${JSON.stringify(path)} of ${name}=`;
  try {
    const content = readFileSync(path);
    return isReadable(name, content) ? { value: content } : { fault: `${file} is not ${contentNames[name]}` };
  } catch (error) {
    return { fault: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  }
};

const isPair = (contents: RedisTlsContents): boolean => {
  try {
    createSecureContext(contents);
    return true;
  } catch {
    return false;
  }
};

/** Reads the files. A fault names a path, and no content. */
export const readRedisTls = (files: RedisTlsFiles): Parsed<RedisTlsContents> => {
  const contents: RedisTlsContents = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = files[name];
    if (path === null) continue;
    const read = readOne(name, path);
    if ('fault' in read) return read;
    contents[name] = read.value;
  }
  return isPair(contents)
    ? { value: contents }
    : {
        fault: `the key in ${JSON.stringify(files.key)} does not belong to the certificate in ${JSON.stringify(files.cert)}`,
      };
};

/** `servername`: sent in the handshake (SNI). Node.js sends none by default, and proxies route by it. */
export type RedisTlsOptions = { files: RedisTlsFiles; servername?: string | undefined };

/**
 * Options of `tls.connect` that read the files again for each connection, because certificates are renewed while the
 * service runs. While the new files are faulty, the last good ones stay in use. Throws if the first ones are faulty.
 */
export const createRedisTls = ({ files, servername }: RedisTlsOptions): RedisTlsContents & { servername?: string } => {
  const first = readRedisTls(files);
  if ('fault' in first) throw new TypeError(`REDIS_URL: ${first.fault}`);
  let last = first.value;
  const renew = (): RedisTlsContents => {
    const read = readRedisTls(files);
    if ('value' in read) last = read.value;
    return last;
  };
  const options: RedisTlsContents & { servername?: string } = servername === undefined ? {} : { servername };
  for (const [index, name] of (Object.keys(last) as Name[]).entries()) {
    // The client copies all properties at once: the first one reads the files, and the others belong to it.
    Object.defineProperty(options, name, { enumerable: true, get: () => (index === 0 ? renew() : last)[name] });
  }
  return options;
};
