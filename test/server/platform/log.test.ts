import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causesOf, createLog } from '../../../server/src/platform/log.ts';
import { scrub } from '../../../server/src/platform/scrub.ts';
import { cpuMsOf } from '../../support/measure/cpu-time.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.abc-_DEF';

describe('the secret scrubber', () => {
  it.each([
    ['a token', `got ${jwt} there`, 'got [hidden] there'],
    ['a token after other text', `T-1_${jwt}`, 'T-1_[hidden]'],
    ['a truncated token', `got ${jwt.slice(0, 30)}`, 'got [hidden]'],
    ['a Bearer', 'Authorization: Bearer abc.def-1', 'Authorization: Bearer [hidden]'],
    [
      'a cookie',
      'cookie: access_token=abc; refresh_token=d%20e; theme=dark',
      'cookie: access_token=[hidden]; refresh_token=[hidden]; theme=dark',
    ],
    ['a field of JSON', '{"password":"hun\\"ter2; and more","n":1}', '{"password":"[hidden]","n":1}'],
    ['a field of JSON that is a number', '{"otp_code":918273,"n":1}', '{"otp_code":"[hidden]","n":1}'],
    [
      'a field of JSON in JSON',
      JSON.stringify({ body: '{"password":"hunter2 and more","otpCode":918273,"n":1}' }),
      JSON.stringify({ body: '{"password":"[hidden]","otpCode":"[hidden]","n":1}' }),
    ],
    [
      'an object printed by Node',
      "{ 'x-api-key': 'k 1', password: 'a, b' }",
      "{ 'x-api-key': '[hidden]', password: '[hidden]' }",
    ],
    ['a cookie among headers', '{"cookie":"a=b; c=d","host":"h"}', '{"cookie":"[hidden]","host":"h"}'],
    ['a field of a form', 'captcha_token=abc&x=1', 'captcha_token=[hidden]&x=1'],
    ['an API key', 'X-API-Key: k-1', 'X-API-Key: [hidden]'],
    ['an e-mail address', 'User ana.lima+x@example.com, is gone', 'User [hidden], is gone'],
    ['an e-mail address in a path', '/trpc/ana%40example.com,users.byId', '/trpc/[hidden],users.byId'],
    ['an e-mail address of another alphabet', 'für jürgen@bücher.example', 'für [hidden]'],
    ['a password in a URL', 'connect redis://user:pa55@redis:6379', 'connect redis://user:[hidden]:6379'],
  ])('hides %s', (_name, text, expected) => {
    expect(scrub(text)).toBe(expected);
  });

  it.each([
    'TypeError: fetch failed',
    'connect ECONNREFUSED 127.0.0.1:8000',
    'status 503 from user-info',
    '{"level":30,"time":"2026-11-25T09:00:00.000Z","path":"/trpc/users.byId","person":"staff 123","msg":"request"}',
    "The Auth Service's answer to refresh is not as agreed: it holds no access token.",
    'The token is not valid: the Auth Service rejected it.',
  ])('keeps text without a secret unchanged: %s', (text) => {
    expect(scrub(text)).toBe(text);
  });

  it('takes linear time for crafted input', () => {
    for (const text of [
      'a'.repeat(50_000),
      'eyJ'.repeat(20_000),
      `a${'eyJ'.repeat(20_000)}`,
      'Bearer '.repeat(10_000),
      'token='.repeat(10_000),
      '"password":"\\'.repeat(5_000),
      `password${' '.repeat(50_000)}`,
      `Bearer${' '.repeat(50_000)}`,
      `${'%4'.repeat(30_000)}@`,
      `${'a'.repeat(50_000)} @`,
    ]) {
      // Takes at most 30 ms of CPU on the reference machine; quadratic scanning takes seconds.
      expect(cpuMsOf(() => void scrub(text))).toBeLessThan(1_000);
    }
  });
});

describe('a log line', () => {
  const lines: string[] = [];
  const log = createLog({
    logLevel: 'info',
    apiKey: 'key-"quoted"-1',
    signingKeys: ['signing-key-1', 'short'],
    sealingSecret: 'sealing-key-1',
    destination: { write: (line) => lines.push(line) },
  });
  const lineOf = (fields: object, message = 'm') => {
    log.info(fields, message);
    return lines.at(-1) ?? '';
  };

  it('contains no secret of the configuration, in any place', () => {
    const line = lineOf({ deep: { a: ['key-"quoted"-1'] }, b: 'x signing-key-1' }, 'sealing-key-1 is short');
    expect(JSON.parse(line)).toMatchObject({ deep: { a: ['[hidden]'] }, b: 'x [hidden]', msg: '[hidden] is short' });
  });

  it('contains no cookie, header or password that was logged by mistake', () => {
    const headers = { cookie: 'access_token=abc', authorization: 'Bearer abc', 'x-api-key': 'abc' };
    const line = lineOf({ headers, body: { email: 'ana@example.com', password: 'abc', otp_code: '123456' } });
    expect(line).not.toMatch(/abc|ana|123456/);
    expect(JSON.parse(line)).toMatchObject({ body: { password: '[hidden]' } });
  });

  it.each([
    ['a line break', 'one\r\ntwo\tthree', 'one  two three'],
    ['an escape sequence', 'T-1\u001b[31mred', 'T-1 [31mred'],
    ['a NUL and a backspace', 'a\0b\bc', 'a b c'],
    ['DEL and C1, such as CSI', 'a\u007fb\u0080c\u009b31m', 'a b c 31m'],
    ['a line separator', 'a\u2028b\u2029c', 'a b c'],
    ['a change of direction', 'a\u202eb\u2066c\u200fd', 'a b c d'],
  ])('replaces %s, in any field and in the message', (_name, text, expected) => {
    const line = lineOf({ field: text, deep: [{ list: [text] }], [text]: 1 }, text);
    expect(JSON.parse(line)).toMatchObject({
      field: expected,
      deep: [{ list: [expected] }],
      [expected]: 1,
      msg: expected,
    });
  });

  it.each(['\\n', '\\u001b', 'C:\\new\\folder', '"\\"', 'ключ 한국 🎫', 'é'])('keeps %s unchanged', (text) => {
    expect(JSON.parse(lineOf({ field: text }, text))).toMatchObject({ field: text, msg: text });
  });

  it('replaces control characters and hides secrets in audit lines, too', () => {
    log.audit?.({ field: 'a\u001bb', other: 'signing-key-1' }, 'm');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ field: 'a b', other: '[hidden]' });
  });

  it('hides a secret after a control character, and one that contains a control character', () => {
    const others = createLog({
      logLevel: 'info',
      apiKey: 'key\twith\ttabs',
      destination: { write: (line) => lines.push(line) },
    });
    for (const control of ['\n', '\u001b', '\u009b', '\u2028']) {
      expect(lineOf({ a: `x${control}${jwt}`, b: `x${control}signing-key-1` })).not.toMatch(/eyJ|signing/);
      expect(lineOf({ a: `Bearer${control}abcdefgh` })).not.toMatch(/Bearer\W+abcdefgh/);
    }
    others.info({ a: 'x key\twith\ttabs' }, 'm');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ a: 'x [hidden]' });
  });

  it('contains no secret either if it is an audit line, which is written at any level', () => {
    const written: string[] = [];
    const quiet = createLog({
      logLevel: 'fatal',
      apiKey: 'key-"quoted"-1',
      destination: { write: (line) => written.push(line) },
    });
    quiet.error({}, 'not written');
    quiet.audit?.({ audit: 'sign_in', a: 'key-"quoted"-1', b: 'ana@example.com', c: jwt }, 'audit');
    expect(written.map((line) => JSON.parse(line) as object)).toEqual([
      {
        level: 30,
        time: expect.any(String),
        audit: 'sign_in',
        a: '[hidden]',
        b: '[hidden]',
        c: '[hidden]',
        msg: 'audit',
      },
    ]);
  });

  it('of many apps in a process needs no further listener on the exit of the process', () => {
    createLog({ logLevel: 'info' });
    const before = process.listenerCount('exit');
    for (let apps = 0; apps < 11; apps += 1) createLog({ logLevel: 'info' });
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('is valid JSON for any value', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom(
              '@',
              'a@b',
              '"',
              '\\',
              'password=',
              'Bearer ',
              'eyJabcde',
              '.',
              "'",
              ':',
              '1',
              'password',
              '"otp_code":',
              '\\"cookie\\":\\"',
              '\\n',
              '\\u001b',
              '\u001b',
              '\u009b',
              '\u202e',
            ),
          ),
        ),
        (parts) => {
          const line = lineOf({ field: parts.join(''), [parts.join('') || 'k']: 1 }, parts.join(''));
          // oxlint-disable-next-line no-control-regex -- the test asserts that control characters are absent
          expect(JSON.stringify(JSON.parse(line))).not.toMatch(
            /[\u007f-\u009f\u2028\u2029\u202a-\u202e]|(?<!\\)(?:\\\\)*\\[bfnrtu]/,
          );
        },
      ),
    );
  });
});

it('an error cause is logged without quoted message text of other services', () => {
  const inner = new Error(`invalid header: Bearer ${jwt}`);
  const outer = new Error('User ana@example.com', { cause: inner });
  expect(causesOf(outer)).toEqual(['Error: User [hidden]', 'Error: invalid header: Bearer [hidden]']);
  expect(causesOf(new Error('a'.repeat(5_000)))[0]).toHaveLength(1_000);
});
