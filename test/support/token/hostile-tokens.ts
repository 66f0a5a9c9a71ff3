import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  base64url,
  type Claims,
  craft,
  hmac,
  hs256,
  insertInside,
  type RawPart,
  seconds,
  segmentsOf,
  signSegments,
  staffClaims,
  staffToken,
  withSpareBits,
} from './tokens.ts';

export type HostileToken = { name: string; token: string; reason: 'token_invalid' | 'token_expired' };
export type HostileOptions = { signingKey: string; now: number };

/** A name, a token, and a reason where it is not `token_invalid`. */
type Row = [name: string, token: string, reason?: 'token_expired'];

/** Builders for attacks: a valid token, and functions that change one part of it. */
const createForge = ({ signingKey, now }: HostileOptions) => {
  const text = JSON.stringify(staffClaims(now));
  return {
    signingKey,
    now,
    nowSeconds: seconds(now),
    text,
    good: staffToken(now, {}, signingKey),
    /** Signed with the real key: only the claims are wrong. */
    claims: (changes: Claims) => staffToken(now, changes, signingKey),
    /** Signed with the real key: only the spelling of the payload is wrong. */
    payload: (payload: RawPart) => craft({ payload, key: signingKey }),
    /** Signed with the real key and SHA-256: only the header is wrong. */
    header: (header: RawPart) => craft({ header, payload: text, key: signingKey }),
    /** Signed with the real key over the segments as they stand: only their spelling is wrong. */
    segments: (header: string, payload: string) => signSegments(header, payload, { key: signingKey }),
  };
};
type Forge = ReturnType<typeof createForge>;

/** Adds white space, which JSON allows at the end, until `isWanted`. */
const paddedUntil = (text: string, isWanted: (text: string) => boolean): string => {
  for (let padded = text; padded.length < text.length + 8; padded += ' ') if (isWanted(padded)) return padded;
  throw new Error('No padding satisfies the condition.');
};

let rsaKeys: ReturnType<typeof generateRsaKeys> | undefined;
const generateRsaKeys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
/** One pair for all tables, because one takes 0.2 s. */
const sharedRsaKeys = () => (rsaKeys ??= generateRsaKeys());

const algorithmAttacks = ({ signingKey, text, header }: Forge): Row[] => {
  const rsa = sharedRsaKeys();
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const rsaHeader = { alg: 'RS256', typ: 'JWT' };
  const rsaInput = `${base64url(rsaHeader)}.${base64url(text)}`;
  const unsigned = (alg: string) => `${base64url({ alg, typ: 'JWT' })}.${base64url(text)}`;
  return [
    ['alg none with an empty signature', `${unsigned('none')}.`],
    ['alg none with two parts', unsigned('none')],
    ['alg none with a signature by the real key', header({ alg: 'none', typ: 'JWT' })],
    ['alg nOnE with an empty signature', `${unsigned('nOnE')}.`],
    ['alg NONE with a signature by the real key', header({ alg: 'NONE' })],
    ['alg HS512, signed so', craft({ header: { alg: 'HS512' }, payload: text, key: signingKey, hash: 'sha512' })],
    ['alg HS384, signed so', craft({ header: { alg: 'HS384' }, payload: text, key: signingKey, hash: 'sha384' })],
    ['alg HS512, signed with SHA-256', header({ alg: 'HS512', typ: 'JWT' })],
    ['alg HS256, signed with SHA-512', craft({ payload: text, key: signingKey, hash: 'sha512' })],
    [
      'alg RS256, signed by an RSA key',
      `${rsaInput}.${createSign('sha256').update(rsaInput).sign(rsa.privateKey, 'base64url')}`,
    ],
    ['alg RS256, signed by HMAC with an RSA public key', craft({ header: rsaHeader, payload: text, key: pem })],
    ['alg HS256, signed by HMAC with an RSA public key', craft({ payload: text, key: pem })],
    ['alg RS256, signed by HMAC with the real key', header(rsaHeader)],
    ['alg ES256 with a signature of zeros', `${unsigned('ES256')}.${base64url(new Uint8Array(64))}`],
    ['no alg', header({ typ: 'JWT' })],
    ['alg as an array', header({ alg: ['HS256'] })],
    ['alg as an object', header({ alg: { 0: 'HS256' } })],
    ['alg null', header({ alg: null })],
    ['alg empty', header({ alg: '' })],
    ['alg in lower case', header({ alg: 'hs256' })],
    ['alg with a space behind it', header({ alg: 'HS256 ' })],
    ['alg with a NUL behind it', header({ alg: 'HS256\0' })],
    ['alg in __proto__ alone', header('{"__proto__":{"alg":"HS256"},"typ":"JWT"}')],
    ['Alg in the wrong case', header({ Alg: 'HS256' })],
    ['alg dir, as of a JWE', header({ alg: 'dir', enc: 'A128GCM' })],
  ];
};

const keyAttacks = ({ signingKey, text }: Forge): Row[] => {
  const signedWith = (key: string | Uint8Array) => craft({ payload: text, key });
  return [
    ['signed with another key', signedWith('another-key-that-is-long-enough-for-HS256')],
    ['signed with an empty key', signedWith('')],
    ['signed with a key that everybody guesses', signedWith('secret')],
    ['signed with the key without its last character', signedWith(signingKey.slice(0, -1))],
    ['signed with the key and a newline', signedWith(`${signingKey}\n`)],
    ['signed with the key in another case', signedWith(signingKey.toUpperCase())],
    ['signed with the key in base64', signedWith(Buffer.from(signingKey).toString('base64'))],
    ['signed with the SHA-256 of the key', signedWith(createHash('sha256').update(signingKey).digest())],
    ['signed with the key backwards', signedWith(Uint8Array.from(Buffer.from(signingKey)).toReversed())],
    ['signed with "undefined"', signedWith('undefined')],
  ];
};

const signatureAttacks = ({ good, signingKey, now }: Forge): Row[] => {
  const [header, payload, signature] = segmentsOf(good);
  const input = `${header}.${payload}`;
  const bytes = Buffer.from(signature, 'base64url');
  const withSignature = (segment: RawPart) => `${input}.${typeof segment === 'string' ? segment : base64url(segment)}`;
  const flipped = (at: number, bit: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ bit;
    return withSignature(copy);
  };
  return [
    ['signature stripped with its dot', input],
    ['signature empty', withSignature('')],
    ['signature short of a character', withSignature(signature.slice(0, -1))],
    ['signature short of a byte', withSignature(bytes.subarray(0, 31))],
    ['signature of its first half', withSignature(bytes.subarray(0, 16))],
    ['signature of its first byte', withSignature(bytes.subarray(0, 1))],
    ['signature with a byte more', withSignature(Buffer.concat([bytes, Buffer.from([1])]))],
    ['signature with a character more', withSignature(`${signature}A`)],
    ['signature twice over', withSignature(Buffer.concat([bytes, bytes]))],
    ['signature with spare bits 01', withSignature(withSpareBits(signature, 1))],
    ['signature with spare bits 10', withSignature(withSpareBits(signature, 2))],
    ['signature with spare bits 11', withSignature(withSpareBits(signature, 3))],
    ['signature with its first bit flipped', flipped(0, 0x80)],
    ['signature with its last bit flipped', flipped(31, 0x01)],
    ['signature of zeros', withSignature(new Uint8Array(32))],
    ['signature in hex', withSignature(bytes.toString('hex'))],
    ['signature encoded twice', withSignature(base64url(signature))],
    ['signature by SHA-512, cut to 32 bytes', withSignature(hmac(input, signingKey, 'sha512').subarray(0, 32))],
    ['signature of the payload alone', withSignature(hmac(payload, signingKey))],
    ['signature over header and payload without the dot', withSignature(hmac(header + payload, signingKey))],
    ['signature of another token', withSignature(segmentsOf(staffToken(now, { user_id: 124 }, signingKey))[2])],
    ['signature kept, user_id changed', `${header}.${base64url(staffClaims(now, { user_id: 1 }))}.${signature}`],
    ['signature kept, exp put off', `${header}.${base64url(staffClaims(now, { exp: 9e9 }))}.${signature}`],
    ['signature kept, header changed', `${base64url({ alg: 'HS256' })}.${payload}.${signature}`],
    ['header and payload exchanged', `${payload}.${header}.${signature}`],
  ];
};

const spellingAttacks = ({ good, text, segments, payload: withPayload, header: withHeader }: Forge): Row[] => {
  const [header, payload, signature] = segmentsOf(good);
  const spare = base64url(paddedUntil(text, (padded) => padded.length % 3 === 1));
  const spareHeader = base64url({ ...hs256, kid: 'ab' });
  const plusAndSlash = Buffer.from(
    paddedUntil(text.replace('}', ',"a":"~~~~","b":"???????"}'), (padded) =>
      /\+.*\/|\/.*\+/.test(Buffer.from(padded).toString('base64')),
    ),
  );
  return [
    ['padding behind the header', segments(`${header}=`, payload)],
    ['padding behind the payload', segments(header, `${spare}==`)],
    ['padding behind the signature', `${good}=`],
    ['two characters of padding behind the signature', `${good}==`],
    ['spare bits in the header', segments(withSpareBits(spareHeader, 1), payload)],
    ['spare bits in the payload', segments(header, withSpareBits(spare, 1))],
    ['all spare bits in the payload', segments(header, withSpareBits(spare, 15))],
    [
      'a payload of an impossible length',
      segments(header, `${base64url(paddedUntil(text, (t) => t.length % 3 === 0))}A`),
    ],
    ['a space before the token', ` ${good}`],
    ['a space behind the token', `${good} `],
    ['a newline behind the token', `${good}\n`],
    ['a tab behind the token', `${good}\t`],
    ['a carriage return and a newline before the token', `\r\n${good}`],
    ['a space inside the header', segments(insertInside(header, ' '), payload)],
    ['a newline inside the header', segments(insertInside(header, '\n'), payload)],
    ['a tab inside the header', segments(insertInside(header, '\t'), payload)],
    ['a space inside the payload', segments(header, insertInside(payload, ' '))],
    ['a newline inside the payload', segments(header, insertInside(payload, '\n'))],
    ['a tab before the payload', segments(header, `\t${payload}`)],
    ['a space inside the signature', `${header}.${payload}.${insertInside(signature, ' ')}`],
    ['a newline inside the signature', `${header}.${payload}.${insertInside(signature, '\n')}`],
    ['a tab before the signature', `${header}.${payload}.\t${signature}`],
    ['a NUL behind the token', `${good}\0`],
    ['a zero-width space inside the payload', segments(header, insertInside(payload, '\u200b'))],
    ['a byte order mark before the token', `\ufeff${good}`],
    ['a full-width letter in the payload', segments(header, `\uff25${payload.slice(1)}`)],
    ['standard base64 in the payload', segments(header, plusAndSlash.toString('base64').replaceAll('=', ''))],
    ['a percent-encoded dot', good.replace('.', '%2E')],
    ['a percent-encoded letter', good.replace('e', '%65')],
    ['percent-encoded once more', encodeURIComponent(`${good}=`)],
    ['dots that are one-dot leaders', good.replaceAll('.', '\u2024')],
    ['dots that are full-width', good.replaceAll('.', '\uff0e')],
    ['dots that are ideographic', good.replaceAll('.', '\u3002')],
    ['commas for dots', good.replaceAll('.', ',')],
    ['two parts, of which the payload is none', `${header}.${signature}`],
    ['four parts', `${good}.${signature}`],
    ['a dot before the token', `.${good}`],
    ['a dot behind the token', `${good}.`],
    ['two dots between header and payload', `${header}..${payload}.${signature}`],
    ['a payload detached', `${header}..${signature}`],
    ['an empty header', segments('', payload)],
    ['an empty payload, signed', segments(header, '')],
    ['two dots alone', '..'],
    ['one dot', '.'],
    ['no dot', header + payload + signature],
    ['an empty string', ''],
    ['a word', 'undefined'],
    ['the scheme before it', `Bearer ${good}`],
    ['quotes around it', `"${good}"`],
    ['the token twice, with a comma', `${good},${good}`],
    ['a second pair of name and value behind it', `${good}; access_token=${good}`],
    ['a JWS in JSON', JSON.stringify({ protected: header, payload, signature })],
    [
      'five parts, as of a JWE',
      `${base64url({ alg: 'dir', enc: 'A256GCM' })}..${signature.slice(0, 16)}.${payload}.${signature}`,
    ],
    ['five parts with a good token in front', `${good}.${payload}.${signature}`],
    ['a good token inside a token', withPayload(good)],
    ['a payload encoded twice', segments(header, base64url(payload))],
    ['a header encoded twice', withHeader(base64url(hs256))],
    ['one character over the limit', withPayload(text.padEnd(6084, ' '))],
    ['a megabyte', withPayload(text.replace('}', `,"pad":"${'a'.repeat(1_000_000)}"}`))],
    ['eight thousand dots', '.'.repeat(8000)],
  ];
};

const jsonAttacks = ({ text, payload, header, nowSeconds }: Forge): Row[] => {
  const bom = [0xef, 0xbb, 0xbf];
  const withBytes = (bytes: number[]) => {
    const [before = '', after = ''] = text.replace('}', ',"email":"|"}').split('|');
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  };
  /** The claims of a good token, then these, as they are written. */
  const and = (members: string) => payload(text.replace(/\}$/, `,${members}}`));
  const deep = '['.repeat(2000) + ']'.repeat(2000);
  return [
    ['a byte order mark before the payload', payload(Buffer.concat([Buffer.from(bom), Buffer.from(text)]))],
    [
      'a byte order mark before the header',
      header(Buffer.concat([Buffer.from(bom), Buffer.from(JSON.stringify(hs256))])),
    ],
    ['a byte order mark behind the payload', payload(Buffer.concat([Buffer.from(text), Buffer.from(bom)]))],
    ['an overlong slash in the payload', payload(withBytes([0xc0, 0xaf]))],
    ['an overlong NUL in the payload', payload(withBytes([0xc0, 0x80]))],
    ['an overlong quote that ends a string', payload(withBytes([0xe0, 0x80, 0xa2]))],
    ['half of a surrogate pair in UTF-8', payload(withBytes([0xed, 0xa0, 0x80]))],
    ['a whole surrogate pair in UTF-8', payload(withBytes([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]))],
    ['a continuation byte alone', payload(withBytes([0x80]))],
    ['a character cut short', payload(withBytes([0xe2, 0x82]))],
    ['a code point beyond Unicode', payload(withBytes([0xf4, 0x90, 0x80, 0x80]))],
    ['Latin-1 in the payload', payload(withBytes([0xf1]))],
    ['invalid UTF-8 in the header', header(Buffer.from('{"alg":"HS256","kid":"\xff"}', 'latin1'))],
    ['UTF-16 in the payload', payload(Buffer.from(`\ufeff${text}`, 'utf16le'))],
    ['a payload compressed, and no word of it', payload(gzipSync(text))],
    ['exp twice', and('"exp":9999999999')],
    ['exp twice, the good one last', payload(`{"exp":1,${text.slice(1)}`)],
    ['exp twice with the same value', and(`"exp":${nowSeconds + 900}`)],
    ['exp a second time as \\u0065xp', and('"\\u0065xp":9999999999')],
    ['exp a second time as \\u0065\\u0078\\u0070', payload(`{"\\u0065\\u0078\\u0070":9999999999,${text.slice(1)}`)],
    ['user_id twice', and('"user_id":1')],
    ['user_id a second time with an escaped low line', and('"user\\u005fid":1')],
    ['a name twice in a nested object', and('"roles":[{"system":"TTS","role":"Agent","role":"Admin"}]')],
    ['a name twice, escaped, three levels down', and('"a":{"b":[{"c":1,"\\u0063":2}]}')],
    ['a name twice behind a string that looks like JSON', and('"a":"}\\"{","a":1')],
    ['a name twice, with an object between the two', and('"a":{"b":[{"c":{}}]},"exp":9999999999')],
    ['an empty name twice', and('"":1,"":2')],
    ['__proto__ twice', and('"__proto__":1,"__proto__":2')],
    ['alg twice in the header', header('{"alg":"none","alg":"HS256"}')],
    ['alg a second time in the header, escaped', header('{"\\u0061lg":"none","alg":"HS256"}')],
    ['a name twice in an object of the header', header('{"alg":"HS256","a":{"b":1,"b":2}}')],
    ['a payload that is an array', payload(`[${text}]`)],
    ['a payload that is a string', payload(JSON.stringify(text))],
    ['a payload that is a number', payload('123')],
    ['a payload that is null', payload('null')],
    ['a payload that is true', payload('true')],
    ['a payload that is an empty object', payload('{}')],
    ['a payload of white space', payload('  ')],
    ['a payload that is not JSON', payload('user_id=123&user_type=staff')],
    ['a payload cut short', payload(text.slice(0, -1))],
    ['a header that is an array', header('["HS256"]')],
    ['a header that is a string', header('"HS256"')],
    ['a header that is null', header('null')],
    ['a header that is an empty object', header('{}')],
    ['a header that is not JSON', header('alg=HS256')],
    ['letters behind the payload', payload(`${text}x`)],
    ['a NUL behind the payload', payload(`${text}\0`)],
    ['two objects in the payload', payload(`${text}${text}`)],
    ['two objects on two lines', payload(`${text}\n{"user_id":1}`)],
    ['two objects in the header', header('{"alg":"HS256"}{"alg":"none"}')],
    ['a comma too many', payload(text.replace('}', ',}'))],
    ['a comment in the payload', payload(text.replace('{', '{/* */'))],
    ['single quotes', payload(text.replaceAll('"', "'"))],
    ['a no-break space before the payload', payload(`\u00a0${text}`)],
    ['a form feed before the payload', payload(`\f${text}`)],
    ['a raw newline in a string', payload(text.replace('staff', 'staff\n'))],
    ['a raw NUL in a string', payload(text.replace('staff', 'staff\0'))],
    ['NaN as a number', payload(text.replace(/"exp":\d+/, '"exp":NaN'))],
    ['Infinity as a number', payload(text.replace(/"exp":\d+/, '"exp":Infinity'))],
    ['a number in hex', payload(text.replace('123', '0x7b'))],
    ['a number with a zero before it', payload(text.replace('123', '0123'))],
    ['a number with a plus before it', payload(text.replace('123', '+123'))],
    ['an array 2,000 levels deep for an id', payload(text.replace('123', deep))],
  ];
};

const headerAttacks = ({ text, header, signingKey }: Forge): Row[] => {
  const attacker = 'the-own-key-of-somebody-who-attacks-us';
  const withParameter = (parameter: Claims) => header({ ...hs256, ...parameter });
  const signedByAttacker = (parameter: Claims) =>
    craft({ header: { ...hs256, ...parameter }, payload: text, key: attacker });
  return [
    ['crit that names an extension', withParameter({ crit: ['exp'], exp: 1 })],
    ['crit that is empty', withParameter({ crit: [] })],
    ['crit that names b64', withParameter({ crit: ['b64'], b64: true })],
    ['b64 false without crit', withParameter({ b64: false })],
    [
      'b64 false with crit, and a payload as it stands',
      signSegments(base64url({ alg: 'HS256', b64: false, crit: ['b64'] }), text.replaceAll('.', ''), {
        key: signingKey,
      }),
    ],
    ['zip', withParameter({ zip: 'DEF' })],
    ['typ at+jwt', withParameter({ typ: 'at+jwt' })],
    ['typ JWE', withParameter({ typ: 'JWE' })],
    ['typ that is a number', withParameter({ typ: 1 })],
    ['typ that is null', withParameter({ typ: null })],
    ['typ that is an array', withParameter({ typ: ['JWT'] })],
    ['typ that is empty', withParameter({ typ: '' })],
    ['typ with a space behind it', withParameter({ typ: 'JWT ' })],
    ['typ of a security event', withParameter({ typ: 'secevent+jwt' })],
    ['cty JWT', withParameter({ cty: 'JWT' })],
    ['enc, as of a JWE', withParameter({ enc: 'A256GCM' })],
    [
      'kid that is a path, signed with an empty key',
      craft({ header: { ...hs256, kid: '../../dev/null' }, payload: text, key: '' }),
    ],
    ['kid that is a path, signed with the real key', withParameter({ kid: '../../dev/null' })],
    ['kid that is an absolute path', withParameter({ kid: '/proc/sys/kernel/randomize_va_space' })],
    ['kid that is SQL', signedByAttacker({ kid: `x' UNION SELECT '${attacker}' --` })],
    ['kid that is SQL, signed with the real key', withParameter({ kid: "1' OR '1'='1" })],
    ['kid that is an address', withParameter({ kid: 'https://attacker.example/key' })],
    ['kid that is a command', withParameter({ kid: 'key|id' })],
    ['kid that ends with a newline', withParameter({ kid: 'key\n' })],
    ['kid that is a number', withParameter({ kid: 0 })],
    ['kid that is an array', withParameter({ kid: ['key'] })],
    ['kid that is empty', withParameter({ kid: '' })],
    ['kid of 2,000 characters', withParameter({ kid: 'k'.repeat(2000) })],
    ['jku', withParameter({ jku: 'https://attacker.example/jwks.json' })],
    ['jku, signed with its key', signedByAttacker({ jku: 'https://attacker.example/jwks.json' })],
    ['jwk with the own key', signedByAttacker({ jwk: { kty: 'oct', k: base64url(attacker) } })],
    ['jwk, signed with the real key', withParameter({ jwk: { kty: 'oct', k: base64url(signingKey) } })],
    ['x5u', withParameter({ x5u: 'https://attacker.example/cert.pem' })],
    ['x5c', withParameter({ x5c: ['MIIB'] })],
    ['x5t', withParameter({ x5t: 'AAAA' })],
    ['x5t#S256', withParameter({ 'x5t#S256': 'AAAA' })],
  ];
};

const timeAttacks = ({ claims, payload, text, now, nowSeconds, signingKey }: Forge): Row[] => {
  const rawExp = (exp: string) => payload(text.replace(/"exp":\d+/, `"exp":${exp}`));
  const expired = claims({ exp: nowSeconds - 1 });
  return [
    ['no exp', claims({ exp: undefined })],
    [
      'exp in the header alone',
      craft({ header: { ...hs256, exp: nowSeconds + 900 }, payload: { user_id: 123 }, key: signingKey }),
    ],
    ['exp in a nested object alone', claims({ exp: undefined, claims: { exp: nowSeconds + 900 } })],
    ['exp in __proto__ alone', payload(`{"user_id":123,"__proto__":{"exp":${nowSeconds + 900}}}`)],
    ['Exp in the wrong case', claims({ exp: undefined, Exp: nowSeconds + 900 })],
    ['exp with a space behind its name', claims({ exp: undefined, 'exp ': nowSeconds + 900 })],
    ['exp that is a string', claims({ exp: String(nowSeconds + 900) })],
    ['exp that is "NaN"', claims({ exp: 'NaN' })],
    ['exp that is "Infinity"', claims({ exp: 'Infinity' })],
    ['exp that is empty', claims({ exp: '' })],
    ['exp that is a date in words', claims({ exp: '2099-01-01T00:00:00Z' })],
    ['exp that is null', claims({ exp: null })],
    ['exp that is true', claims({ exp: true })],
    ['exp that is an array', claims({ exp: [nowSeconds + 900] })],
    ['exp that is an object', claims({ exp: { valueOf: nowSeconds + 900 } })],
    ['exp that is infinite', rawExp('1e309')],
    ['exp that is infinitely negative', rawExp('-1e309')],
    ['exp beyond every date', rawExp('1e300')],
    ['exp in milliseconds', claims({ exp: now + 900_000 })],
    ['exp that is negative', claims({ exp: -1 }), 'token_expired'],
    ['exp that is zero', claims({ exp: 0 }), 'token_expired'],
    ['exp that is minus zero', rawExp('-0'), 'token_expired'],
    ['exp too small for a number', rawExp('1e-400'), 'token_expired'],
    ['exp a second ago', expired, 'token_expired'],
    ['exp a millisecond ago', claims({ exp: nowSeconds - 0.001 }), 'token_expired'],
    ['exp years ago', claims({ exp: 1_000_000_000, iat: 999_999_100 }), 'token_expired'],
    ['exp this very second', claims({ exp: nowSeconds }), 'token_expired'],
    [
      'expired, and signed with another key',
      staffToken(now, { exp: nowSeconds - 1 }, 'another-key-that-is-long-enough-for-HS256'),
    ],
    ['expired, and its signature taken off', `${segmentsOf(expired).slice(0, 2).join('.')}.`],
    ['expired, and spare bits in its signature', expired.slice(0, -43) + withSpareBits(segmentsOf(expired)[2], 1)],
    ['expired, and of a second factor that is pending', claims({ exp: nowSeconds - 1, otp_required: true })],
    ['expired, and a refresh token', claims({ exp: nowSeconds - 1, token_type: 'refresh' })],
    ['expired, without user_id', claims({ exp: nowSeconds - 1, user_id: undefined })],
    ['iat 31 seconds ahead', claims({ iat: nowSeconds + 31 })],
    ['iat a day ahead', claims({ iat: nowSeconds + 86_400, exp: nowSeconds + 90_000 })],
    ['iat in milliseconds', claims({ iat: now })],
    ['iat that is a string', claims({ iat: String(nowSeconds) })],
    ['iat that is null', claims({ iat: null })],
    ['iat that is an array', claims({ iat: [nowSeconds] })],
    ['iat that is infinite', payload(text.replace(/"iat":\d+/, '"iat":1e309'))],
    ['nbf 31 seconds ahead', claims({ nbf: nowSeconds + 31 })],
    ['nbf a year ahead', claims({ nbf: nowSeconds + 31_536_000 })],
    ['nbf that is a string', claims({ nbf: String(nowSeconds) })],
    ['nbf that is null', claims({ nbf: null })],
    ['nbf that is false', claims({ nbf: false })],
    ['nbf that is infinite', payload(text.replace('}', ',"nbf":1e309}'))],
  ];
};

const useAttacks = ({ claims }: Forge): Row[] => [
  ['a refresh token', claims({ token_type: 'refresh' })],
  ['token_type unknown', claims({ token_type: 'sliding' })],
  ['token_type in another case', claims({ token_type: 'Access' })],
  ['token_type with a space behind it', claims({ token_type: 'access ' })],
  ['token_type that is an array', claims({ token_type: ['access'] })],
  ['token_type that is both', claims({ token_type: ['access', 'refresh'] })],
  ['token_type that is null', claims({ token_type: null })],
  ['token_type that is empty', claims({ token_type: '' })],
  ['token_type that is true', claims({ token_type: true })],
  ...['temp_otp_login', 'otp_required'].flatMap((flag): Row[] => [
    [`${flag} true`, claims({ [flag]: true })],
    [`${flag} "true"`, claims({ [flag]: 'true' })],
    [`${flag} "True", as Python writes it`, claims({ [flag]: 'True' })],
    [`${flag} "false", which is true to many`, claims({ [flag]: 'false' })],
    [`${flag} 1`, claims({ [flag]: 1 })],
    [`${flag} an empty object`, claims({ [flag]: {} })],
  ]),
  ['both flags of a pending second factor', claims({ temp_otp_login: true, otp_required: true })],
  ['a pending second factor of an employee', claims({ user_type: 'employee', employee_id: 123, otp_required: true })],
];

const subjectAttacks = ({ claims, payload, text }: Forge): Row[] => {
  const employee = (changes: Claims) => claims({ user_type: 'employee', ...changes });
  const rawId = (id: string) => payload(text.replace('123', id));
  return [
    ['no user_id and no user_type', claims({ user_id: undefined, user_type: undefined })],
    ['staff without a user_id', claims({ user_id: undefined })],
    ['an employee without a number', employee({ user_id: undefined })],
    ['an employee whose numbers are null', employee({ user_id: null, employee_id: null })],
    ['an employee of two numbers', employee({ user_id: 1, employee_id: 2 })],
    ['an employee of two numbers, one in text', employee({ user_id: '1', employee_id: 2 })],
    ['of no type, with two numbers', claims({ user_type: undefined, user_id: 1, employee_id: 2 })],
    ['staff with an employee_id', claims({ employee_id: 456 })],
    ['staff with an employee_id of the same number', claims({ employee_id: 123 })],
    ['staff with an employee_id and no user_id', claims({ user_id: undefined, employee_id: 456 })],
    ['staff with an employee_id of zero', claims({ employee_id: 0 })],
    ['staff with an employee_id that is empty', claims({ employee_id: '' })],
    ['of no type, with an employee_id that is false', claims({ user_type: undefined, employee_id: false })],
    ['an employee whose employee_id is zero, with a user_id', employee({ employee_id: 0 })],
    ['user_id 0', claims({ user_id: 0 })],
    ['user_id minus zero', rawId('-0')],
    ['user_id negative', claims({ user_id: -123 })],
    ['user_id a fraction', claims({ user_id: 123.5 })],
    ['user_id infinite', rawId('1e309')],
    ['user_id beyond 2^53', rawId('9007199254740993')],
    ['user_id in text beyond 2^53', claims({ user_id: '9007199254740993' })],
    ['user_id in text of 400 digits', claims({ user_id: '9'.repeat(400) })],
    ['user_id "0"', claims({ user_id: '0' })],
    ['user_id "01"', claims({ user_id: '01' })],
    ['user_id "1e2"', claims({ user_id: '1e2' })],
    ['user_id " 1"', claims({ user_id: ' 1' })],
    ['user_id "1 "', claims({ user_id: '1 ' })],
    ['user_id "1" and a newline', claims({ user_id: '1\n' })],
    ['user_id "+1"', claims({ user_id: '+1' })],
    ['user_id "-1"', claims({ user_id: '-1' })],
    ['user_id "1.0"', claims({ user_id: '1.0' })],
    ['user_id "0x7b"', claims({ user_id: '0x7b' })],
    ['user_id "1_000"', claims({ user_id: '1_000' })],
    ['user_id in Arabic digits', claims({ user_id: '\u0661\u0662\u0663' })],
    ['user_id in full-width digits', claims({ user_id: '\uff11\uff12' })],
    ['user_id that is a path', claims({ user_id: '1/../2' })],
    ['user_id that is SQL', claims({ user_id: '1 OR 1=1' })],
    ['user_id that is empty', claims({ user_id: '' })],
    ['user_id an array', claims({ user_id: [123] })],
    ['user_id an object', claims({ user_id: { id: 123 } })],
    ['user_id true', claims({ user_id: true })],
    ['user_id null', claims({ user_id: null })],
    ['user_id in __proto__ alone', payload(text.replace('"user_id":123', '"__proto__":{"user_id":123}'))],
    [
      'user_id in constructor.prototype alone',
      payload(text.replace('"user_id":123', '"constructor":{"prototype":{"user_id":123}}')),
    ],
    ['user_id in a nested object alone', claims({ user_id: undefined, user: { user_id: 123 } })],
    ['user_id in the wrong case', claims({ user_id: undefined, User_Id: 123 })],
    ['user_id with a Cyrillic letter', claims({ user_id: undefined, us\u0435r_id: 123 })],
    ['sub for user_id', claims({ user_id: undefined, sub: '123' })],
    ['user_type unknown', claims({ user_type: 'admin' })],
    ['user_type in another case', claims({ user_type: 'Staff' })],
    ['user_type with a space behind it', claims({ user_type: 'staff ' })],
    ['user_type an array', claims({ user_type: ['staff'] })],
    ['user_type of both', claims({ user_type: 'staff,employee' })],
    ['user_type true', claims({ user_type: true })],
    ['user_type empty', claims({ user_type: '' })],
    ['user_type a name that every object has', claims({ user_type: 'constructor' })],
  ];
};

/**
 * Tokens that no verifier of HS256 with `signingKey` may take as an access token at `now`, each a different attack.
 * Wherever the attack is not on the signature, the signature is right: nothing but the one rule stands in its way.
 */
export const hostileTokens = (options: HostileOptions): HostileToken[] => {
  const forge = createForge(options);
  return [
    algorithmAttacks,
    keyAttacks,
    signatureAttacks,
    spellingAttacks,
    jsonAttacks,
    headerAttacks,
    timeAttacks,
    useAttacks,
    subjectAttacks,
  ].flatMap((attacks) =>
    attacks(forge).map(([name, token, reason]): HostileToken => ({ name, token, reason: reason ?? 'token_invalid' })),
  );
};

export type ExpectedPrincipal = {
  type: 'staff' | 'employee';
  id: number;
  email: string | null;
  fullName: string | null;
  systems: string[] | null;
  roles: Array<{ system: string; role: string }> | null;
};
export type GoodToken = { name: string; token: string; principal: ExpectedPrincipal };

/** Tokens that a verifier of HS256 with both keys must take at `now`, and whom each speaks for. */
export const goodTokens = ({ signingKey, previousKey, now }: HostileOptions & { previousKey: string }): GoodToken[] => {
  const { claims, payload, header, nowSeconds, text } = createForge({ signingKey, now });
  const stamp = { token_type: 'access', exp: nowSeconds + 300, iat: nowSeconds, jti: '2f6d1c0e9b7a4c5d8e3f' };
  const staff: ExpectedPrincipal = { type: 'staff', id: 123, email: null, fullName: null, systems: null, roles: null };
  const employee: ExpectedPrincipal = { ...staff, type: 'employee', id: 456 };
  const known = { email: 'ana@example.org', full_name: 'Ana Cruz', username: 'ana' };
  const row = (name: string, token: string, principal: Partial<ExpectedPrincipal> = {}): GoodToken => ({
    name,
    token,
    principal: { ...staff, ...principal },
  });
  const employeeRow = (name: string, changes: Claims): GoodToken => ({
    name,
    token: claims({ user_id: undefined, user_type: 'employee', ...changes }),
    principal: employee,
  });
  return [
    row('the least that the guide shows', claims({})),
    row(
      'staff as documented, with names of roles and no system',
      payload({
        ...stamp,
        user_id: 123,
        user_type: 'staff',
        email: 'ana@example.org',
        roles: ['Admin'],
        systems: ['TTS', 'AMS'],
      }),
      { email: 'ana@example.org', systems: ['TTS', 'AMS'] },
    ),
    row(
      'staff as deployed, with scoped roles in lower case',
      payload({ ...stamp, ...known, user_id: 123, user_type: 'staff', roles: [{ system: 'tts', role: 'Admin' }] }),
      { email: 'ana@example.org', fullName: 'Ana Cruz', systems: ['TTS'], roles: [{ system: 'TTS', role: 'Admin' }] },
    ),
    row(
      'an employee as documented',
      payload({
        token_type: 'access',
        exp: nowSeconds + 300,
        iat: nowSeconds,
        employee_id: 456,
        user_type: 'employee',
        email: 'eve@example.org',
      }),
      { ...employee, email: 'eve@example.org' },
    ),
    row(
      'an employee as deployed',
      payload({
        ...stamp,
        ...known,
        user_id: 456,
        employee_id: 456,
        user_type: 'employee',
        roles: [{ system: 'hdts', role: 'Employee' }],
      }),
      {
        ...employee,
        email: 'ana@example.org',
        fullName: 'Ana Cruz',
        systems: ['HDTS'],
        roles: [{ system: 'HDTS', role: 'Employee' }],
      },
    ),
    row('signed with the previous key', staffToken(now, {}, previousKey)),
    row('user_id in digits', claims({ user_id: '123' })),
    row('the greatest user_id', claims({ user_id: Number.MAX_SAFE_INTEGER }), { id: Number.MAX_SAFE_INTEGER }),
    row('the greatest user_id in digits', claims({ user_id: '9007199254740991' }), { id: Number.MAX_SAFE_INTEGER }),
    row('the least user_id', claims({ user_id: 1 }), { id: 1 }),
    row('no user_type means staff', claims({ user_type: undefined })),
    row('a user_type of null is none', claims({ user_type: null })),
    row('staff with an employee_id of null', claims({ employee_id: null })),
    employeeRow('no user_type, but an employee_id', { user_type: undefined, employee_id: 456 }),
    employeeRow('no user_type, and the same number twice', { user_type: undefined, user_id: 456, employee_id: 456 }),
    employeeRow('an employee by user_id alone', { user_id: 456 }),
    employeeRow('an employee whose employee_id is in digits', { employee_id: '456' }),
    employeeRow('an employee with the same number in digits and not', { user_id: '456', employee_id: 456 }),
    row(
      'an unknown claim 2,900 levels deep',
      payload(text.replace('}', `,"a":${'['.repeat(2900)}${']'.repeat(2900)}}`)),
    ),
    row('a second factor that is done', claims({ temp_otp_login: false, otp_required: null })),
    row('no iat', claims({ iat: undefined })),
    row('iat 30 seconds ahead', claims({ iat: nowSeconds + 30 })),
    row('nbf 30 seconds ahead', claims({ nbf: nowSeconds + 30 })),
    row('nbf long ago', claims({ nbf: 0 })),
    row('exp a second ahead', claims({ exp: nowSeconds + 1 })),
    row('exp a fraction of a second ahead', claims({ exp: nowSeconds + 0.5 })),
    row('exp with an exponent', payload(text.replace(/"exp":\d+/, `"exp":${(nowSeconds + 900) / 1e9}e9`))),
    row('no typ', header({ alg: 'HS256' })),
    row('typ in lower case', header({ alg: 'HS256', typ: 'jwt' })),
    row('typ before alg', header('{"typ":"JWT","alg":"HS256"}')),
    row('a kid that is a plain name', header({ ...hs256, kid: 'key-2026.03' })),
    row('white space between the claims', payload(JSON.stringify(JSON.parse(text), null, '\t'))),
    row(
      'names and values spelled with escapes',
      payload(text.replace('exp', '\\u0065xp').replace('staff', '\\u0073taff')),
    ),
    row(
      'unknown claims, with names that also occur elsewhere',
      claims({ other: { exp: 1, user_id: [{ exp: 2 }, { exp: 3 }] }, aud: 'x' }),
    ),
    row(
      'a name inside an object that stands outside it too, behind it',
      claims({ other: { late: { email: 1 } }, late: 1, email: 'ana@example.org' }),
      { email: 'ana@example.org' },
    ),
    row('braces, colons and quotes inside a string', claims({ full_name: '{"a":1,"a":2}\\"' }), {
      fullName: '{"a":1,"a":2}\\"',
    }),
    row('names that are not ASCII', claims({ full_name: 'Íñigo 😀 グエン' }), { fullName: 'Íñigo 😀 グエン' }),
    row('an e-mail and a name that are empty', claims({ email: '', full_name: '' })),
    row('an e-mail and a name that are no text', claims({ email: ['x'], full_name: 1 })),
    row('no roles', claims({ roles: [] }), { systems: [], roles: [] }),
    row('systems without roles', claims({ systems: ['tts', 'TTS', 'bms'] }), { systems: ['TTS', 'BMS'] }),
    row('systems of which some are nonsense', claims({ systems: ['tts', '', 1, null] }), { systems: ['TTS'] }),
    row('systems and scoped roles together', claims({ systems: ['ams'], roles: [{ system: 'bms', role: 'Viewer' }] }), {
      systems: ['AMS', 'BMS'],
      roles: [{ system: 'BMS', role: 'Viewer' }],
    }),
    row(
      'scoped roles among nonsense',
      claims({ roles: ['Admin', null, 1, { role: 'Admin' }, { system: 'tts', role: 'Agent' }] }),
      {
        systems: ['TTS'],
        roles: [{ system: 'TTS', role: 'Agent' }],
      },
    ),
    row('roles that are no list', claims({ roles: 'Admin', systems: 'TTS' })),
    row('exactly as long as a token may be', payload(text.padEnd(6083, ' '))),
  ];
};
