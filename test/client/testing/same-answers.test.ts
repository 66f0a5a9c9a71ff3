import { deserialize, serialize } from 'superjson';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestBff, type TestBff, testError } from '../../../client/src/testing.ts';
import { procedureRules } from '../../../client/src/testing/procedure-rules.ts';
import { appRouter } from '../../../server/src/api/router.ts';
import { policy } from '../../../server/src/api/policy.ts';
import { type Browser, createBrowser } from '../../support/app/browser.ts';
import { john, johnsCredentials } from '../../support/app/people.ts';
import { createClock, startApp, type TestApp } from '../../support/app/start-app.ts';

type Step = { path: string; init?: RequestInit } | 'expiry' | 'sign-out elsewhere' | 'sign-in';

const inputOf = (input: unknown) => encodeURIComponent(JSON.stringify(serialize(input)));
const query = (path: string, input?: unknown): Step => ({
  path: input === undefined ? path : `${path}?input=${inputOf(input)}`,
});
const json = { 'content-type': 'application/json', 'x-csrf': '1' };
const post = (path: string, body: string, headers: Record<string, string> = json): Step => ({
  path,
  init: { method: 'POST', headers, body },
});
const mutation = (path: string, input?: unknown): Step => post(path, JSON.stringify(serialize(input)));
const toBatchInput = (inputs: unknown[]) =>
  Object.fromEntries(inputs.flatMap((one, index) => (one === undefined ? [] : [[index, serialize(one)]])));
const batch = (paths: string[], inputs: unknown[] = []): Step => ({
  path: `${paths.join(',')}?batch=1&input=${encodeURIComponent(JSON.stringify(toBatchInput(inputs)))}`,
});
const postBatch = (paths: string[], inputs: unknown[] = []): Step =>
  post(`${paths.join(',')}?batch=1`, JSON.stringify(toBatchInput(inputs)));
const { email, password } = johnsCredentials;

const byId = query('users.byId', { id: 123 });
const me = query('session.me');
const current = query('session.current');
const refresh = mutation('session.refresh');
const validate = query('session.validate');

/** Each begins with a visitor. */
const scenarios: Record<string, Step[]> = {
  'a visitor asks': [current, me, byId, validate, query('users.me'), refresh, mutation('session.logout')],
  'a signed-in person asks': ['sign-in', current, me, byId, validate, query('users.me')],
  'a person signs in and out': [
    mutation('session.login', { email, password }),
    current,
    mutation('session.logout'),
    current,
    me,
    refresh,
  ],
  'an empty form is sent': [mutation('session.login', { email: '', password: '' }), current],
  'the Auth Service refuses the sign-in': [
    mutation('session.login', { email: 'nobody@example.com', password: 'wrong-pass-1' }),
  ],
  'the session is refreshed': ['sign-in', refresh, me],
  'the access token has expired': ['sign-in', 'expiry', me, byId, current, validate, refresh, me, current],
  'a person signs out everywhere': ['sign-in', mutation('session.logoutEverywhere'), current, me, refresh],
  'a sign-out everywhere needs a session': [
    mutation('session.logoutEverywhere'),
    postBatch(['session.logoutEverywhere', 'session.refresh']),
    'sign-in',
    'expiry',
    mutation('session.logoutEverywhere'),
    current,
  ],
  'the person signs out after the expiry': ['sign-in', 'expiry', mutation('session.logout'), me, current],
  'the session was ended elsewhere': ['sign-in', 'sign-out elsewhere', me, byId, current, validate, refresh, me],
  'calls are batched': [
    'sign-in',
    batch(['users.byId', 'session.me'], [{ id: 123 }]),
    batch(['users.byId', 'users.byId'], [{ id: 123 }, { id: 999_999 }]),
    batch(['users.byId', 'users.none'], [{ id: 999_999 }]),
    batch(['users.none', 'users.byId'], [undefined, { id: 123 }]),
    batch(['users.none']),
    batch(['users.byId'], [{ id: 123 }]),
  ],
  'a visitor sends a batch': [
    batch(['session.current', 'session.me', 'users.byId'], [undefined, undefined, { id: 123 }]),
  ],
  'session mutations are batched': [
    'sign-in',
    postBatch(['session.logout', 'session.refresh']),
    postBatch(['session.refresh', 'assignments.next'], [undefined, { system: 'BMS', role: 'Admin' }]),
    me,
    postBatch(['session.refresh']),
  ],
  'a batch mixes types': [
    'sign-in',
    batch(['users.byId', 'session.logout']),
    postBatch(['session.me', 'session.logout']),
  ],
  'a batch has 50 or 51 calls': [
    'sign-in',
    batch(Array.from({ length: 50 }, () => 'session.me')),
    batch(Array.from({ length: 51 }, () => 'session.me')),
  ],
  'procedures do not exist': [
    'sign-in',
    query('users.none'),
    query('nothing'),
    query('__proto__'),
    query('constructor.name'),
    query('users.__proto__'),
    query('users.constructor'),
    query('toString'),
    query('users'),
    query('users/byId'),
    query('users.byId/'),
    query('users%2FbyId'),
    query(''),
    query('users.byId,users.byId'),
    query('%zz'),
    query('users.byId%3Finput={}'),
    query('%00'),
  ],
  'the method is wrong': [
    'sign-in',
    mutation('users.byId', { id: 123 }),
    query('session.logout'),
    { path: 'users.byId', init: { method: 'PUT', headers: json, body: '{}' } },
    { path: 'users.byId', init: { method: 'DELETE' } },
    { path: 'session.me', init: { method: 'HEAD' } },
    me,
  ],
  'a POST is not as the BFF wants it': [
    'sign-in',
    post('session.logout', '{}', { 'content-type': 'application/json', 'x-csrf': '0' }),
    post('session.logout', '{}', { 'content-type': 'text/plain', 'x-csrf': '1' }),
    post('session.logout', '{}', { 'content-type': 'application/json; charset=utf-8', 'x-csrf': '1' }),
  ],
  'the input is malformed': [
    'sign-in',
    { path: 'users.byId?input={' },
    { path: 'users.byId?batch=1&input={' },
    { path: 'users.byId?batch=1&input=[]' },
    post('session.login', '{"json":'),
    post('session.login', '{"json":{"email":"","password":"x"}}'),
    post('session.login', 'not json'),
  ],
  'the request is too large': [
    'sign-in',
    query('users.byId', { id: 1, filler: 'x'.repeat(12_000) }),
    mutation('session.login', { email, password: 'x'.repeat(100_000) }),
  ],
};

/** The answer as a client sees it. Request ids are random, unless the caller sends one. */
const toAnswer = async (response: Response) => {
  const text = await response.text();
  const names = [
    'cache-control',
    'allow',
    'retry-after',
    'x-session-user',
    'x-session-expires-in',
    'x-session-refresh-in',
  ];
  const read = (call: { result?: { data: never }; error?: never }) =>
    call.error === undefined ? { data: deserialize(call.result?.data as never) } : { error: deserialize(call.error) };
  const body = text === '' ? null : (JSON.parse(text) as Parameters<typeof read>[0] | Parameters<typeof read>[0][]);
  return {
    status: response.status,
    headers: Object.fromEntries(names.map((name) => [name, response.headers.get(name)])),
    type: text === '' ? null : response.headers.get('content-type')?.split(';')[0],
    hasRequestId: response.headers.has('x-request-id'),
    body: Array.isArray(body) ? body.map(read) : body === null ? null : read(body),
  };
};

type Answer = Awaited<ReturnType<typeof toAnswer>>;

describe('the test BFF and a real BFF give the same answers when', () => {
  const clock = createClock();
  let app: TestApp;
  let user: Awaited<ReturnType<Browser['trpc']['users']['byId']['query']>>;
  let ownRecord: Awaited<ReturnType<Browser['trpc']['users']['me']['query']>>;
  let session: Awaited<ReturnType<Browser['trpc']['session']['me']['query']>>;

  beforeAll(async () => {
    app = await startApp({ now: clock.now });
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue(john));
    session = await browser.trpc.session.me.query();
    ownRecord = await browser.trpc.users.me.query();
    user = await browser.trpc.users.byId.query({ id: john.id });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  const createPair = () => {
    const testSession = { ...session.user, systems: session.systems, roles: session.roles };
    const bff: TestBff = createTestBff({
      now: clock.now,
      procedures: {
        users: {
          me: () => ownRecord,
          byId: ({ id }) => {
            if (id !== john.id) throw testError('user_not_found');
            return user;
          },
        },
        assignments: {
          next: () => {
            throw testError('insufficient_permissions');
          },
        },
        session: {
          login: (input) => {
            if (input.email !== email) throw testError('bad_credentials');
            return { status: 'signed_in', session: bff.signIn(testSession) };
          },
        },
      },
    });
    const browser = createBrowser({ url: app.url });
    return {
      bff,
      browser,
      signIn: async () => {
        browser.holdTokens(await app.authService.issue(john));
        bff.signIn(testSession);
      },
      signOutElsewhere: async () => {
        const elsewhere = createBrowser({ url: app.url });
        elsewhere.holdTokens({
          access: browser.cookies.get('access_token'),
          refresh: browser.cookies.get('refresh_token'),
        });
        await elsewhere.trpc.session.logout.mutate();
        bff.signOut();
      },
    };
  };

  it.each(Object.entries(scenarios))('%s', async (_title, steps) => {
    const { bff, browser, signIn, signOutElsewhere } = createPair();
    const seen: { step: Step; real: Answer; fake: Answer }[] = [];
    for (const step of steps) {
      if (step === 'sign-in') await signIn();
      else if (step === 'expiry') clock.advance(900_000);
      else if (step === 'sign-out elsewhere') await signOutElsewhere();
      else {
        const { path, init } = step;
        const [real, fake] = await Promise.all([
          browser.fetch(`${app.url}/trpc/${path}`, init).then(toAnswer),
          bff.fetch(`https://app.test/trpc/${path}`, init).then(toAnswer),
        ]);
        seen.push({ step, real, fake });
      }
    }
    expect(seen.map(({ step, fake }) => ({ step, answer: fake }))).toEqual(
      seen.map(({ step, real }) => ({ step, answer: real })),
    );
  });
});

describe('the procedures of the test BFF', () => {
  it('are those of the router, with their types, and open to the people of the policy', () => {
    const procedures = Object.entries<{ _def: { type: string } }>(appRouter._def.procedures as never);
    const rules = procedures.map(
      ([
        path,
        {
          _def: { type },
        },
      ]) => [path, { type, who: policy[path]?.who }],
    );
    expect(procedureRules).toEqual(Object.fromEntries(rules));
  });
});
