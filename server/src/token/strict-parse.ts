import { AppError } from '../errors.ts';

/** The maximum length of a token. The Auth Service rejects a Cookie header over 8 kB. */
const maxTokenLength = 8192;

export type JsonObject = { readonly [name: string]: unknown };
export type ParsedToken = { header: JsonObject; payload: JsonObject };

const compactJws = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

const refuse = (what: string, cause?: unknown): AppError =>
  new AppError('token_invalid', { message: `The token is not valid: ${what}.`, cause });

/** Decodes canonical base64url only: no padding, no spare bits set (RFC 7515, section 2; RFC 4648, section 3.5). */
const decodeSegment = (segment: string, name: string): Buffer => {
  const bytes = Buffer.from(segment, 'base64url');
  if (bytes.toString('base64url') !== segment) throw refuse(`its ${name} is not canonical base64url`);
  return bytes;
};

const jsonTokens = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/** Whether any object in `json` has a duplicate name. `json` must be valid JSON. */
const hasDuplicateNames = (json: string): boolean => {
  const open: Array<Set<string>> = [];
  let lastString = '';
  for (const [token] of json.matchAll(jsonTokens)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token === ':') {
      const names = open.at(-1);
      // Names are compared after unescaping: "a" and "\u0061" are equal.
      const name = JSON.parse(lastString) as string;
      if (names?.has(name)) return true;
      names?.add(name);
    } else lastString = token;
  }
  return false;
};

const decodeObject = (bytes: Buffer, name: string): JsonObject => {
  let json: string;
  let value: unknown;
  try {
    // With ignoreBOM a byte order mark remains in the text, and JSON.parse rejects it.
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch {
    throw refuse(`its ${name} is not JSON in UTF-8`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`its ${name} is not a JSON object`);
  }
  if (hasDuplicateNames(json)) throw refuse(`its ${name} has the same name twice`);
  return value as JsonObject;
};

/**
 * Parses a compact JWS and rejects every encoding except the canonical one, so that each token has exactly one text, one
 * hash and one meaning. Does not check the signature. Throws `token_invalid`.
 * Source: RFC 7515, section 7.1; RFC 7519, section 7.2; RFC 8725, section 3.
 */
export const strictParse = (token: string): ParsedToken => {
  if (token.length > maxTokenLength) throw refuse(`it has more than ${maxTokenLength} characters`);
  const [, header, payload, signature] = compactJws.exec(token) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) {
    throw refuse('it is not three parts of base64url with two dots between them');
  }
  decodeSegment(signature, 'signature');
  return {
    header: decodeObject(decodeSegment(header, 'header'), 'header'),
    payload: decodeObject(decodeSegment(payload, 'payload'), 'payload'),
  };
};
