import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serialize } from 'superjson';
import type { ErrorData } from '../../../shared/src/index.ts';
import { unstorableIssuesOf } from '../../../server/src/api/unstorable-text.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { postHeaders, type RawAnswer, sendLines } from '../../support/app/raw-request.ts';
import { startApp, type TestApp } from '../../support/app/start-app.ts';
import { inputsText, procedures, technicians } from '../../support/trpc-corpus/calls.ts';

const noNul = 'Expected text without NUL characters';
const noSurrogate = 'Expected text without unpaired surrogates';

type Answered = { error?: { message: string; data: ErrorData }; result?: unknown };
type Told = Answered | { error: { json: Answered['error'] } };

/** The `data` of the error in an answer, as superjson or a stream has it. */
const dataOf = (told: unknown): ErrorData | null => {
  const { error } = told as { error?: { json?: { data: ErrorData }; data?: ErrorData } };
  return error?.json?.data ?? error?.data ?? null;
};

const start = async (officialAdapter: boolean) => {
  const app = await startApp({ officialAdapter });
  const { access } = await app.authService.issue({ type: 'staff', id: 123 });
  const headers = { cookie: `access_token=${access}` };
  const raw = createRawConnections(app.url);
  const ask = (path: string, inputs: string, more: Record<string, string> = {}, batch = ''): Promise<RawAnswer> =>
    procedures[path.split(',')[0] ?? ''] === 'mutation'
      ? raw.ask({
          method: 'POST',
          target: `/trpc/${path}${batch === '' ? '' : `?${batch}`}`,
          headers: { ...postHeaders, ...headers, ...more },
          body: inputs,
        })
      : raw.ask({
          target: `/trpc/${path}?${batch === '' ? '' : `${batch}&`}input=${encodeURIComponent(inputs)}`,
          headers: { ...headers, ...more },
        });
  return { app, ask, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
const written = (json: unknown): string => JSON.stringify(serialize(json));
const read = ({ body }: RawAnswer): Told => JSON.parse(body) as Told;

const faults: Array<[name: string, input: unknown, path: string, message: string]> = [
  ['a NUL character', { role: 'a\0b' }, 'role', noNul],
  ['a high surrogate', { role: '\ud800' }, 'role', noSurrogate],
  ['a low surrogate', { role: 'a\udc00b' }, 'role', noSurrogate],
  ['a pair the wrong way round', { role: '\udc00\ud800' }, 'role', noSurrogate],
  ['text in the depth', { ids: [1, { role: ['a', ['\0']] }] }, 'ids.1.role.1.0', noNul],
  ['a key', { '\0': 1 }, '…', 'Expected a key without NUL characters'],
  ['a key in the depth', [{ 'a\ud800': 1 }], '0.…', 'Expected a key without unpaired surrogates'],
  ['a member that no input has', { 'Zq8-kept-secret': '\0' }, '…', noNul],
  ['such a member in the depth', { role: [{ 'Zq8-kept-secret': { role: '\0' } }] }, 'role.0.….role', noNul],
  ['the input itself', '\0', '', noNul],
  ['a date beside it', { at: new Date(0), role: '\0' }, 'role', noNul],
];

describe.each([
  ['by the handler of the BFF', false],
  ['by the adapter of tRPC', true],
])('text that no service can store, answered %s', (_name, officialAdapter) => {
  let test: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    test = await start(officialAdapter);
  });
  beforeEach(() => test.app.authService.resetCalls());
  afterAll(() => test[Symbol.asyncDispose]());

  it.each(faults)(
    'is invalid_input for every procedure, before anything is asked: %s',
    async (...[, input, path, message]) => {
      const expected = {
        status: 400,
        code: 'BAD_REQUEST',
        reason: 'invalid_input',
        issues: [{ path, message }],
        cookies: [],
      };
      const different: unknown[] = [];
      for (const procedure of Object.keys(procedures)) {
        const answer = await test.ask(procedure, written(input));
        const { code, reason, path: called, issues } = dataOf(read(answer)) ?? {};
        const told = { status: answer.status, code, reason, called, issues, cookies: answer.setCookies };
        if (!isDeepStrictEqual(told, { ...expected, called: procedure })) different.push(told);
      }
      expect(different).toEqual([]);
      expect(test.app.authService.count()).toBe(0);
    },
  );

  it('fails only the call of a batch that is at fault', async () => {
    const inputs = inputsText([{ id: 5 }, { ...technicians, role: 'x\0' }, { id: 12 }]);
    const answer = await test.ask('users.byId,users.byRole,users.byId', inputs, {}, 'batch=1');
    expect(answer.status).toBe(207);
    const told = read(answer) as unknown as Answered[];
    expect(told.map((one) => dataOf(one)?.reason)).toEqual([undefined, 'invalid_input', undefined]);
    expect(test.app.authService.count('round-robin')).toBe(0);
  });

  it('fails only the call of a batch of mutations that is at fault', async () => {
    const inputs = inputsText([technicians, { ...technicians, key: '\ud800' }]);
    const answer = await test.ask('assignments.next,assignments.next', inputs, {}, 'batch=1');
    const told = read(answer) as unknown as Answered[];
    expect(told.map((one) => dataOf(one)?.reason)).toEqual([undefined, 'invalid_input']);
  });

  it('fails only the call of a stream that is at fault', async () => {
    const inputs = inputsText([{ id: 5 }, { ...technicians, role: '\ud800' }]);
    const streamed = { 'trpc-accept': 'application/jsonl' };
    const answer = await test.ask('users.byId,users.byRole', inputs, streamed, 'batch=1');
    expect(answer.status).toBe(200);
    expect(answer.body.match(/"reason":"\w+"/g)).toEqual(['"reason":"invalid_input"']);
    expect(answer.body).toContain('kwame.mensah@example.com');
    expect(test.app.authService.count('round-robin')).toBe(0);
  });

  it('is no well-formed text beyond ASCII', async () => {
    const answer = await test.ask('users.byRole', written({ ...technicians, role: 'Zoë 😀 \u2028 \ufffd \uffff' }));
    expect([answer.status, test.app.authService.count('round-robin')]).toEqual([200, 1]);
  });
});

describe('an address', () => {
  let app: TestApp;
  let raw: ReturnType<typeof createRawConnections>;
  beforeAll(async () => {
    app = await startApp({ env: { CORS_ORIGINS: 'https://tts.example.org' } });
    raw = createRawConnections(app.url);
  });
  beforeEach(() => app.authService.resetCalls());
  afterAll(() => app[Symbol.asyncDispose]());

  it.each([
    ['/trpc/%00', 'path', noNul],
    ['/trpc/users.byId%00', 'path', noNul],
    ['/trpc/%ED%A0%80', 'path', 'Expected percent-encoded UTF-8'],
    ['/trpc/%ed%bf%bf', 'path', 'Expected percent-encoded UTF-8'],
    ['/no/such/%00', 'path', noNul],
    ['/trpc/status.get?%00', 'query', noNul],
    ['/trpc/status.get?x=1&role=a%00b', 'query.role', noNul],
    ['/trpc/status.get?key=%ED%A0%80', 'query.key', noSurrogate],
    ['/trpc/status.get?Zq8-kept-secret=%eD%Bf%bF&x=1', 'query', noSurrogate],
    ['/trpc/status.get?input=%7B%22json%22%3A%22%00%22%7D', 'query.input', noNul],
    ['/trpc/status.get?batch=1&input=%7B%220%22%3A%22%ED%B0%80%22%7D', 'query.input', noSurrogate],
    ['/health/live?x=%00', 'query', noNul],
  ])('is invalid_input with such text: %s', async (target, path, message) => {
    const answer = await raw.ask({ target });
    expect(answer.status).toBe(400);
    expect(dataOf(read(answer))).toMatchObject({ reason: 'invalid_input', issues: [{ path, message }] });
    expect(app.authService.count()).toBe(0);
  });

  it('is none with well-formed text', async () => {
    for (const query of ['x=%ED%9F%BF', 'x=%EE%80%80', 'x=%F0%9F%98%80', 'x=%2500', 'x=%01']) {
      expect((await raw.ask({ target: `/trpc/status.get?${query}` })).status).toBe(200);
    }
  });

  it('is refused in a way that an allowed origin can read', async () => {
    const headers = { origin: 'https://tts.example.org' };
    const answer = await raw.ask({ target: '/trpc/status.get?x=%00', headers });
    expect(answer.headers['access-control-allow-origin']).toBe('https://tts.example.org');
  });
});

describe('a header', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  beforeEach(() => app.authService.resetCalls());
  afterAll(() => app[Symbol.asyncDispose]());

  const lines = (header: string) =>
    sendLines(app.url, ['GET /trpc/session.me HTTP/1.1', 'host: a', header, 'connection: close', '', '']);
  /** The bytes that would be an unpaired surrogate, if UTF-8 had surrogates. */
  const surrogate = Buffer.from([0xed, 0xa0, 0x80]).toString('latin1');

  it.each(['cookie: access_token=a\0b', 'authorization: Bearer a\0b', 'x-request-id: \0', 'x-odd: \0'])(
    'with a NUL is no HTTP: %j',
    async (header) => {
      const answer = await lines(header);
      expect(answer.status).toBe(400);
      expect(dataOf(read(answer))?.reason).toBe('invalid_input');
      expect(app.authService.count()).toBe(0);
    },
  );

  it.each(['local', 'remote'])(
    'with a token of such text is token_invalid, before anything is asked (%s)',
    async (way) => {
      const remote = { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789' };
      await using validating = await startApp({
        env: way === 'remote' ? { ...remote, DJANGO_JWT_SIGNING_KEY: '' } : {},
      });
      const raw = createRawConnections(validating.url);
      const { access } = await validating.authService.issue({ type: 'staff', id: 123 });
      for (const text of [surrogate, '%00', '%ED%A0%80', '\\u0000']) {
        for (const token of [text, `${access}${text}`, `${text}${access}`, access.replace('.', `${text}.`)]) {
          for (const headers of [{ cookie: `access_token=${token}` }, { authorization: `Bearer ${token}` }]) {
            const answer = await raw.ask({ target: '/trpc/session.me', headers });
            expect([answer.status, dataOf(read(answer))?.reason]).toEqual([401, 'token_invalid']);
          }
        }
      }
      expect(validating.authService.count()).toBe(0);
    },
  );

  it('that names the request is replaced with such text', async () => {
    for (const id of [surrogate, 'a%00', 'a\u0001']) {
      const answer = await lines(`x-request-id: ${id}`);
      expect(answer.headers['x-request-id'] ?? '').not.toContain(id);
    }
  });
});

describe('the issues of a JSON value', () => {
  it('are twenty at most', () => {
    expect(unstorableIssuesOf(Array.from({ length: 50 }, () => '\0'))).toHaveLength(20);
  });

  it('come in the order of the text', () => {
    const paths = unstorableIssuesOf({ id: '\0', ids: ['x', '\0'], key: { '\0': '\ud800' } }).map(({ path }) => path);
    expect(paths).toEqual(['id', 'ids.1', 'key.…', 'key.…']);
  });

  it('are found at any depth, with a path that ends', () => {
    const json: unknown = JSON.parse(`${'['.repeat(20_000)}"\\u0000"${']'.repeat(20_000)}`);
    const [issue] = unstorableIssuesOf(json);
    expect(issue?.path).toMatch(/^0(\.0)*\.?…$/);
    expect(issue?.path.length).toBeLessThan(300);
  });

  it('are none of what JSON says otherwise', () => {
    const json: unknown = JSON.parse('{"__proto__":{"a":[null,true,1,"x"]},"constructor":"é😀","":[]}');
    expect(unstorableIssuesOf(json)).toEqual([]);
    expect(unstorableIssuesOf(undefined)).toEqual([]);
  });

  it('are those of a member that is called __proto__', () => {
    expect(unstorableIssuesOf(JSON.parse('{"__proto__":"\\u0000"}'))).toEqual([{ path: '…', message: noNul }]);
  });
});
