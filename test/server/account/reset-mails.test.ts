import { beforeEach, describe, expect, it } from 'vitest';
import { HostRefusedError } from '../../../server/src/auth-service/account/host-refused-error.ts';
import { AppError } from '../../../server/src/errors.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import { createTimers } from '../../support/time/timers.ts';
import { createFakeAccountCalls } from '../../support/auth-service/fake-account-calls.ts';

const fake = createFakeAccountCalls();
beforeEach(() => fake.reset());

const email = 'ana@example.com';

const start = async (options: StartAppOptions = {}) => {
  const timers = createTimers();
  let opsUrl: Promise<string> | null = null;
  const app = await startApp({ ...options, accountCalls: fake.calls, startAnswerTimer: timers.start });
  /** Resolves when the Auth Service was called. */
  const called = (call: () => Promise<void>): Promise<void> =>
    new Promise((resolve) => {
      fake.use({
        requestPasswordReset: () => {
          resolve();
          return call();
        },
      });
    });
  return {
    ...app,
    timers,
    called,
    /** The Auth Service answers when the test says so. */
    held: () => {
      let end = () => {};
      const until = new Promise<void>((resolve) => {
        end = resolve;
      });
      return { called: called(() => until), end: () => end() };
    },
    request: (input = { email }) => app.browser().trpc.account.requestPasswordReset.mutate(input),
    failures: () => app.logLines.filter(({ msg }) => String(msg).startsWith('A password-reset mail was probably')),
    mails: async (outcome: string) => {
      opsUrl ??= app.listenOps();
      const text = await fetch(`${await opsUrl}/metrics`).then((answer) => answer.text());
      return Number(
        new RegExp(`^auth_bff_password_reset_mails_total\\{outcome="${outcome}"\\} (\\d+)`, 'm').exec(text)?.[1],
      );
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

/** Whether the promise is settled after everything that can happen without a timer has happened. */
const isSettled = async (promise: Promise<unknown>, settledElsewhere: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  void promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await settledElsewhere;
  return settled;
};

describe('account.requestPasswordReset', () => {
  it('answers a second after the call and not before, even if the Auth Service has answered', async () => {
    await using test = await start();
    const called = test.called(() => Promise.resolve());
    const answer = test.request();
    await called;
    // A whole other request is served meanwhile.
    expect(await isSettled(answer, test.browser().trpc.status.get.query())).toBe(false);
    test.timers.fire();
    expect(await answer).toBeNull();
    expect(test.timers.fired()).toEqual([1_000]);
    expect(await test.mails('accepted')).toBe(1);
  });

  it('answers at the same moment if the Auth Service has not answered yet, and goes on in the background', async () => {
    await using test = await start();
    const { called, end } = test.held();
    const answer = test.request();
    await called;
    test.timers.fire();
    expect(await answer).toBeNull();
    expect(await test.mails('accepted')).toBe(0);
    end();
    await test.browser().trpc.status.get.query();
    expect(await test.mails('accepted')).toBe(1);
  });

  it.each([
    ['a 500', new AppError('auth_service_unavailable', { upstream: 500, cause: `status 500 for ${email}` })],
    ['a 503', new AppError('auth_service_unavailable', { upstream: 503 })],
    ['a 429', new AppError('auth_service_unavailable', { upstream: 429 })],
    ['no response', new AppError('auth_service_unavailable', { upstream: 'no_response' })],
    ['a closed connection', new AppError('auth_service_unavailable', { upstream: 'connection_closed' })],
    ['an unreadable response', new AppError('auth_service_contract')],
    ['an unknown fault', new TypeError(`about ${email}`)],
  ])(
    'answers like a success after %s, logs it once for the operator without the address, and counts it',
    async (_name, error) => {
      await using test = await start();
      const called = test.called(() => Promise.reject(error));
      const answer = test.request();
      await called;
      await test.browser().trpc.status.get.query();
      test.timers.fire();
      expect(await answer).toBeNull();
      expect(test.failures()).toMatchObject([{ level: 50, requestId: expect.any(String) }]);
      expect(JSON.stringify(test.logLines)).not.toContain('ana@');
      expect(await test.mails('failed')).toBe(1);
    },
  );

  it('answers like a success if the Auth Service refuses the address, which it logs nowhere', async () => {
    await using test = await start();
    const error = new AppError('invalid_input', { issues: [{ path: 'email', message: 'Enter a valid address.' }] });
    const called = test.called(() => Promise.reject(error));
    const answer = test.request();
    await called;
    test.timers.fire();
    expect(await answer).toBeNull();
    await test.browser().trpc.status.get.query();
    expect(test.failures()).toEqual([]);
    expect(await test.mails('refused')).toBe(1);
  });

  it.each([
    ['an open breaker', 'auth_service_unavailable', new AppError('auth_service_unavailable')],
    [
      'no connection',
      'auth_service_unavailable',
      new AppError('auth_service_unavailable', { upstream: 'unreachable' }),
    ],
    ['an overload', 'overloaded', new AppError('overloaded')],
    ['a missing endpoint', 'not_supported', new AppError('not_supported')],
    ['a refused host', 'auth_service_contract', new HostRefusedError('auth_service_contract')],
  ])(
    'tells the caller at the moment of the answer about %s, which concerns every address',
    async (_name, reason, error) => {
      await using test = await start();
      const called = test.called(() => Promise.reject(error));
      const answer = reasonOf(test.request());
      await called;
      expect(await isSettled(answer, test.browser().trpc.status.get.query())).toBe(false);
      test.timers.fire();
      expect(await answer).toBe(reason);
      expect(test.failures()).toEqual([]);
      expect(await test.mails('unsent')).toBe(1);
    },
  );

  it('logs a failed connection that shows only after the answer', async () => {
    await using test = await start();
    let fail = (_error: Error) => {};
    const called = test.called(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    const answer = test.request();
    await called;
    test.timers.fire();
    expect(await answer).toBeNull();
    fail(new AppError('auth_service_unavailable', { upstream: 'unreachable' }));
    await test.browser().trpc.status.get.query();
    expect(test.failures()).toHaveLength(1);
  });

  it('refuses an input that is no address at once, and without a call', async () => {
    await using test = await start();
    expect(await reasonOf(test.request({ email: 'no address' }))).toBe('invalid_input');
    expect(test.timers.fired()).toEqual([]);
    expect(fake.count('requestPasswordReset')).toBe(0);
  });

  it('refuses a request over the limit at once', async () => {
    await using test = await start();
    for (let asked = 0; asked < 3; asked += 1) await test.timers.fireUntil(test.request());
    expect(await reasonOf(test.request())).toBe('rate_limited');
  });

  it('has 200 calls in progress at most, and rejects others as overloaded', async () => {
    await using test = await start({ env: { TRUST_PROXY: '1' }, drainMs: 0 });
    fake.use({ requestPasswordReset: () => new Promise(() => {}) });
    const request = (index: number) =>
      test
        .browser({ headers: { 'x-forwarded-for': `203.0.113.${index}` } })
        .trpc.account.requestPasswordReset.mutate({ email: `person-${index}@example.com` });
    for (let part = 0; part < 10; part += 1) {
      await test.timers.fireUntil(Promise.all(Array.from({ length: 20 }, (_, index) => request(part * 20 + index))));
    }
    expect(await errorDataOf(request(201))).toMatchObject({ reason: 'overloaded', retryAfterSeconds: 1 });
    // A stop waits for them no longer than two seconds.
    const closing = test.app.close();
    await test.timers.fireUntil(closing);
    expect(test.timers.fired().at(-1)).toBe(2_000);
  });

  it('is waited for at a stop of the BFF, so that the mail is sent', async () => {
    await using test = await start();
    const { called, end } = test.held();
    const answer = test.request();
    await called;
    test.timers.fire();
    await answer;
    const closing = test.app.close();
    expect(await isSettled(closing, new Promise((resolve) => void setImmediate(resolve)))).toBe(false);
    end();
    await closing;
    expect(test.timers.fired()).toEqual([1_000]);
  });
});
