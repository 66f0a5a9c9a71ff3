import type { FastifyInstance } from 'fastify';
import { isInputName } from '../../api/input-names.ts';
import { AppError } from '../../errors.ts';

/** An encoded NUL or surrogate. UTF-8 cannot encode surrogates. */
const unstorable = /%(00|ed%[ab][\da-f])/i;

/** The parameters of tRPC. */
const parameters: ReadonlySet<string> = new Set(['input', 'batch']);

/** `path`, `query`, or the name of a known parameter, such as `query.input`. */
const locationOf = (url: string, at: number): string => {
  const queryAt = url.indexOf('?');
  if (queryAt < 0 || at < queryAt) return 'path';
  const from = Math.max(queryAt, url.lastIndexOf('&', at)) + 1;
  const [name = ''] = url.slice(from, at).split('=', 1);
  return parameters.has(name) || isInputName(name) ? `query.${name}` : 'query';
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
