import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { serve } from '../app/serve.ts';
import { base64url, type Claims, now, type RawPart, seconds } from './tokens.ts';

export type AssertionKey = {
  kid: string;
  alg: 'EdDSA' | 'ES256' | 'RS256';
  privateKey: KeyObject;
  publicKey: KeyObject;
};

const generate = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

export const createAssertionKey = (kid: string, alg: AssertionKey['alg'] = 'EdDSA'): AssertionKey => ({
  kid,
  alg,
  ...generate[alg](),
});

export const toJwk = ({ kid, alg, publicKey }: AssertionKey) => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
});

export const signatureOf = (input: string, { alg, privateKey }: AssertionKey): Buffer =>
  alg === 'EdDSA'
    ? sign(null, Buffer.from(input), privateKey)
    : sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });

/** The claims of an assertion for the backend `tickets`, 60 seconds long; `undefined` leaves a claim out. */
export const assertionClaims = (changes: Claims = {}): Claims => ({
  iss: 'auth-bff',
  aud: 'tickets',
  sub: 'staff:123',
  iat: seconds(now),
  exp: seconds(now) + 60,
  jti: 'f3a1',
  email: 'ana@example.org',
  name: 'Ana Example',
  systems: ['TTS'],
  roles: [{ system: 'TTS', role: 'Agent' }],
  ...changes,
});

export const headerOfKey = ({ kid, alg }: AssertionKey): Claims => ({ alg, typ: 'JWT', kid });

/** An assertion with any header and payload, and a valid signature over them. */
export const craftAssertion = (key: AssertionKey, payload: RawPart, header: RawPart = headerOfKey(key)): string => {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${base64url(signatureOf(input, key))}`;
};

/** A JWKS over HTTP, whose answer tests change. */
export const serveJwks = async (keys: readonly AssertionKey[]) => {
  const answer = { status: 200, body: JSON.stringify({ keys: keys.map(toJwk) }), requests: 0, hangs: false };
  const server = await serve((_request, response) => {
    answer.requests += 1;
    if (answer.hangs) return;
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  return Object.assign(answer, {
    jwks: `${server.url}/bff/jwks.json`,
    publish: (...published: readonly AssertionKey[]) => {
      answer.body = JSON.stringify({ keys: published.map(toJwk) });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
};

export type HostileAssertion = { name: string; token: string; reason: 'token_invalid' | 'token_expired' };

/** Assertions to refuse at `now`, for the issuer `auth-bff` and the audience `tickets`. `key` and `rsa` are in the JWKS. */
export const hostileAssertions = ({ key, rsa }: { key: AssertionKey; rsa: AssertionKey }): HostileAssertion[] => {
  const stranger = createAssertionKey('stranger');
  const claims = (changes: Claims) => craftAssertion(key, assertionClaims(changes));
  const header = (changes: Claims) => craftAssertion(key, assertionClaims(), { ...headerOfKey(key), ...changes });
  const text = JSON.stringify(assertionClaims());
  const good = craftAssertion(key, text);
  const [head = '', payload = '', signature = ''] = good.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const bySecret = (alg: string, secret: string | Buffer, kid = key.kid) => {
    const input = `${base64url({ alg, typ: 'JWT', kid })}.${payload}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const publicPem = (of: AssertionKey) => of.publicKey.export({ type: 'spki', format: 'pem' });
  const raw = Buffer.from(toJwk(key).x ?? '', 'base64url');
  const second = seconds(now);
  const invalid: Array<[name: string, token: string]> = [
    ['alg none without a signature', `${base64url({ alg: 'none', kid: key.kid })}.${payload}.`],
    ['alg none with the signature', `${base64url({ alg: 'none', kid: key.kid })}.${payload}.${signature}`],
    ['alg NONE in two parts', `${base64url({ alg: 'NONE' })}.${payload}`],
    ['HS256 with the raw public key as the secret', bySecret('HS256', raw)],
    ['HS256 with the public key in PEM as the secret', bySecret('HS256', publicPem(key))],
    ['HS256 with the RSA public key as the secret', bySecret('HS256', publicPem(rsa), rsa.kid)],
    ['HS256 with the JWK as the secret', bySecret('HS256', JSON.stringify(toJwk(key)))],
    ['EdDSA in name, by HMAC with the public key', bySecret('EdDSA', raw)],
    ['RS256 in name, by HMAC with the RSA public key', bySecret('RS256', publicPem(rsa), rsa.kid)],
    ['no alg', header({ alg: undefined })],
    ['alg as a list', header({ alg: ['EdDSA'] })],
    ['alg in lower case', header({ alg: 'eddsa' })],
    ['alg Ed25519', header({ alg: 'Ed25519' })],
    ['alg RS256 for an Ed25519 key', header({ alg: 'RS256' })],
    ['alg ES256 for an Ed25519 key', header({ alg: 'ES256' })],
    ['alg PS256 by the RSA key', craftAssertion(rsa, text, { alg: 'PS256', kid: rsa.kid })],
    ['alg RS512 by the RSA key', craftAssertion(rsa, text, { alg: 'RS512', kid: rsa.kid })],
    ['no kid', header({ kid: undefined })],
    ['the kid of another key', header({ kid: rsa.kid })],
    ['the kid and the alg of another key', header({ kid: rsa.kid, alg: 'RS256' })],
    ['an unknown kid', header({ kid: 'unknown' })],
    ['an unknown key under its own kid', craftAssertion(stranger, text)],
    ['an unknown key under a known kid', craftAssertion({ ...stranger, kid: key.kid }, text)],
    ['a kid that is a path', header({ kid: '../../dev/null' })],
    ['a kid that is a number', header({ kid: 1 })],
    ['an empty kid', header({ kid: '' })],
    ['its own key in the header', craftAssertion(stranger, text, { alg: 'EdDSA', kid: key.kid, jwk: toJwk(stranger) })],
    ['a JWKS of its own', header({ jku: 'https://attacker.example/jwks.json' })],
    ['a certificate of its own', header({ x5u: 'https://attacker.example/cert.pem' })],
    ['a crit header', header({ crit: ['exp'] })],
    ['an unencoded payload', header({ b64: false, crit: ['b64'] })],
    ['the type at+jwt', header({ typ: 'at+jwt' })],
    ['a type that is no text', header({ typ: 1 })],
    ['a nested token by cty', header({ cty: 'JWT' })],
    ['another issuer', claims({ iss: 'another-bff' })],
    ['the issuer in another case', claims({ iss: 'Auth-BFF' })],
    ['the issuer in a list', claims({ iss: ['auth-bff'] })],
    ['no issuer', claims({ iss: undefined })],
    ['another audience', claims({ aud: 'payroll' })],
    ['an audience that begins with ours', claims({ aud: 'tickets-archive' })],
    ['two audiences', claims({ aud: ['tickets', 'payroll'] })],
    ['an empty audience', claims({ aud: '' })],
    ['no audience', claims({ aud: undefined })],
    ['no exp', claims({ exp: undefined })],
    ['exp as text', claims({ exp: String(second + 60) })],
    ['exp in milliseconds', claims({ exp: now + 60_000 })],
    ['no iat', claims({ iat: undefined })],
    ['iat 31 seconds ahead', claims({ iat: second + 31 })],
    ['nbf 31 seconds ahead', claims({ nbf: second + 31 })],
    ['no sub', claims({ sub: undefined })],
    ['a sub without a type', claims({ sub: '123' })],
    ['a sub that is a number', claims({ sub: 123 })],
    ['a sub of another type', claims({ sub: 'admin:123' })],
    ['a sub with more behind it', claims({ sub: 'staff:123 ' })],
    ['a sub with a leading zero', claims({ sub: 'staff:0123' })],
    ['a sub of 0', claims({ sub: 'staff:0' })],
    ['a sub that is too large', claims({ sub: 'staff:9007199254740993' })],
    ['a refresh token', claims({ token_type: 'refresh' })],
    ['a duplicate sub', craftAssertion(key, text.replace('"sub"', '"sub":"staff:1","sub"'))],
    ['a duplicate sub in escapes', craftAssertion(key, text.replace('"sub"', '"s\\u0075b":"staff:1","sub"'))],
    ['a duplicate alg', craftAssertion(key, text, `{"alg":"none","alg":"EdDSA","kid":"${key.kid}"}`)],
    ['a payload that is a list', craftAssertion(key, `[${text}]`)],
    ['a payload with a byte order mark', craftAssertion(key, `\u{feff}${text}`)],
    ['a tampered payload', `${head}.${base64url(text.replace('staff:123', 'staff:124'))}.${signature}`],
    ['a tampered header', `${base64url({ ...headerOfKey(key), typ: 'jwt' })}.${payload}.${signature}`],
    [
      'a flipped bit in the signature',
      `${head}.${payload}.${base64url(bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte)))}`,
    ],
    ['a signature of zeros', `${head}.${payload}.${base64url(new Uint8Array(64))}`],
    ['half of the signature', `${head}.${payload}.${base64url(bytes.subarray(0, 32))}`],
    ['an empty signature', `${head}.${payload}.`],
    ['padding behind the signature', `${good}==`],
    ['four parts', `${good}.${signature}`],
    ['two assertions in one header', `${good}, ${good}`],
    ['more than 8,192 characters', craftAssertion(key, text.padEnd(8_000, ' '))],
    ['no token at all', 'nonsense'],
  ];
  return [
    ...invalid.map(([name, token]) => ({ name, token, reason: 'token_invalid' as const })),
    { name: 'the second of its exp', token: claims({ exp: second }), reason: 'token_expired' },
    { name: 'expired for a minute', token: claims({ iat: second - 120, exp: second - 60 }), reason: 'token_expired' },
  ];
};
