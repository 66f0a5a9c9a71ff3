import type { IncomingMessage, ServerResponse } from 'node:http';
import { serve } from '../app/serve.ts';

export type DeployedUpstreamOptions = {
  /** Valid tokens, each with the type of its person. */
  tokens?: Readonly<Record<string, 'staff' | 'employee'>>;
  /** Whether a sign-in needs a captcha, as it does by default. */
  hasCaptcha?: boolean;
  /** Hosts that Django answers, without their port. Default: any. */
  allowedHosts?: readonly string[];
  /** Prefix of every path. Default: none. */
  base?: string;
  /** Paths that do not exist in this instance. */
  lacks?: readonly string[];
};

export type UpstreamCall = { method: string; path: string; token: string | null };

/** Paths that need no token. Without a token, all others redirect to the login page. */
const publicPaths =
  /^\/api\/v1\/(users\/(login\/api|login\/verify-otp|internal\/\d+)|hdts\/employees\/(api\/login|internal\/\d+))\/$|^\/api\/me\/$/;
const employeePaths = /^\/api\/v1\/hdts\/employees\//;
const postOnly =
  /\/(login\/api|api\/login|login\/verify-otp|2fa\/verify-otp|token\/refresh(\/cookie)?|logout|users-info)\/$/;
const known =
  /^\/api\/v1\/(tts\/(user-info\/\d+|users-info|round-robin)|users\/(profile(\/by-company\/\w+)?|token\/(validate|refresh)|login\/api|login\/verify-otp|logout|internal\/\d+)|token\/refresh\/cookie|hdts\/employees\/(internal\/\d+|api\/(profile|login|logout|2fa\/verify-otp|token\/refresh)))\/$|^\/api\/me\/$/;

const page = (sitekey: string) => `<!doctype html><title>Sign in</title><form>${sitekey}</form>`;
const widget = '<div class="g-recaptcha" data-sitekey="6Lc-site-key"></div>';

/**
 * The rules of the deployed Auth Service that the doctor meets, and no more: without a valid token every path that is
 * not public, also one that does not exist, is a redirect to the login page that deletes both cookies; with one a path
 * that does not exist is a page with 404.
 */
export const startDeployedUpstream = async (options: DeployedUpstreamOptions = {}) => {
  const { tokens = {}, hasCaptcha = true, allowedHosts, base = '', lacks = [] } = options;
  const calls: UpstreamCall[] = [];
  const answer = ({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(url, 'http://any').pathname;
    const token = /(?:^|; )access_token=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? null;
    calls.push({ method, path, token });
    const html = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end(body);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const redirect = (location: string, cookies: string[] = []) =>
      response.writeHead(302, { location, 'set-cookie': cookies, 'content-type': 'text/html' }).end();

    if (allowedHosts?.includes(new URL(`http://${headers.host ?? ''}`).hostname) === false) {
      return void html(400, '<h1>Bad Request (400)</h1>');
    }
    const local = path.startsWith(base) ? path.slice(base.length) : '/elsewhere/';
    if (local === '/staff/login/') return void html(200, page(hasCaptcha ? widget : ''));
    const type = token === null ? undefined : tokens[token];
    const isPublic = publicPaths.test(local) && !lacks.includes(local);
    if (type === undefined && !isPublic) {
      return void redirect('/staff/login/', [
        'access_token=""; Max-Age=0; Path=/',
        'refresh_token=""; Max-Age=0; Path=/',
      ]);
    }
    if (type === 'staff' && employeePaths.test(local) && !isPublic) return void redirect('/staff/settings/profile/');
    if (!known.test(local) || lacks.includes(local)) return void html(404, '<h1>Not Found</h1>');
    if (postOnly.test(local)) return void json(405, { detail: `Method "${method}" not allowed.` });
    if (type === undefined && local === '/api/me/') {
      return void json(401, { detail: 'Authentication credentials were not provided.' });
    }
    if (local === '/api/me/') {
      return void json(200, { type: type === 'staff' ? 'user' : 'employee', data: { id: 123, email: 'a@b.example' } });
    }
    if (local.includes('/by-company/')) return void json(404, { detail: 'User with company_id ZZ not found.' });
    if (local.endsWith('/round-robin/')) {
      return void json(400, { error: 'Either role_id or role_name parameter is required.' });
    }
    json(200, {
      id: 123,
      email: 'a@b.example',
      first_name: 'A',
      last_name: 'B',
      status: 'Approved',
      created_at: '2025-01-01T00:00:00Z',
      is_active: true,
    });
  };
  const server = await serve(answer);
  return { ...server, calls };
};
