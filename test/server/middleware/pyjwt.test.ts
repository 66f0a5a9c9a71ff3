import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../server/middleware/src/authenticator.ts';
import { craft, seconds, signingKey, staffClaims, staffToken } from '../../support/token/tokens.ts';

// Debian's package python3-jwt, for Debian's Python.
const python = '/usr/bin/python3';
const hasPyJwt = spawnSync(python, ['-c', 'import jwt']).status === 0;

const script = `
import json, jwt, sys
sent = json.load(sys.stdin)
def accepts(token):
    try:
        jwt.decode(token, sent["key"], algorithms=["HS256"])
        return True
    except jwt.PyJWTError:
        return False
print(json.dumps([accepts(token) for token in sent["tokens"]]))
`;

/** PyJWT has no injected clock. */
const now = Date.now();
const second = seconds(now);
const claims = JSON.stringify(staffClaims(now));

describe.skipIf(!hasPyJwt)('the differences from PyJWT that docs/middleware.md lists', () => {
  it('are those of PyJWT and of the middleware', async () => {
    const rows: Array<[name: string, token: string, ours: boolean, theirs: boolean]> = [
      ['a token of the guide', staffToken(now), true, true],
      ['with aud', staffToken(now, { aud: 'tickets' }), true, false],
      ['with iat ten seconds ahead', staffToken(now, { iat: second + 10 }), true, false],
      ['with nbf ten seconds ahead', staffToken(now, { nbf: second + 10 }), true, false],
      ['with iat a minute ahead', staffToken(now, { iat: second + 60 }), false, false],
      ['without exp', staffToken(now, { exp: undefined }), false, true],
      ['with exp as text', staffToken(now, { exp: String(second + 60) }), false, true],
      ['a refresh token', staffToken(now, { token_type: 'refresh' }), false, true],
      ['before the second factor', staffToken(now, { otp_required: true }), false, true],
      ['with a name twice', craft({ payload: claims.replace('{', '{"user_id":1,') }), false, true],
      ['of another type', craft({ header: { alg: 'HS256', typ: 'at+jwt' }, payload: claims }), false, true],
      ['without a person', staffToken(now, { user_id: undefined }), false, true],
    ];
    const { authenticate } = createAuthenticator({ signingKeys: [signingKey], now: () => now });
    const tokens = rows.map(([, token]) => token);
    const ours = await Promise.all(
      tokens.map((token) => authenticate({ url: '/', headers: { authorization: `Bearer ${token}` } })),
    );
    const { stdout } = spawnSync(python, ['-c', script], {
      input: JSON.stringify({ key: signingKey, tokens }),
      encoding: 'utf8',
    });
    const theirs = JSON.parse(stdout) as boolean[];
    const found = rows.map(([name], index) => [name, ours[index]?.state === 'admitted', theirs[index]]);
    expect(found).toEqual(rows.map(([name, , us, them]) => [name, us, them]));
  });
});
