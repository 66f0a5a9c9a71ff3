import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRawConnection, type RawConnection } from '../../../support/app/raw-connection.ts';
import {
  askRaw,
  errorOf,
  outcomesOf,
  postHeaders,
  queryTarget,
  type RawRequest,
  resultOf,
  sendLines,
  written,
} from '../../../support/app/raw-request.ts';
import { startApp, type TestApp } from '../../../support/app/start-app.ts';

// The tests share an app and a connection: each of their requests is rejected, or leaves nothing behind but cached people.
let app: TestApp;
let connection: RawConnection;
const cookies = { anonymous: '', staff: '', employee: '' };
beforeAll(async () => {
  app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
  connection = createRawConnection(app.url);
  cookies.staff = `access_token=${(await app.authService.issue({ type: 'staff', id: 123 })).access}`;
  cookies.employee = `access_token=${(await app.authService.issue({ type: 'employee', id: 1 })).access}`;
});
beforeEach(() => {
  app.authService.resetCalls();
  app.logLines.length = 0;
});
afterAll(async () => {
  connection.close();
  await app[Symbol.asyncDispose]();
});

const ask = (target: string, as: keyof typeof cookies = 'anonymous') =>
  connection.ask({ target, headers: { cookie: cookies[as] } });
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  connection.ask({ method: 'POST', target: `/trpc/${path}`, headers: { ...postHeaders, ...headers }, body });

const invalid = { code: 'BAD_REQUEST', httpStatus: 400, reason: 'invalid_input' };
const unknown = { code: 'NOT_FOUND', httpStatus: 404, reason: 'no_such_procedure' };

describe('the shape of an error', () => {
  const signInPost = (headers: Record<string, string>, body: string): RawRequest => ({
    method: 'POST',
    target: '/trpc/session.login',
    headers,
    body,
  });
  const failures: Array<
    [string, RawRequest, { code: string; httpStatus: number; reason: string; path?: string }, number]
  > = [
    [
      'the caller is anonymous',
      { target: '/trpc/session.me' },
      { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'no_token', path: 'session.me' },
      -32_001,
    ],
    [
      'the x-csrf header is missing',
      signInPost({ 'content-type': 'application/json' }, '{}'),
      { code: 'FORBIDDEN', httpStatus: 403, reason: 'csrf' },
      -32_003,
    ],
    ['the procedure does not exist', { target: '/trpc/no.such' }, { ...unknown, path: 'no.such' }, -32_004],
    ['the path does not exist', { target: '/no/such/path' }, unknown, -32_004],
    [
      'the method is wrong',
      { method: 'DELETE', target: '/trpc/session.me' },
      { code: 'METHOD_NOT_SUPPORTED', httpStatus: 405, reason: 'method_not_allowed' },
      -32_005,
    ],
    [
      'the body is too large',
      signInPost(postHeaders, ' '.repeat(100_001)),
      { code: 'PAYLOAD_TOO_LARGE', httpStatus: 413, reason: 'payload_too_large' },
      -32_013,
    ],
    [
      'the URL is too long',
      { target: `/trpc/session.me?${'a'.repeat(12_000)}` },
      { code: 'PAYLOAD_TOO_LARGE', httpStatus: 413, reason: 'payload_too_large' },
      -32_013,
    ],
    [
      'the content type is wrong',
      signInPost({ 'content-type': 'text/plain' }, '{}'),
      { code: 'UNSUPPORTED_MEDIA_TYPE', httpStatus: 415, reason: 'unsupported_media_type' },
      -32_015,
    ],
    ['the input is not valid', signInPost(postHeaders, written({})), { ...invalid, path: 'session.login' }, -32_600],
    ['the batch is too large', { target: `/trpc/${','.repeat(60)}?batch=1` }, invalid, -32_600],
    ['the name is malformed', { target: '/trpc/%25zz' }, invalid, -32_600],
    ['the path is malformed', { target: '/trpc/%zz' }, invalid, -32_600],
    ['the path is malformed elsewhere', { target: '/%' }, invalid, -32_600],
  ];

  it.each(failures)('is that of tRPC where %s', async (_name, asked, data, code) => {
    const answer = await connection.ask(asked);
    expect(errorOf(answer)).toMatchObject(data);
    expect(JSON.parse(answer.body)).toEqual({
      error: { json: { message: expect.any(String), code, data: expect.objectContaining(data) } },
    });
  });

  it('includes issues for invalid_input, and for no other reason', async () => {
    for (const [name, asked, { reason }] of failures) {
      const { issues } = errorOf(await connection.ask(asked));
      expect({ name, told: Array.isArray(issues) }).toEqual({ name, told: reason === 'invalid_input' });
    }
  });

  it('has the shape of a tRPC error even for bytes that are not HTTP', async () => {
    for (const lines of [
      ['NONSENSE', '', ''],
      ['GET /trpc/status.get HTTP/9.9', 'host: a', '', ''],
      ['GET /trpc/status.get HTTP/1.1', 'host: a', 'broken header', '', ''],
      ['GET /trpc/stätus HTTP/1.1\u0001', '', ''],
      [
        'POST /trpc/session.logout HTTP/1.1',
        'host: a',
        'content-length: 2',
        'transfer-encoding: chunked',
        '',
        '0',
        '',
        '',
      ],
      ['POST /trpc/session.logout HTTP/1.1', 'host: a', 'content-length: 2', 'content-length: 3', '', '{}', '', ''],
      ['POST /trpc/session.logout HTTP/1.1', 'host: a', 'content-length: -1', '', ''],
    ]) {
      const answer = await sendLines(app.url, lines);
      expect(errorOf(answer)).toMatchObject({ ...invalid, issues: [] });
      expect(answer.setCookies).toEqual([]);
    }
  });
});

describe('a batch', () => {
  it('answers 207 if its calls have different outcomes, each with its own error', async () => {
    const answer = await ask('/trpc/status.get,session.me,no.such?batch=1');
    expect(answer.status).toBe(207);
    expect(outcomesOf(answer)).toEqual([
      expect.objectContaining({ authService: 'up' }),
      'no_token',
      'no_such_procedure',
    ]);
  });

  it('answers one status if all calls fail alike', async () => {
    const answer = await ask('/trpc/session.me,users.me?batch=1');
    expect(answer.status).toBe(401);
    expect(outcomesOf(answer)).toEqual(['no_token', 'no_token']);
  });

  it('rejects one invalid input without failing the other calls', async () => {
    const inputs = { 0: { json: { id: 1 } }, 1: { json: { id: 'x' } }, 2: { json: { id: -1 } } };
    const answer = await ask(queryTarget(['users.byId', 'users.byId', 'users.byId'], inputs), 'staff');
    expect(answer.status).toBe(207);
    expect(outcomesOf(answer)).toEqual([expect.objectContaining({ id: 1 }), 'invalid_input', 'invalid_input']);
  });

  it('rejects inputs that are not an object', async () => {
    for (const inputs of [[], [1], 'x', 1, null, true]) {
      const answer = await ask(queryTarget(['users.byId'], inputs), 'staff');
      expect(outcomesOf(answer)).toEqual(['invalid_input']);
    }
  });
});

describe('an unknown procedure', () => {
  const names = [
    'no',
    'session',
    'session.',
    '.session',
    'session.me.more',
    'session/me',
    'Session.me',
    'session.toString',
    'session.constructor',
    'session.__proto__',
    'session._def',
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    '_def',
    '_def.procedures',
    'createCaller',
    'then',
    ' ',
    '\u{1f511}',
    '<script>',
    '',
  ];

  it('is any unregistered name, including names on the prototype', async () => {
    for (const name of names) {
      for (const search of ['', '?batch=1']) {
        const path = `${encodeURIComponent(name)}${search}`;
        for (const answer of [await ask(`/trpc/${path}`, 'staff'), await post(path, '{}')]) {
          expect({ name, status: answer.status }).toEqual({ name, status: 404 });
          expect(answer.body).toContain('"reason":"no_such_procedure"');
        }
      }
    }
  });

  it('is any path beside or below the registered ones', async () => {
    for (const target of [
      '/',
      '/trpc',
      '/trpc?batch=1',
      '/trpc/session/me',
      '/trpc/session.me/',
      '/trpcx/session.me',
      '/api',
    ]) {
      for (const method of ['GET', 'POST', 'PUT']) {
        const answer = await connection.ask({ method, target, headers: postHeaders, body: '{}' });
        expect(errorOf(answer)).toMatchObject(unknown);
      }
    }
  });
});

/** Inputs that must neither crash superjson or a schema, nor pass as valid. */
const hostile: Array<[string, string]> = [
  ['an empty body', ''],
  ['half a body', '{"json":{"email":"a@example.com"'],
  ['two bodies', '{"json":{}}{"json":{}}'],
  ['null', 'null'],
  ['a number', '1'],
  ['a string', '"json"'],
  ['an array', '[{"json":{}}]'],
  ['no json', '{"meta":{"values":{"email":["Date"]}}}'],
  ['json in the prototype', '{"__proto__":{"json":{"email":"a","password":"b"}}}'],
  ['null as the input', '{"json":null}'],
  ['undefined as the input', '{"json":null,"meta":{"values":["undefined"]}}'],
  ['an array as the input', '{"json":[]}'],
  ['a number as the input', '{"json":1e309}'],
  ['meta as a number', '{"json":{},"meta":1}'],
  ['meta as a string', '{"json":{},"meta":"values"}'],
  ['meta as an array', '{"json":{},"meta":[["Date"]]}'],
  ['values as a number', '{"json":{},"meta":{"values":1}}'],
  ['values as a string', '{"json":{},"meta":{"values":"Date"}}'],
  ['values as true', '{"json":{},"meta":{"values":true}}'],
  ['values of an unknown type', '{"json":{"email":1},"meta":{"values":{"email":["nonsense"]}}}'],
  ['values of a name from the prototype', '{"json":{"email":1},"meta":{"values":{"email":["constructor"]}}}'],
  ['values of another name from the prototype', '{"json":{"email":1},"meta":{"values":{"email":["__proto__"]}}}'],
  ['values without an input', '{"json":null,"meta":{"values":{"a.b.c":["Date"]}}}'],
  ['values below a string', '{"json":"abc","meta":{"values":{"length":["Date"]}}}'],
  ['a polluting value', '{"json":{},"meta":{"values":{"__proto__":["undefined"]}}}'],
  ['a polluting path', '{"json":{},"meta":{"values":{"__proto__.polluted":["Date"]},"v":1}}'],
  ['a polluting path by the constructor', '{"json":{},"meta":{"values":{"constructor.prototype.polluted":["Date"]}}}'],
  ['a polluting path with an escaped dot', '{"json":{},"meta":{"values":{"a\\\\.__proto__.polluted":["Date"]},"v":1}}'],
  ['a polluting tree', '{"json":{"a":1},"meta":{"values":{"a":[["set"],{"__proto__.polluted":["Date"]}]}}}'],
  ['a polluting input', '{"json":{"__proto__":{"polluted":true,"email":"a","password":"b"}}}'],
  ['a polluting reference', '{"json":{"a":{"x":1}},"meta":{"referentialEqualities":{"a":["__proto__.polluted"]}}}'],
  ['a reference from the prototype', '{"json":{"a":{}},"meta":{"referentialEqualities":{"__proto__":["a"]}}}'],
  ['a reference to nothing', '{"json":{},"meta":{"referentialEqualities":{"a.b.c":["d.e.f"]}}}'],
  ['a circle', '{"json":{"email":{},"ids":{}},"meta":{"referentialEqualities":[["email","ids"]]}}'],
  ['references as a number', '{"json":{},"meta":{"referentialEqualities":1}}'],
  ['references as strings', '{"json":{},"meta":{"referentialEqualities":{"a":"b"}}}'],
  ['a class', '{"json":{"email":{}},"meta":{"values":{"email":[["class","Object"]]}}}'],
  ['a custom type', '{"json":{"email":{}},"meta":{"values":{"email":[["custom","x"]]}}}'],
  ['a symbol', '{"json":{"email":"x"},"meta":{"values":{"email":[["symbol","x"]]}}}'],
  ['a bad regular expression', '{"json":{"email":"/(/"},"meta":{"values":{"email":["regexp"]}}}'],
  ['a bad URL', '{"json":{"email":"x"},"meta":{"values":{"email":["URL"]}}}'],
  ['an array of bytes', '{"json":{"email":9},"meta":{"values":{"email":[["typed-array","Uint8Array"]]}}}'],
  [
    'arrays of 4 GB each',
    `{"json":{"ids":[${Array(150).fill(4_294_967_295).join(',')}]},"meta":{"values":{${Array.from({ length: 150 }, (_, at) => `"ids.${at}":[["typed-array","Uint8Array"]]`).join(',')}}}}`,
  ],
  ['a bad number', '{"json":{"email":"x"},"meta":{"values":{"email":["bigint"]}}}'],
  ['a bad date', '{"json":{"email":"x","id":"x","ids":"x"},"meta":{"values":{"email":["Date"],"id":["Date"]}}}'],
  ['an error without a message', '{"json":{"email":null},"meta":{"values":{"email":["Error"]}}}'],
  ['a map of no pairs', '{"json":{"email":5},"meta":{"values":{"email":["map"]}}}'],
  ['a set of a number', '{"json":{"email":5},"meta":{"values":{"email":["set"]}}}'],
  [
    'an impossible array of bytes',
    '{"json":{"email":1e300},"meta":{"values":{"email":[["typed-array","Uint8Array"]]}}}',
  ],
  ['not a number', '{"json":{"id":"NaN","ids":["NaN"]},"meta":{"values":{"id":["number"],"ids.0":["number"]}}}'],
];
const deep: Array<[string, string]> = [
  ['arrays 10 000 deep', `{"json":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ['objects 10 000 deep', `{"json":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
  ['annotations 10 000 deep', `{"json":{},"meta":{"values":${'{"a":'.repeat(10_000)}["Date"]${'}'.repeat(10_000)}}}`],
  [
    'nested annotations 3 000 deep',
    `{"json":{},"meta":{"values":${'[["undefined"],{"a":'.repeat(3_000)}["Date"]${'}]'.repeat(3_000)}}}`,
  ],
  ['a path of 40 000 steps', `{"json":{},"meta":{"values":{"${'a.'.repeat(40_000)}a":["Date"]}}}`],
  ['brackets alone', '['.repeat(99_000)],
];

describe('a malicious input', () => {
  const polluted = () => Reflect.get({}, 'polluted') as unknown;

  it('is rejected as the body of a mutation', async () => {
    for (const [name, body] of [...hostile, ...deep]) {
      const { reason, issues } = errorOf(await post('session.login', body));
      expect({ name, reason, issues }).toEqual({ name, reason: 'invalid_input', issues: expect.any(Array) });
      const batch = await post('session.login?batch=1', `{"0":${body === '' ? '""' : body}}`);
      expect({ name, outcomes: outcomesOf(batch) }).toEqual({ name, outcomes: ['invalid_input'] });
      expect(polluted()).toBeUndefined();
    }
    expect(app.authService.count()).toBe(0);
  });

  it('is rejected as the input of a query', async () => {
    const paths = ['users.byId', 'users.byIds', 'users.byCompanyId', 'employees.byId'] as const;
    const accepted: unknown[] = [];
    for (const [index, [name, body]] of hostile.entries()) {
      // Two of the paths for each input, and all of them if EVERY_CASE=1.
      for (const path of paths.filter((_path, at) => process.env.EVERY_CASE === '1' || (at + index) % 2 === 0)) {
        const { reason } = errorOf(await ask(`/trpc/${path}?input=${encodeURIComponent(body)}`, 'staff'));
        if (reason !== 'invalid_input' || polluted() !== undefined) accepted.push({ name, path, reason });
      }
    }
    expect(accepted).toEqual([]);
    expect(app.authService.count()).toBe(0);
  });

  it('is ignored by a procedure without an input', async () => {
    for (const [, body] of hostile) {
      expect((await ask(`/trpc/status.get?input=${encodeURIComponent(body)}`)).status).toBe(200);
      expect((await post('session.logout', body)).status).toBe(200);
    }
  });

  it('leaves the service available, and logs no internal error', async () => {
    for (const [, body] of [...hostile, ...deep]) await post('session.login', body);
    expect(resultOf(await ask('/trpc/session.me', 'staff'))).toMatchObject({ user: { id: 123 } });
    expect(app.logLines.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });
});

describe('an input that is not JSON', () => {
  it.each([
    ['in a body', '{"json":{"email":"user@example.com","password":hunter2}}'],
    ['in a body cut short', '{"json":{"email":"user@example.com","password":"hunter2'],
    ['in a body of a form', 'email=user@example.com&password=hunter2'],
    ['in a number', '{"json":{"email":"a","password":"hunter2"},"meta":{"values":{"password":["bigint"]}}}'],
    ['in a pattern', '{"json":{"email":"a","password":"/(hunter2/"},"meta":{"values":{"password":["regexp"]}}}'],
    ['in a URL', '{"json":{"email":"a","password":"hunter2"},"meta":{"values":{"password":["URL"]}}}'],
  ])('is never quoted in the response or the log: %s', async (_name, body) => {
    const answer = await post('session.login', body);
    expect(errorOf(answer)).toMatchObject({
      ...invalid,
      message: expect.stringContaining('The input is not superjson'),
    });
    expect(answer.body).not.toContain('hunter2');
    expect(JSON.stringify(app.logLines)).not.toContain('hunter2');
  });

  it('allocates no array of the length that a caller claims', async () => {
    const body = '{"json":{"email":9,"password":"b"},"meta":{"values":{"email":[["typed-array","Uint8Array"]]}}}';
    const { issues, message } = errorOf(await post('session.login', body));
    expect(issues).toEqual([]);
    expect(message).not.toContain('Uint8Array');
  });

  it('is rejected, without an internal error, in a query', async () => {
    for (const input of ['{', '%zz', '%', '%7B%22json%22', '%ff%fe', '+', 'undefined']) {
      const answer = await ask(`/trpc/users.byId?input=${input}`, 'staff');
      expect(errorOf(answer)).toMatchObject(invalid);
    }
  });
});

describe('an invalid input', () => {
  it.each([
    ['session.login', {}, ['email', 'password']],
    ['session.login', { email: 'a@example.com' }, ['password']],
    ['session.login', { email: '', password: '' }, ['email', 'password']],
    ['session.login', { email: ' ', password: 'x' }, ['email']],
    ['session.login', { email: 'a'.repeat(255), password: 'x' }, ['email']],
    ['session.login', { email: 'a', password: 'x'.repeat(1_025) }, ['password']],
    ['session.login', { email: 'a', password: 'b', as: 'admin' }, ['as']],
    ['session.login', { email: 'a', password: 'b', as: 'toString' }, ['as']],
    ['session.login', { email: ['a'], password: { length: 3 } }, ['email', 'password']],
    ['session.login', { email: new Date(), password: null }, ['email', 'password']],
    ['session.verifyOtp', { challenge: 'x', code: "1' OR 1=1" }, ['code']],
    ['session.verifyOtp', { code: '123456' }, ['challenge']],
  ])('names the invalid fields: %s of %j', async (path, input, fields) => {
    const { issues, message } = errorOf(await post(path, written(input)));
    expect(issues?.map((issue) => issue.path).toSorted()).toEqual(fields);
    for (const issue of issues ?? []) expect(message).toContain(`${issue.path}: ${issue.message}`);
    expect(app.authService.count()).toBe(0);
  });

  it.each([
    ['users.byId', { id: '1' }, ['id']],
    ['users.byId', { id: 0 }, ['id']],
    ['users.byId', { id: 1.5 }, ['id']],
    ['users.byId', { id: 2 ** 53 }, ['id']],
    ['users.byIds', { ids: [] }, ['ids']],
    ['users.byIds', { ids: [1, 'x', 3, -4] }, ['ids.1', 'ids.3']],
    ['users.byIds', { ids: Array.from({ length: 501 }, (_, index) => index + 1) }, ['ids']],
    ['users.byRole', { system: 'TTS' }, ['role']],
  ])('names the invalid fields of a query: %s of %j', async (path, input, fields) => {
    const answer = await ask(queryTarget(path, { json: input }), 'staff');
    expect([...new Set(errorOf(answer).issues?.map((issue) => issue.path))]).toEqual(fields);
    expect(app.authService.count()).toBe(0);
  });

  it('is described by at most twenty issues', async () => {
    const input = { json: { ids: Array.from({ length: 400 }, () => 'x') } };
    const { issues, message } = errorOf(await ask(queryTarget('users.byIds', input), 'staff'));
    expect(issues).toHaveLength(20);
    expect(message.length).toBeLessThan(2_000);
  });

  it('is validated after authorization: 401 for an anonymous caller, 403 for a forbidden one', async () => {
    for (const input of ['?input=%7B%22json%22%3A%7B%22id%22%3A0%7D%7D', '?input=%7B', '']) {
      const target = `/trpc/users.byId${input}`;
      expect(errorOf(await ask(target))).toMatchObject({ httpStatus: 401, reason: 'no_token' });
      const employee = errorOf(await ask(target, 'employee'));
      expect(employee).toMatchObject({ httpStatus: 403, reason: 'insufficient_permissions' });
      expect(errorOf(await ask(target, 'staff'))).toMatchObject(invalid);
    }
  });
});

describe('a stack trace', () => {
  const failures: RawRequest[] = [
    { target: '/trpc/session.me' },
    { target: '/trpc/no.such' },
    { target: '/trpc/session.me,no.such?batch=1' },
    { target: '/trpc/session.me?batch=1', headers: { 'trpc-accept': 'application/jsonl' } },
    { target: '/trpc/%25zz' },
    { target: '/no/such/path' },
    { target: `/trpc/${','.repeat(60)}?batch=1` },
    { method: 'PUT', target: '/trpc/session.me' },
    { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body: '{' },
    { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body: written({}) },
    {
      method: 'POST',
      target: '/trpc/session.login',
      headers: postHeaders,
      body: written({ email: 'a', password: 'b' }),
    },
    { method: 'POST', target: '/trpc/session.login', body: '{}' },
  ];

  it.each([
    ['production', { NODE_ENV: 'production' }],
    ['test', { NODE_ENV: 'test' }],
    ['staging', { NODE_ENV: 'staging' }],
    ['development in another case', { NODE_ENV: 'Development' }],
    ['development with a space', { NODE_ENV: 'development ' }],
    ['nothing', {}],
    ['an empty value', { NODE_ENV: '' }],
  ])('is not exposed if NODE_ENV is %s', async (_name, env) => {
    await using own = await startApp({ env });
    for (const asked of failures) {
      const { body } = await askRaw(own.url, asked);
      expect(body).toContain('"reason"');
      expect(body).not.toMatch(/"stack"|\\n +at |node_modules|\.ts\b/);
    }
  });

  it('is included in development', async () => {
    await using own = await startApp({ env: { NODE_ENV: 'development' } });
    for (const asked of failures.slice(0, 4)) {
      const { body } = await askRaw(own.url, asked);
      expect(body).toMatch(/"stack":"(App|TRPC)Error: .*\\n +at /);
    }
  });
});

it('a rate-limit error has a Retry-After in the header and in the error', async () => {
  await using own = await startApp();
  own.authService.fault('*', { kind: 'status', status: 503 });
  const { access } = await own.authService.issue({ type: 'staff', id: 123 });
  const headers = { cookie: `access_token=${access}` };
  const asked = queryTarget('users.byId', { json: { id: 1 } });
  const answer = await askRaw(own.url, { target: asked, headers });
  const error = errorOf(answer);
  expect(error).toMatchObject({ httpStatus: 503, reason: 'auth_service_unavailable' });
  expect(error.retryAfterSeconds).toBeGreaterThan(0);
  expect(answer.headers['retry-after']).toBe(String(error.retryAfterSeconds));
});
