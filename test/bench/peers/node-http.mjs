// The upper bound: node:http and one HMAC signature check, without any other check.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { signingKey, reportPort, users } from './listen.mjs';

const server = createServer((request, response) => {
  const token = /(?:^|; )access_token=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const at = token.lastIndexOf('.');
  const expected = createHmac('sha256', signingKey)
    .update(token.slice(0, Math.max(0, at)))
    .digest();
  const given = Buffer.from(token.slice(at + 1), 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"Invalid token"}');
    return;
  }
  const body = JSON.stringify(users.get(Number(request.url.slice('/users/'.length))));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
});
server.listen(0, '127.0.0.1', () => reportPort(server.address().port));
