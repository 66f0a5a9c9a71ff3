import { accountInput, accountProcedures, secretMark } from './account-inputs.ts';
import { pictureRequest, resetLinkRequest } from './account-requests.ts';
import { fuzzInput, mutate } from './inputs.ts';
import type { Random } from './random.ts';

/** Credentials for fuzzed requests: complete `Cookie` headers, and tokens. */
export type Identities = { cookies: readonly [string, ...string[]]; tokens: readonly [string, ...string[]] };

const procedures = [
  'session.me',
  'session.login',
  'session.verifyOtp',
  'session.refresh',
  'session.logout',
  'session.validate',
  'users.me',
  'users.byId',
  'users.byIds',
  'users.byCompanyId',
  'users.byRole',
  'employees.byId',
  'assignments.candidates',
  'assignments.next',
  'assignments.peek',
  'assignments.reassign',
  'assignments.rotation',
  'assignments.history',
  'assignments.setAvailability',
  'assignments.reset',
  'status.get',
  'session.resendOtp',
  'session.logoutEverywhere',
  'account.profile',
  'account.updateProfile',
  'account.changePassword',
  'account.requestPasswordReset',
  'account.resetPassword',
  'account.secondFactor',
  'no.such',
  '__proto__',
  'users.__proto__',
  'constructor.name',
  'users',
  'users.byId.then',
  'toString',
  '%2e%2e',
  '%',
  '%zz',
  '%00',
  '%ED%A0%80',
  'users.byId%00',
  '',
] as const;

const places = [
  '/',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/trpc',
  '/trpc/',
  '/trpc/a/b',
  '//trpc/status.get',
  '/%74rpc/session.me',
  'http://other.example/trpc/status.get',
  '*',
  '/../trpc/status.get',
  '/trpc/status.get#x',
  '/trpc/status.get?batch=1&batch=1',
  '/trpc/session.me?input=%7B',
  '/trpc/session.me?x=%00',
  '/trpc/session.me?x=%ED%BF%BF',
  '/health/live?%00',
] as const;

const methods = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
  'TRACE',
  'PROPFIND',
] as const;

const headers = [
  'x-csrf: 2',
  'x-request-id: ok-1',
  'x-request-id: <script>',
  'x-idempotency-key: once',
  'x-idempotency-key: ',
  'x-idempotency-key: \u0000\u00ff',
  'origin: https://evil.example',
  'origin: null',
  'sec-fetch-site: cross-site',
  'sec-fetch-site: same-origin',
  'trpc-accept: application/jsonl',
  'accept: application/jsonl',
  'accept: text/event-stream',
  'trpc-batch-mode: stream',
  'last-event-id: 1',
  'content-type: text/plain',
  'content-type: multipart/form-data; boundary=x',
  'content-type: application/json; charset=utf-16',
  'content-encoding: gzip',
  'expect: 100-continue',
  'expect: 200-maybe',
  'upgrade: websocket',
  'connection: upgrade',
  'connection: keep-alive, x-csrf',
  'x-forwarded-for: 1.1.1.1, ::1',
  'x-forwarded-host: other',
  'x-forwarded-proto: javascript',
  'x-http-method-override: DELETE',
  'range: bytes=0-1',
  'if-none-match: *',
  'traceparent: 00-zz-zz-zz',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'host: a:99999',
  'host: @',
  'te: trailers',
  'x-long: ' + 'a'.repeat(9_000),
  'accept-encoding: *;q=0',
] as const;

const target = (random: Random, inputs: (count: number) => string): string => {
  if (random.oneIn(10)) return random.pick(places);
  const calls = random.oneIn(3)
    ? random.list(random.oneIn(20) ? 70 : 5, () => random.pick(procedures))
    : [random.pick(procedures)];
  const batch = calls.length !== 1 || random.oneIn(6) ? 'batch=1&' : '';
  const input = random.oneIn(5)
    ? ''
    : `input=${encodeURIComponent(inputs(batch === '' ? 0 : calls.length)).replaceAll('%22', '"')}`;
  const path = `/trpc/${calls.join(random.oneIn(10) ? '%2C' : ',')}?${batch}${input}`.replaceAll('"', '%22');
  return random.oneIn(8) ? mutate(random, path).replaceAll(/[\r\n ]/g, '') : path;
};

/** Replaces lone surrogates, for which `encodeURIComponent` throws. */
const wellFormed = (text: string) => text.replaceAll(/[\ud800-\udfff]/g, '\ufffd');

const mutations: ReadonlySet<string> = new Set([
  'session.login',
  'session.verifyOtp',
  'session.refresh',
  'session.logout',
  'assignments.next',
  'assignments.reassign',
  'assignments.setAvailability',
  'assignments.reset',
  ...accountProcedures.filter((procedure) => procedure !== 'account.profile'),
]);

const rightInputs: ReadonlyMap<string, string> = new Map([
  ['session.login', '{"json":{"email":"user@example.com","password":"staff-pass-1"}}'],
  ['users.byId', '{"json":{"id":5}}'],
  ['users.byIds', '{"json":{"ids":[1,5,12,23,999999]}}'],
  ['users.byCompanyId', '{"json":{"companyId":"MA0001"}}'],
  ['users.byRole', '{"json":{"system":"TTS","role":"Technician"}}'],
  ['employees.byId', '{"json":{"id":1}}'],
  ['assignments.candidates', '{"json":{"system":"TTS","role":"Technician"}}'],
  ['assignments.next', '{"json":{"system":"TTS","role":"Technician","exclude":[1]}}'],
  ['assignments.peek', '{"json":{"system":"TTS","role":"Technician"}}'],
  ['assignments.reassign', '{"json":{"system":"TTS","role":"Technician","key":"T-1"}}'],
  ['assignments.rotation', '{"json":{"system":"TTS","role":"Technician"}}'],
  ['assignments.history', '{"json":{"system":"TTS","role":"Technician","limit":3}}'],
  [
    'assignments.setAvailability',
    '{"json":{"system":"TTS","away":true,"until":"9999-12-31T23:59:59.999Z","note":"Ferien"},"meta":{"values":{"until":["Date"]}}}',
  ],
  ['assignments.reset', '{"json":{"system":"TTS","role":"Technician"}}'],
]);

/** A well-formed call of a signed-in person. The input may be valid or not. */
const plainRequest = (random: Random, { cookies }: Identities): Buffer => {
  const procedure = random.pick(procedures);
  const input = (random.oneIn(2) ? rightInputs.get(procedure) : undefined) ?? wellFormed(fuzzInput(random));
  const isMutation = mutations.has(procedure);
  const query = isMutation ? '' : `?input=${encodeURIComponent(input)}`;
  const about = isMutation
    ? ['x-csrf: 1', 'content-type: application/json', `content-length: ${Buffer.byteLength(input)}`]
    : [];
  const lines = [
    `${isMutation ? 'POST' : 'GET'} /trpc/${procedure}${query} HTTP/1.1`,
    'host: localhost',
    `cookie: ${random.pick(cookies)}`,
    ...about,
    'connection: close',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${isMutation ? input : ''}`);
};

const rightSecrets = {
  password: `"${secretMark}"`,
  token: `"${secretMark}-of-a-mail"`,
  challenge: `"${secretMark}-challenge"`,
  code: '"123456"',
};

/** A call of an account procedure, nearly right. Sent from many networks, which have limits of their own. */
export const accountRequest = (random: Random, { cookies }: Identities): Buffer => {
  const procedure = random.pick(['account.updateProfile', ...accountProcedures]);
  const input = accountInput(random, procedure, rightSecrets);
  const isQuery = procedure === 'account.profile';
  const lines = [
    isQuery
      ? `GET /trpc/${procedure}?input=${encodeURIComponent(wellFormed(input))} HTTP/1.1`
      : `POST /trpc/${procedure} HTTP/1.1`,
    'host: localhost',
    `cookie: ${random.pick(cookies)}`,
    `x-forwarded-for: 203.0.${random.below(256)}.${random.below(256)}`,
    ...(isQuery ? [] : ['x-csrf: 1', 'content-type: application/json', `content-length: ${Buffer.byteLength(input)}`]),
    'connection: close',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${isQuery ? '' : input}`);
};

/** A random raw request: mostly plausible for a client, partly for an attacker, partly noise. */
export const fuzzRequest = (random: Random, { cookies, tokens }: Identities): Buffer => {
  if (random.oneIn(3)) return plainRequest(random, { cookies, tokens });
  if (random.oneIn(5)) return accountRequest(random, { cookies, tokens });
  if (random.oneIn(10)) return pictureRequest(random, { cookies, tokens });
  if (random.oneIn(20)) return resetLinkRequest(random);
  if (random.oneIn(25)) return Buffer.from(random.list(300, () => random.below(256)));
  const inputs = (count: number) =>
    wellFormed(
      count === 0
        ? fuzzInput(random)
        : `{${Array.from({ length: count }, (_, index) => `"${index}":${fuzzInput(random)}`).join(',')}}`,
    );
  const method = random.pick(methods);
  const lines = [`${method} ${target(random, inputs)} HTTP/1.${random.oneIn(15) ? 0 : 1}`];
  if (!random.oneIn(30)) lines.push('host: localhost');
  if (random.oneIn(2)) {
    const cookie = random.pick(cookies);
    lines.push(`cookie: ${random.oneIn(5) ? mutate(random, cookie).replaceAll(/[\r\n]/g, '') : cookie}`);
  }
  if (random.oneIn(6)) lines.push(`authorization: Bearer ${random.pick(tokens)}`);
  lines.push(...random.list(random.oneIn(2) ? 0 : 3, () => random.pick(headers)));
  let body = '';
  if (method !== 'GET' && method !== 'HEAD') {
    if (!random.oneIn(10)) lines.push('x-csrf: 1', 'content-type: application/json');
    body = inputs(random.oneIn(3) ? 1 + random.below(4) : 0);
    if (random.oneIn(6)) body = mutate(random, body);
    if (random.oneIn(100)) body = ' '.repeat(100_001 + random.below(2)) + body;
    const length = Buffer.byteLength(body);
    if (random.oneIn(10)) {
      lines.push('transfer-encoding: chunked');
      body = `${random.oneIn(4) ? 'zz' : length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    } else lines.push(`content-length: ${random.oneIn(20) ? length + random.below(3) - 1 : length}`);
  }
  // With connection: close the server ends the connection after its response, so the response is complete then.
  lines.push('connection: close');
  const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
  return Buffer.from(random.oneIn(12) ? mutate(random, text) : text, random.oneIn(2) ? 'latin1' : 'utf8');
};
