import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { createAuthClient, errorData, reasonOf, type User } from '../../../client/src/index.ts';
import { createTestBff, type TestBff, type TestBffOptions, testError } from '../../../client/src/testing.ts';

const john = { id: 123, type: 'staff', email: 'john@example.com', fullName: 'John Doe' } as const;
const user = (id: number): User => ({
  id,
  email: `user${id}@example.com`,
  firstName: 'John',
  lastName: 'Doe',
  companyId: null,
  department: null,
  position: null,
  isActive: true,
  joinedAt: new Date('2024-01-02T00:00:00Z'),
  systems: [],
  roles: [],
});

/** A client of a test BFF, in which John is signed in. */
const openClient = (options: TestBffOptions = {}) => {
  const bff = createTestBff({ session: john, procedures: { users: { byId: ({ id }) => user(id) } }, ...options });
  const onSignedOut = vi.fn<() => void>();
  const client = createAuthClient({ url: '/trpc', fetch: bff.fetch, retry: false, onSignedOut });
  return { bff, onSignedOut, ...client, [Symbol.dispose]: () => client.session.dispose() };
};
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  );
const pathsOf = (bff: TestBff): string[] => bff.calls.map(({ path }) => path);

describe('a client of the test BFF', () => {
  it('gets typed outputs with Date objects, in one batch', async () => {
    using page = openClient();
    const [first, second] = await Promise.all([
      page.trpc.users.byId.query({ id: 1 }),
      page.trpc.users.byId.query({ id: 2 }),
    ]);
    expect([first, second]).toEqual([user(1), user(2)]);
    expect(page.bff.calls).toEqual([
      { path: 'users.byId', type: 'query', input: { id: 1 } },
      { path: 'users.byId', type: 'query', input: { id: 2 } },
    ]);
  });

  it('uses a relative URL outside a browser, and any origin and path before the procedure', async () => {
    const bff = createTestBff({ session: john });
    for (const url of ['/trpc', 'https://a.test/trpc', 'https://a.test/api/trpc/', 'https://a.test/bff']) {
      const { trpc, session } = createAuthClient({ url, fetch: bff.fetch, retry: false });
      expect((await trpc.session.me.query()).user).toEqual(john);
      session.dispose();
    }
  });

  it('refreshes once after expire(), and repeats its calls', async () => {
    using page = openClient();
    await page.session.load();
    page.bff.expire();
    await Promise.all([page.trpc.users.byId.query({ id: 1 }), page.trpc.users.byId.query({ id: 2 })]);
    expect(pathsOf(page.bff)).toEqual([
      'session.current',
      'users.byId',
      'users.byId',
      'session.refresh',
      'users.byId',
      'users.byId',
    ]);
    expect(page.onSignedOut).not.toHaveBeenCalled();
  });

  it('is signed out after signOut()', async () => {
    using page = openClient();
    await page.session.load();
    page.bff.signOut();
    expect(reasonOf(await failureOf(page.trpc.users.byId.query({ id: 1 })))).toBe('session_ended');
    expect(page.session.current.state).toBe('signed_out');
    expect(page.onSignedOut).toHaveBeenCalledTimes(1);
    await expect(page.session.refresh()).rejects.toThrow('ended');
  });

  it('sees another person after signIn()', async () => {
    using page = openClient();
    await page.session.load();
    page.bff.signIn({ id: 7, type: 'employee' });
    expect(reasonOf(await failureOf(page.trpc.users.byId.query({ id: 1 })))).not.toBeNull();
    expect(page.session.current).toMatchObject({ state: 'changed', user: { id: 7, type: 'employee' } });
  });

  it('signs in with any password, as the known person with this e-mail address', async () => {
    const bff = createTestBff();
    bff.signIn(john);
    bff.signOut();
    const { trpc, session } = createAuthClient({ url: '/trpc', fetch: bff.fetch });
    const known = await trpc.session.login.mutate({ email: 'John@example.com', password: 'any' });
    expect(known).toMatchObject({ status: 'signed_in', session: { user: john } });
    const unknown = await trpc.session.login.mutate({ email: 'new@example.com', password: 'any', as: 'employee' });
    expect(unknown).toMatchObject({ session: { user: { id: 1, type: 'employee', email: 'new@example.com' } } });
    await session.signOut();
    expect(session.current.state).toBe('signed_out');
    session.dispose();
  });

  it('signs in with a second factor if the login of the test asks for it', async () => {
    const bff = createTestBff({
      session: null,
      procedures: { session: { login: () => ({ status: 'otp_required', challenge: 'c' }) } },
    });
    const { trpc, session } = createAuthClient({ url: '/trpc', fetch: bff.fetch });
    await trpc.session.login.mutate({ email: 'a@example.com', password: 'any' });
    expect((await session.load()).state).toBe('signed_out');
    await trpc.session.verifyOtp.mutate({ challenge: 'c', code: '123456' });
    expect(session.current).toMatchObject({ state: 'signed_in', user: { email: 'a@example.com' } });
    session.dispose();
  });

  it('gets another challenge with each new code that it has sent', async () => {
    const bff = createTestBff();
    const { trpc, session } = createAuthClient({ url: '/trpc', fetch: bff.fetch });
    const { challenge } = await trpc.session.resendOtp.mutate({ challenge: 'c' });
    const again = await trpc.session.resendOtp.mutate({ challenge });
    expect(new Set(['c', challenge, again.challenge]).size).toBe(3);
    session.dispose();
  });

  it('is signed out by logoutEverywhere, with the same effects as by a sign-out', async () => {
    using page = openClient();
    await page.session.load();
    const states: string[] = [];
    page.session.subscribe(({ state }) => void states.push(state));
    await page.trpc.session.logoutEverywhere.mutate();
    expect(states).toEqual(['signed_out']);
    expect(page.onSignedOut).toHaveBeenCalledTimes(1);
    expect(reasonOf(await failureOf(page.trpc.users.byId.query({ id: 1 })))).toBe('no_token');
  });

  it('continues its session after a logoutEverywhere that got no response', async () => {
    using page = openClient();
    await page.session.load();
    page.bff.fail('session.logoutEverywhere', 'network');
    expect(reasonOf(await failureOf(page.trpc.session.logoutEverywhere.mutate()))).toBe('network');
    expect(page.session.current).toMatchObject({ state: 'signed_in', user: john });
    expect(page.onSignedOut).not.toHaveBeenCalled();
  });

  it('has the systems and roles that the test gave', async () => {
    const roles = [{ system: 'TTS', role: 'Admin' }];
    using page = openClient({ session: { ...john, roles, lifetimeSeconds: 60 }, now: () => 1e12 });
    expect(await page.trpc.session.me.query()).toMatchObject({ systems: ['TTS'], roles });
    const { headers } = await page.bff.fetch('/trpc/session.me');
    expect(headers.get('x-session-expires-in')).toBe('60');
    expect(headers.get('x-session-refresh-in')).toBe('30');
  });

  it('expires by the clock of the test', async () => {
    let nowMs = 1_000_000;
    const bff = createTestBff({ session: john, now: () => nowMs });
    nowMs += 900_000;
    expect((await bff.fetch('/trpc/session.me')).status).toBe(401);
  });
});

describe('fail', () => {
  it('lets each call of one procedure fail until null', async () => {
    using page = openClient();
    page.bff.fail('users.byId', 'user_not_found');
    for (let call = 0; call < 2; call += 1) {
      expect(reasonOf(await failureOf(page.trpc.users.byId.query({ id: 1 })))).toBe('user_not_found');
    }
    page.bff.fail('users.byId', null);
    expect(await page.trpc.users.byId.query({ id: 1 })).toEqual(user(1));
  });

  it('of * with network is an outage, which signs nobody out', async () => {
    using page = openClient();
    await page.session.load();
    page.bff.fail('*', 'network');
    expect(reasonOf(await failureOf(page.trpc.users.byId.query({ id: 1 })))).toBe('network');
    expect(reasonOf(await failureOf(page.session.refresh()))).toBe('network');
    await expect(page.bff.fetch('/trpc/users.byId')).rejects.toThrow(TypeError);
    page.bff.fail('*', null);
    expect(await page.trpc.users.byId.query({ id: 1 })).toEqual(user(1));
    expect(page.session.current.state).toBe('signed_in');
    expect(page.onSignedOut).not.toHaveBeenCalled();
  });

  it('takes an error with the seconds to wait, which are in the data and the header', async () => {
    using page = openClient();
    page.bff.fail('users.byId', testError('rate_limited', { retryAfterSeconds: 7, message: 'Slow.' }));
    const error = await failureOf(page.trpc.users.byId.query({ id: 1 }));
    expect(errorData(error)).toEqual({
      code: 'TOO_MANY_REQUESTS',
      httpStatus: 429,
      reason: 'rate_limited',
      path: 'users.byId',
      retryAfterSeconds: 7,
    });
    const response = await page.bff.fetch('/trpc/users.byId');
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
  });

  it('refuses a path or a reason that does not exist', () => {
    const { fail } = createTestBff();
    // @ts-expect-error There is no such procedure.
    expect(() => fail('users.byIdd', 'internal')).toThrow(
      'fail: the BFF has no procedure users.byIdd. It has session.c',
    );
    // @ts-expect-error There is no such reason.
    expect(() => fail('users.byId', 'not_found')).toThrow('There is no reason "not_found". The reasons are: network, ');
    // @ts-expect-error There is no such reason.
    expect(() => testError('toString')).toThrow('There is no reason "toString"');
    // @ts-expect-error A reason is required.
    expect(() => fail('users.byId')).toThrow('There is no reason undefined');
  });
});

describe('a mistake in a test is named by the error, when', () => {
  const messageOf = async (byId: (input: { id: number }) => unknown): Promise<unknown> => {
    using page = openClient({ procedures: { users: { byId: byId as (input: { id: number }) => User } } });
    const error = await failureOf(page.trpc.users.byId.query({ id: 1 }));
    return [reasonOf(error), (error as Error).message];
  };

  it('a procedure throws something else than testError', async () => {
    const thrower = (thrown: unknown) => () => {
      throw thrown;
    };
    expect(await messageOf(thrower(new RangeError('boom')))).toEqual([
      'internal',
      'procedures.users.byId threw RangeError: boom.',
    ]);
    expect(await messageOf(thrower('user_not_found'))).toEqual([
      'internal',
      `procedures.users.byId threw "user_not_found". Throw testError('user_not_found') instead.`,
    ]);
    expect(await messageOf(thrower(null))).toEqual(['internal', 'procedures.users.byId threw null.']);
    expect(await messageOf(() => Promise.reject(testError('user_not_found')))).toEqual([
      'user_not_found',
      'User not found.',
    ]);
  });

  it('a procedure returns undefined', async () => {
    expect(await messageOf(() => undefined)).toEqual([
      'internal',
      'procedures.users.byId returned undefined. Return the output of users.byId.',
    ]);
  });

  it('a procedure is missing', async () => {
    using page = openClient({ procedures: {} });
    const error = await failureOf(page.trpc.users.byId.query({ id: 1 }));
    expect(reasonOf(error)).toBe('no_such_procedure');
    expect((error as Error).message).toBe('The test BFF has no users.byId: add it to the procedures of createTestBff.');
  });

  it('procedures has something that the router has not', () => {
    const create = (procedures: unknown) => () => createTestBff({ procedures } as TestBffOptions);
    expect(create({ users: { byIdd: () => null } })).toThrow('procedures: the BFF has no procedure users.byIdd.');
    expect(create({ user: { byId: () => null } })).toThrow('the BFF has no procedure user.byId.');
    expect(create({ constructor: { name: () => null } })).toThrow('the BFF has no procedure constructor.name.');
    expect(create({ users: { byId: user(1) } })).toThrow('procedures.users.byId must be a function.');
    expect(create({ status: 5 })).toThrow('procedures.status must be an object');
    expect(create(null)).toThrow('procedures must be an object');
  });

  it('a person is none', () => {
    expect(() => createTestBff({ session: { id: 0, type: 'staff' } })).toThrow('id of a person');
    expect(() => createTestBff({ session: { id: 1, type: 'admin' as 'staff' } })).toThrow("'staff' or 'employee'");
    expect(() => createTestBff({ session: { ...john, lifetimeSeconds: 0 } })).toThrow('lifetimeSeconds');
    expect(() => createTestBff().expire()).toThrow('nobody is signed in');
  });
});

describe('fetch of the test BFF', () => {
  const { fetch } = createTestBff({ session: john });
  const headers = { 'content-type': 'application/json', 'x-csrf': '1' };
  const post = { method: 'post', headers, body: '{}' };

  it('takes a string, a URL and a Request, with and without init', async () => {
    const url = 'https://a.test/trpc/session.refresh';
    const inputs: [string | URL | Request, RequestInit?][] = [
      [url, post],
      [new URL(url), post],
      [new Request(url, { ...post, method: 'POST' })],
      [new Request(url), post],
      [url, { ...post, body: new Blob(['{}']) }],
      ['/trpc/session.refresh', post],
    ];
    for (const [input, init] of inputs) expect((await fetch(input, init)).status).toBe(200);
  });

  it('answers a GET without a session as the BFF answers a visitor', async () => {
    const response = await createTestBff().fetch('/trpc/session.me');
    expect([response.status, response.headers.get('x-session-user')]).toEqual([401, null]);
  });

  it('keeps the request id of the caller, and numbers the others', async () => {
    const bff = createTestBff();
    const idOf = async (init?: RequestInit) => (await bff.fetch('/trpc/session.me', init)).headers.get('x-request-id');
    expect(await idOf({ headers: { 'x-request-id': 'mine' } })).toBe('mine');
    expect(await idOf({ headers: { 'x-request-id': 'not one' } })).toBe('test-2');
  });

  it('rejects with the reason of an aborted signal, also while a procedure runs', async () => {
    const controller = new AbortController();
    const bff = createTestBff({ session: john, procedures: { users: { byId: () => new Promise(() => {}) } } });
    const pending = bff.fetch('/trpc/users.byId', { signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toBe(controller.signal.reason);
    await expect(bff.fetch('/trpc/session.me', { signal: controller.signal })).rejects.toBe(controller.signal.reason);
    expect(pathsOf(bff)).toEqual(['users.byId']);
  });
});

describe('the state of a test BFF', () => {
  it('is its own', async () => {
    const [one, other] = [createTestBff({ session: john }), createTestBff()];
    one.fail('*', 'overloaded');
    await one.fetch('/trpc/session.me');
    expect((await other.fetch('/trpc/session.current')).status).toBe(200);
    expect([pathsOf(one), pathsOf(other)]).toEqual([['session.me'], ['session.current']]);
  });

  it('is that of the options after reset(), with the same array of calls', async () => {
    const { calls, ...bff } = createTestBff({ session: john });
    bff.signOut();
    bff.fail('session.me', 'overloaded');
    await bff.fetch('/trpc/session.me');
    expect(calls).toHaveLength(1);
    bff.reset();
    expect(calls).toEqual([]);
    expect((await bff.fetch('/trpc/session.me')).status).toBe(200);
    expect(calls).toHaveLength(1);
  });

  it('has calls whose input is typed by their path', () => {
    const { calls } = createTestBff();
    const inputs = calls.flatMap((call) => (call.path === 'users.byId' ? [call.input] : []));
    expectTypeOf(inputs).toEqualTypeOf<{ id: number }[]>();
  });
});
