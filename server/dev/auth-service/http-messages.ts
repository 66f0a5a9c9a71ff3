import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { EndpointName } from './endpoints.ts';

export type AuthRequest = {
  endpoint: EndpointName | null;
  method: string;
  /** Excludes the query. */
  path: string;
  /** The variable segment of the path: an id, a company id or a system. */
  parameter: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  cookies: ReadonlyMap<string, string>;
  body: string;
  /** The body as it was sent. */
  bytes: Buffer;
};

/** `body`: null sends no body, a string or a Buffer is sent unchanged unless the content type is JSON, other values are serialized as JSON. */
export type AuthResponse = { status: number; body: unknown; headers: Record<string, string | string[]> };

export const json = (status: number, body: unknown, setCookies: string[] = []): AuthResponse => ({
  status,
  body,
  headers: {
    'content-type': 'application/json',
    ...(setCookies.length > 0 ? { 'set-cookie': setCookies } : {}),
  },
});

export const html = (status: number, heading: string): AuthResponse => ({
  status,
  body: `<!doctype html>\n<html lang="en">\n<head>\n  <title>${heading}</title>\n</head>\n<body>\n  <h1>${heading}</h1>\n</body>\n</html>\n`,
  headers: { 'content-type': 'text/html; charset=utf-8' },
});

/** Django's response to a method that the path does not have. `allow`: the methods that it has. */
export const methodNotAllowed = (method: string, allow: string): AuthResponse => {
  const response = json(405, { detail: `Method "${method}" not allowed.` });
  return { ...response, headers: { ...response.headers, allow } };
};

/** Django's response to an unhandled exception. */
export const serverError = (): AuthResponse => html(500, 'Server Error (500)');

export const redirect = (status: 301 | 302, location: string): AuthResponse => ({
  status,
  body: null,
  headers: { 'content-type': 'text/html; charset=utf-8', location },
});

export const toBytes = ({ body, headers }: AuthResponse): Buffer => {
  if (body === null || body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  const isJson = String(headers['content-type'] ?? '').includes('json');
  return Buffer.from(typeof body === 'string' && !isJson ? body : JSON.stringify(body));
};

/** Sends a response whose body is already serialized. */
export const sendBytes = (
  response: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  bytes: Buffer,
): void => {
  const hasBody = status >= 200 && status !== 204 && status !== 304;
  response.writeHead(status, { ...headers, ...(hasBody ? { 'content-length': bytes.length } : {}) });
  response.end(hasBody ? bytes : undefined);
};

/** Rejects a request before it is processed, with the reason as plain text. */
export const sendRejection = (response: ServerResponse, status: 403 | 421, reason: string): void => {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  // The request body stays unread, so the connection cannot be reused.
  sendBytes(response, status, { ...headers, connection: 'close' }, Buffer.from(`${reason}\n`));
};

/** Parses cookies like Django: the last cookie of a name wins, and quotes around a value are removed. */
export const parseCookies = (header: string | undefined): Map<string, string> => {
  const cookies = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const value = part.slice(equals + 1).trim();
    cookies.set(part.slice(0, equals).trim(), /^".*"$/.test(value) ? value.slice(1, -1) : value);
  }
  return cookies;
};

export const bearerToken = (headers: IncomingHttpHeaders): string | null =>
  /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;

type JsonBody = { ok: true; fields: Readonly<Record<string, unknown>> } | { ok: false; answer: AuthResponse };

/** Reads a JSON object from the body, or returns Django's error response. */
export const readJson = ({ headers, body }: AuthRequest): JsonBody => {
  const type = headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) {
    return { ok: false, answer: json(415, { detail: `Unsupported media type "${type}" in request.` }) };
  }
  try {
    const fields: unknown = JSON.parse(body);
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
      return { ok: true, fields: { ...fields } };
    }
    return {
      ok: false,
      answer: json(400, { non_field_errors: ['Invalid data. Expected a dictionary.'] }),
    };
  } catch {
    return { ok: false, answer: json(400, { detail: 'JSON parse error - Expecting value: line 1 column 1 (char 0)' }) };
  }
};

/** The text of a field. Empty if the field is missing or not a string. */
const textField = (fields: Readonly<Record<string, unknown>>, name: string): string => {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
};

type FieldErrors = Record<string, string[]>;
type TextBody<Name extends string> =
  | { ok: true; texts: Record<Name, string>; fields: Readonly<Record<string, unknown>> }
  | { ok: false; answer: AuthResponse };

/**
 * Reads required text fields from a JSON object, or returns Django's error response. `toAnswer`: the response to empty
 * fields. Default: status 400 with the errors by field.
 */
export const readTexts = <Name extends string>(
  request: AuthRequest,
  names: readonly Name[],
  toAnswer: (errors: FieldErrors) => AuthResponse = (errors) => json(400, errors),
): TextBody<Name> => {
  const read = readJson(request);
  if (!read.ok) return read;
  const { fields } = read;
  const texts = Object.fromEntries(names.map((name) => [name, textField(fields, name)])) as Record<Name, string>;
  const empty = names.filter((name) => texts[name] === '');
  if (empty.length === 0) return { ok: true, texts, fields };
  return { ok: false, answer: toAnswer(Object.fromEntries(empty.map((name) => [name, ['This field is required.']]))) };
};
