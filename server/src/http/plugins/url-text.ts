import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** An encoded NUL or surrogate. UTF-8 cannot encode surrogates. */
const unstorable = /%(00|ed%[ab][\da-f])/i;

/** `path`, `query`, or the name of the parameter, such as `query.input`. */
const locationOf = (url: string, at: number): string => {
  const queryAt = url.indexOf('?');
  if (queryAt < 0 || at < queryAt) return 'path';
  const from = Math.max(queryAt, url.lastIndexOf('&', at)) + 1;
  const name = /^([\w.-]{1,64})=/.exec(url.slice(from, at))?.[1];
  return name === undefined ? 'query' : `query.${name}`;
};

/** Rejects a URL that contains text that no database can store, in its path or its query. */
export const registerUrlText = (server: FastifyInstance): void => {
  // After all onRequest hooks: without the CORS headers, an allowed origin could not read the error.
  server.addHook('preParsing', (request, _reply, _payload, done) => {
    const { url } = request;
    const found = unstorable.exec(url);
    if (found !== null) {
      const isNul = found[1] === '00';
      const message = `Expected text without ${isNul ? 'NUL characters' : 'unpaired surrogates'}`;
      const path = locationOf(url, found.index);
      throw new AppError('invalid_input', {
        message: `The URL is not valid: ${path}: ${message}`,
        issues: [{ path, message }],
      });
    }
    done();
  });
};
