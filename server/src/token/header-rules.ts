import { AppError } from '../errors.ts';
import type { JsonObject } from './strict-parse.ts';

/** Parameters that would change what the token is or which key it names: none is ever honoured, so none is accepted. */
const refusedParameters = ['b64', 'crit', 'cty', 'enc', 'jku', 'jwk', 'x5c', 'x5t', 'x5t#S256', 'x5u', 'zip'];

/** A plain name. It selects nothing here; anything that could be a path or a query is refused. */
const plainKeyId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

/** Refuses a header that is not that of a JWT signed with `algorithm`. Throws `token_invalid`. Source: RFC 8725, sections 3.1 and 3.10. */
export const checkHeader = (header: JsonObject, algorithm: string): void => {
  if (header.alg !== algorithm) throw refuse(`its algorithm is not ${algorithm}`);
  if (header.typ !== undefined && (typeof header.typ !== 'string' || header.typ.toUpperCase() !== 'JWT')) {
    throw refuse('its type is not JWT');
  }
  if (header.kid !== undefined && (typeof header.kid !== 'string' || !plainKeyId.test(header.kid))) {
    throw refuse('its key id is not a plain name');
  }
  const refused = refusedParameters.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw refuse(`its header has ${refused}`);
};
