import { AppError } from '../errors.ts';
import type { JsonObject } from './strict-parse.ts';

/** Parameters that change the meaning of the token or select a key. The BFF supports none of them, and therefore rejects all. */
const refusedParameters = ['b64', 'crit', 'cty', 'enc', 'jku', 'jwk', 'x5c', 'x5t', 'x5t#S256', 'x5u', 'zip'];

/** A plain name. Anything that could be a path or a query is rejected. */
const plainKeyId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

/**
 * Throws `token_invalid` unless the header is that of a JWT signed with one of the algorithms. Source: RFC 8725,
 * sections 3.1 and 3.10.
 */
export const checkHeader = (header: JsonObject, algorithms: readonly string[]): void => {
  if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) {
    throw refuse(`its algorithm is not ${algorithms.join(' or ')}`);
  }
  if (header.typ !== undefined && (typeof header.typ !== 'string' || header.typ.toUpperCase() !== 'JWT')) {
    throw refuse('its type is not JWT');
  }
  if (header.kid !== undefined && (typeof header.kid !== 'string' || !plainKeyId.test(header.kid))) {
    throw refuse('its key id is not a plain name');
  }
  const refused = refusedParameters.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw refuse(`its header has ${refused}`);
};
