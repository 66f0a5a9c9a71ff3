import { accountPicturePath } from '../../../shared/src/index.ts';
import type { Identities } from './requests.ts';
import { mutate } from './inputs.ts';
import type { Random } from './random.ts';

const signatures = [
  '\x89PNG\r\n\x1a\n',
  '\xff\xd8\xff\xe0',
  'GIF89a',
  'GIF87a',
  'RIFF\x24\0\0\0WEBPVP8X',
  '\x89PNG\r\n\x1a',
  'GIF88a',
  'RIFF\x24\0\0\0WAVE',
  '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
  '%PDF-1.7',
  '',
] as const;

/** What follows the signature. `polyglots`: also valid as another type. */
const rests = [
  '',
  '\0',
  '/*<script>alert(1)</script>*/=1;',
  '<!doctype html><script>alert(1)</script>',
  '\r\n--auth-bff\r\nContent-Disposition: form-data; name="is_staff"\r\n\r\ntrue\r\n--auth-bff--\r\n',
  '\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x06\0\0\0',
  '\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0garbage-garbage-garbage',
  '\0'.repeat(30),
  '\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03'.repeat(4),
  'PK\x03\x04' + 'a'.repeat(60_000),
] as const;

const pictureHeaders = [
  'content-type: image/png',
  'content-type: image/svg+xml',
  'content-type: text/html',
  'content-type: application/json',
  'content-type: multipart/form-data; boundary=x',
  'content-type: image/png; charset="\xff"',
  'content-encoding: gzip',
  'expect: 100-continue',
  'x-csrf: 2',
  'range: bytes=0-1',
  'x-http-method-override: DELETE',
  'sec-fetch-site: cross-site',
] as const;

/** A picture, often nearly right: with another type, truncated, of another length, chunked. */
export const pictureRequest = (random: Random, { cookies }: Identities): Buffer => {
  const method = random.pick(['PUT', 'PUT', 'PUT', 'DELETE', 'DELETE', 'POST', 'GET', 'PATCH', 'HEAD'] as const);
  let body = `${random.pick(signatures)}${random.pick(rests)}`;
  if (random.oneIn(5)) body = body.slice(0, random.below(16));
  if (random.oneIn(8)) body = mutate(random, body);
  const path = random.oneIn(12) ? `${accountPicturePath}/` : accountPicturePath;
  const lines = [`${method} ${path}${random.oneIn(8) ? '?x=%00' : ''} HTTP/1.1`, 'host: localhost'];
  lines.push(`cookie: ${random.pick(cookies)}`, ...(random.oneIn(8) ? [] : ['x-csrf: 1']));
  lines.push(...random.list(2, () => random.pick(pictureHeaders)));
  if (random.oneIn(4)) {
    const cut = random.below(body.length + 1);
    const chunks = [body.slice(0, cut), body.slice(cut)].filter((chunk) => chunk !== '');
    lines.push('transfer-encoding: chunked');
    body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    body += random.pick(['0\r\n\r\n', '0\r\n\r\n', '', 'zz\r\n', 'ffffffff\r\nx']);
  } else {
    const lie = random.oneIn(3) ? random.pick([-1, 1, 10, 2_000_000, 3_000_000, 1e20]) : 0;
    lines.push(`content-length: ${random.oneIn(30) ? '0x10' : Math.max(0, body.length + lie)}`);
  }
  lines.push('connection: close');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
};

const resetPaths = [
  '/api/v1/users/password/reset',
  '/api/v1/users/password/reset/',
  '/employees/reset-password/',
  '/employees/reset-password',
  '//employees/reset-password',
  '/api/v1/users/password/reset/x',
] as const;
const resetTokens = [
  'Tk_0123456789-abcdef',
  'short',
  'a'.repeat(513),
  '%0d%0aset-cookie:%20a=b',
  '%00',
  '%ED%A0%80',
  '%zz',
  '%3Cscript%3E',
  'abcdefgh%26as%3Demployee',
  'abcdefgh%23',
  '//evil.example',
  'abcdefgh%0a',
] as const;
const resetHosts = [
  'localhost',
  'evil.example',
  'evil.example:99999',
  '@',
  'tts.example.org@evil.example',
  '',
] as const;
const resetParameters = [
  '',
  '&as=admin',
  '&next=https://evil.example',
  '&token=abcdefgh',
  '&token[]=abcdefgh',
  '&__proto__[token]=abcdefgh',
  '&&==',
  ';token=abcdefgh',
  '#@evil.example',
  '&%',
] as const;

/** A link of a reset mail as an attacker would change it. */
export const resetLinkRequest = (random: Random): Buffer => {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS'] as const);
  const path = random.pick(resetPaths);
  const target = `${random.oneIn(15) ? 'http://evil.example' : ''}${path}?token=${random.pick(resetTokens)}${random.pick(resetParameters)}`;
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${random.pick(resetHosts)}`];
  lines.push(
    ...random.list(2, () =>
      random.pick([
        'x-forwarded-host: evil.example',
        'x-forwarded-proto: javascript',
        'forwarded: host=evil.example',
        'origin: null',
        'referer: https://evil.example/',
      ]),
    ),
  );
  lines.push('connection: close');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
};
