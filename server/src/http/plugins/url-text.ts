import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** NUL, or a surrogate: UTF-8 has no encoding for one. */
const unstorable = /%(00|ed%[ab][\da-f])/i;

/** `path`, `query`, or `query.input` if a parameter with a plain name is at fault. */
const placeOf = (url: string, at: number): string => {
  const queryAt = url.indexOf('?');
  if (queryAt < 0 || at < queryAt) return 'path';
  const from = Math.max(queryAt, url.lastIndexOf('&', at)) + 1;
  const name = /^([\w.-]{1,64})=/.exec(url.slice(from, at))?.[1];
  return name === undefined ? 'query' : `query.${name}`;
};

/** Refuses an address with text that no service can store, in its path or its query. */
export const registerAddressText = (server: FastifyInstance): void => {
  // After every onRequest hook: without the headers of CORS an allowed origin could not read why it was refused.
  server.addHook('preParsing', (request, _reply, _payload, done) => {
    const { url } = request;
    const found = unstorable.exec(url);
    if (found !== null) {
      const isNul = found[1] === '00';
      const message = `Expected text without ${isNul ? 'NUL characters' : 'unpaired surrogates'}`;
      const path = placeOf(url, found.index);
      throw new AppError('invalid_input', {
        message: `The address is not valid: ${path}: ${message}`,
        issues: [{ path, message }],
      });
    }
    done();
  });
};
