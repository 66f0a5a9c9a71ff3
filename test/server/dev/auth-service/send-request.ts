import { type AuthServiceOptions, startAuthService } from '../../../../server/dev/auth-service/auth-service.ts';

export const signingKey = 'a-signing-key-of-thirty-two-bytes';
export const apiKey = 'an-api-key';
export const start = (options: Partial<AuthServiceOptions> = {}) =>
  startAuthService({ signingKey, apiKey, ...options });

type RequestOptions = {
  method?: string;
  /** Sent as JSON, by POST. */
  json?: unknown;
  /** Sent as the cookie `access_token`. */
  token?: string;
  cookie?: string;
  headers?: Record<string, string>;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const cookiesOf = (setCookies: string[]): Record<string, string | undefined> =>
  Object.fromEntries(
    setCookies.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1, line.indexOf(';'))]),
  );

/** One request on a real socket, redirects not followed. */
export const sendRequest = async (url: string, { method, json, token, cookie, headers }: RequestOptions = {}) => {
  const cookies = [token === undefined ? '' : `access_token=${token}`, cookie ?? ''].filter(Boolean).join('; ');
  const response = await fetch(url, {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: {
      ...(cookies ? { cookie: cookies } : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  const setCookies = response.headers.getSetCookie();
  return {
    status: response.status,
    headers: response.headers,
    type: response.headers.get('content-type'),
    text,
    body: parsed(text),
    setCookies,
    cookies: cookiesOf(setCookies),
  };
};

/** A text field of a JSON answer. */
export const field = (body: unknown, name: string): string => {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== 'string') throw new Error(`No text in ${name}`);
  return value;
};

/** The claims of a token, unverified. */
export const claimsOf = (token: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8'));

export const STAFF = { password: 'staff-pass-1' };
export const EMPLOYEE = { password: 'employee-pass-1' };
