import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { EndpointName } from './endpoints.ts';

export type AuthRequest = {
  endpoint: EndpointName | null;
  method: string;
  /** Without query. */
  path: string;
  /** What the path's variable segment holds: an id or a company id. */
  parameter: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  cookies: ReadonlyMap<string, string>;
  body: string;
};

/** A string body goes out as it is unless its type is JSON; anything else is written as JSON; null is no body. */
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

/** Django's answer where its code fails. */
export const serverError = (): AuthResponse => html(500, 'Server Error (500)');

export const redirect = (status: 301 | 302, location: string): AuthResponse => ({
  status,
  body: null,
  headers: { 'content-type': 'text/html; charset=utf-8', location },
});

export const toBytes = ({ body, headers }: AuthResponse): Buffer => {
  if (body === null || body === undefined) return Buffer.alloc(0);
  const isJson = String(headers['content-type'] ?? '').includes('json');
  return Buffer.from(typeof body === 'string' && !isJson ? body : JSON.stringify(body));
};

/** Sends an answer whose body is bytes already. */
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

/** Answers a request that the server refuses to work on, with the reason as plain text. */
export const sendRefusal = (response: ServerResponse, status: 403 | 421, reason: string): void => {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  // The body of the request stays unread, so the connection cannot be used again.
  sendBytes(response, status, { ...headers, connection: 'close' }, Buffer.from(`${reason}\n`));
};

/** As Django reads it: the last of a name wins, and quotes around a value are not part of it. */
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

/** The request's JSON object, or Django's answer to what is not one. */
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

/** A field's text, and an empty one where there is none. */
export const textField = (fields: Readonly<Record<string, unknown>>, name: string): string => {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
};

/** Django's complaint about the empty ones among required fields; null where none is empty. */
export const missingFields = (required: Record<string, string>): Record<string, string[]> | null => {
  const empty = Object.keys(required).filter((name) => required[name] === '');
  return empty.length > 0 ? Object.fromEntries(empty.map((name) => [name, ['This field is required.']])) : null;
};
