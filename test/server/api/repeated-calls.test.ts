import { describe, expect, it } from 'vitest';
import { askRest } from '../../support/app/ask-rest.ts';
import { errorDataOf } from '../../support/app/browser.ts';
import { askRaw, postHeaders, written } from '../../support/app/raw-request.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';

const technicians = { system: 'TTS', role: 'Technician' };
type Headers = Record<string, string>;
type Answer = { assignee: { id: number } | null; replayed?: boolean };

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options, authService: { accessLifetimeSeconds: 1_000_000 } });
  const bearerOf = async (id: number) => {
    const { access } = await app.authService.issue({ type: 'staff', id });
    return { authorization: `Bearer ${access}` };
  };
  const [manager, other] = [await bearerOf(2), await bearerOf(51)];
  const claim = async (key: string) => {
    const body = written({ ...technicians, key });
    const headers = { ...postHeaders, ...manager };
    expect((await askRaw(app.url, { method: 'POST', target: '/trpc/assignments.next', headers, body })).status).toBe(
      200,
    );
  };
  await claim('T-1');
  await claim('T-2');
  return { app, clock, manager, other, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

/** Hands keys on, in one request. Returns the new assignee of each. */
type HandOn = (app: TestApp, headers: Headers, keys?: readonly string[]) => Promise<Array<number | null>>;

const overTrpc: HandOn = async (app, headers, keys = ['T-1']) => {
  const inputs = keys.map((key, index) => [index, { json: { ...technicians, key } }] as const);
  const { status, body } = await askRaw(app.url, {
    method: 'POST',
    target: `/trpc/${keys.map(() => 'assignments.reassign').join(',')}?batch=1`,
    headers: { ...postHeaders, ...headers },
    body: JSON.stringify(Object.fromEntries(inputs)),
  });
  expect([status, body]).toEqual([200, expect.any(String)]);
  const answers = JSON.parse(body) as Array<{ result: { data: { json: Answer } } }>;
  return answers.map(({ result }) => result.data.json.assignee?.id ?? null);
};
const overRest: HandOn = async (app, headers, keys = ['T-1']) =>
  Promise.all(
    keys.map(async (key) => {
      const path = '/assignments/TTS/Technician/reassign';
      const { status, json } = await askRest(app.url, { method: 'POST', path, headers, json: { key } });
      expect(status).toBe(200);
      return (json as Answer).assignee?.id ?? null;
    }),
  );

const ways: Array<{ way: string; handOn: HandOn; options: StartAppOptions }> = [
  { way: 'tRPC', handOn: overTrpc, options: {} },
  { way: "tRPC's own adapter", handOn: overTrpc, options: { officialAdapter: true } },
  { way: 'REST', handOn: overRest, options: {} },
];

describe.each(ways)('reassign over $way', ({ handOn, options }) => {
  it('hands on once for each x-idempotency-key of a person', async () => {
    await using test = await start(options);
    const headers = { ...test.manager, 'x-idempotency-key': 'a key: 1 ~' };
    expect(await handOn(test.app, headers)).toEqual([12]);
    expect(await handOn(test.app, headers)).toEqual([12]);
    // The key and not the request counts, for as long as the assignment is remembered.
    test.clock.advance(23 * 3_600_000);
    expect(await handOn(test.app, { ...headers, 'x-request-id': 'another-one' })).toEqual([12]);
    expect(await handOn(test.app, { ...headers, 'x-idempotency-key': 'a key: 2 ~' })).toEqual([23]);
    // A late repeat of the first call does not take the assignment back.
    expect(await handOn(test.app, headers)).toEqual([12]);
    expect(await handOn(test.app, { ...test.other, 'x-idempotency-key': 'a key: 1 ~' })).toEqual([123]);
  });

  it('hands each key on once for one x-idempotency-key', async () => {
    await using test = await start(options);
    const headers = { ...test.manager, 'x-idempotency-key': 'k' };
    const first = await handOn(test.app, headers, ['T-1', 'T-2']);
    expect(new Set(first).size).toBe(2);
    expect(await handOn(test.app, headers, ['T-1', 'T-2'])).toEqual(first);
    expect(await handOn(test.app, headers, ['T-2'])).toEqual(first.slice(1));
  });

  it('hands on once for each request id of a person within a minute, and again without one', async () => {
    await using test = await start(options);
    const headers = { ...test.manager, 'x-request-id': 'r-1' };
    expect(await handOn(test.app, headers)).toEqual([12]);
    test.clock.advance(59_000);
    expect(await handOn(test.app, headers)).toEqual([12]);
    expect(await handOn(test.app, { ...test.other, 'x-request-id': 'r-1' })).toEqual([23]);
    // Not a valid id: each request gets a new one.
    const invalid = { ...test.manager, 'x-request-id': 'r 1' };
    expect([...(await handOn(test.app, invalid)), ...(await handOn(test.app, invalid))]).toEqual([123, 5]);
  });

  it('hands on again for the same request id after a minute: some callers send one id with all requests', async () => {
    await using test = await start(options);
    const headers = { ...test.manager, 'x-request-id': 'constant' };
    expect(await handOn(test.app, headers)).toEqual([12]);
    test.clock.advance(60_000);
    expect(await handOn(test.app, headers)).toEqual([23]);
  });

  it('hands on once for two simultaneous requests', async () => {
    await using test = await start(options);
    const headers = { ...test.manager, 'x-idempotency-key': 'k' };
    const all = await Promise.all(Array.from({ length: 10 }, () => handOn(test.app, headers)));
    expect(all).toEqual(all.map(() => [12]));
  });
});

describe('x-idempotency-key', () => {
  it.each([
    ['empty', ''],
    ['of 201 characters', 'k'.repeat(201)],
    ['not ASCII', 'clé'],
    ['with a tab', 'a\tb'],
  ])('that is %s is refused, and nothing is handed on', async (_name, key) => {
    await using test = await start();
    const browser = test.app.browser({ headers: test.manager });
    const { assignments } = browser.trpc;
    const headers = { ...postHeaders, ...test.manager, 'x-idempotency-key': key };
    const target = '/trpc/assignments.reassign';
    const body = written({ ...technicians, key: 'T-1' });
    const { status, body: text } = await askRaw(test.app.url, { method: 'POST', target, headers, body });
    expect(status).toBe(400);
    const message = 'Expected 1 to 200 printable ASCII characters in the header x-idempotency-key';
    expect(text).toContain(message);
    expect(text).toContain('"reason":"invalid_input"');
    expect((await assignments.next.mutate({ ...technicians, key: 'T-1' })).assignee?.id).toBe(1);
    // Other procedures do not read it.
    const next = { method: 'POST', target: '/trpc/assignments.next', headers, body };
    expect((await askRaw(test.app.url, next)).status).toBe(200);
  });

  it('of a batch is for each of its calls, and a refusal of one call is not one of the others', async () => {
    await using test = await start();
    const browser = test.app.browser({ headers: { ...test.manager, 'x-idempotency-key': 'k' } });
    const { assignments } = browser.trpc;
    expect(await errorDataOf(assignments.reassign.mutate({ ...technicians, key: 'T-3' }))).toMatchObject({
      reason: 'assignment_not_found',
      httpStatus: 404,
    });
    expect((await assignments.next.mutate({ ...technicians, key: 'T-3' })).assignee?.id).toBe(12);
    // The refused call is not remembered.
    expect((await assignments.reassign.mutate({ ...technicians, key: 'T-3' })).assignee?.id).toBe(23);
  });

  it('may be sent by pages of the allowed origins', async () => {
    const origin = 'https://tts.example.org';
    await using test = await start({ env: { CORS_ORIGINS: origin } });
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-idempotency-key',
    };
    for (const target of ['/trpc/assignments.reassign', '/bff/api/assignments/TTS/Technician/reassign']) {
      const { status, headers } = await askRaw(test.app.url, { method: 'OPTIONS', target, headers: asked });
      expect([status, headers['access-control-allow-origin']]).toEqual([204, origin]);
      expect(headers['access-control-allow-headers']?.split(/, ?/)).toContain('x-idempotency-key');
    }
  });
});
