import { beforeEach, describe, expect, it } from 'vitest';
import { AppError, type AppErrorOptions } from '../../../server/src/errors.ts';
import type { Reason } from '../../../shared/src/index.ts';
import { type Browser, errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { john, johnsCredentials } from '../../support/app/people.ts';
import { createClock, startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import {
  createFakeAccountCalls,
  rightCode,
  rightPassword,
  wrongAt,
} from '../../support/auth-service/fake-account-calls.ts';
import { atOnce } from '../../support/time/timers.ts';

const fake = createFakeAccountCalls();
beforeEach(() => fake.reset());

const newPassword = 'another pass-word 2';
const minuteMs = 60_000;

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    accountCalls: fake.calls,
    startAnswerTimer: atOnce,
    ...options,
  });
  const signedIn = async (id: number = john.id, type: 'staff' | 'employee' = 'staff') => {
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type, id }));
    return browser;
  };
  return { ...app, clock, signedIn, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
type Test = Awaited<ReturnType<typeof start>>;

const endOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: { data?: { reason?: string } }) => error.data?.reason ?? 'no reason',
  );
const change = ({ trpc }: Browser, currentPassword = 'wrong') =>
  endOf(trpc.account.changePassword.mutate({ currentPassword, newPassword }));
const enable = ({ trpc }: Browser, password = 'wrong') =>
  endOf(trpc.account.secondFactor.mutate({ action: 'enable', password }));
const disable = ({ trpc }: Browser, password = rightPassword, code = '000000') =>
  endOf(trpc.account.secondFactor.mutate({ action: 'disable', password, code }));

/** The ends of some calls, one after the other. */
const inTurn = async (calls: number, call: (index: number) => Promise<string>): Promise<string[]> => {
  const ends: string[] = [];
  for (let index = 0; index < calls; index += 1) ends.push(await call(index));
  return ends;
};
const countOf = async (test: Test, limit: string): Promise<number> => {
  const metrics = await fetch(`${await test.listenOps()}/metrics`).then((answer) => answer.text());
  const line = metrics.split('\n').find((one) => one.startsWith(`auth_bff_rate_limited_total{limit="${limit}"}`));
  return Number(line?.split(' ')[1]);
};

describe('a password that a signed-in person types', () => {
  it('may be wrong five times in 15 minutes in all browsers together, and then even the right one is rate_limited', async () => {
    await using test = await start();
    const [one, other] = [await test.signedIn(), await test.signedIn()];
    expect(await inTurn(5, (index) => change(index % 2 === 0 ? one : other))).toEqual(
      Array<string>(5).fill('invalid_input'),
    );
    const limited = await errorDataOf(
      other.trpc.account.changePassword.mutate({ currentPassword: rightPassword, newPassword }),
    );
    expect(limited).toMatchObject({ code: 'TOO_MANY_REQUESTS', reason: 'rate_limited', retryAfterSeconds: 900 });
    expect(other.lastAnswer().headers.get('retry-after')).toBe('900');
    expect([await enable(one, rightPassword), await disable(one, rightPassword, rightCode)]).toEqual([
      'rate_limited',
      'rate_limited',
    ]);
    expect(fake.count('changePassword') + fake.count('enableSecondFactor') + fake.count('disableSecondFactor')).toBe(5);
    expect(await countOf(test, 'password')).toBe(3);

    test.clock.advance(15 * minuteMs);
    const later = await test.signedIn();
    expect(await change(later, rightPassword)).toBe('done');
  });

  it('may be wrong five times in all, whatever procedure it is typed for', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    const kinds = [change, enable, (own: Browser) => disable(own, 'wrong'), change, enable, disable];
    expect(await inTurn(6, (index) => kinds[index]?.(browser) ?? Promise.resolve(''))).toEqual([
      ...Array<string>(5).fill('invalid_input'),
      'rate_limited',
    ]);
  });

  it('limits neither another person, nor the employee with the same number, nor the sign-in of the person', async () => {
    await using test = await start();
    await inTurn(6, async () => change(await test.signedIn(1)));
    expect(await change(await test.signedIn(2), rightPassword)).toBe('done');
    expect(await change(await test.signedIn(1, 'employee'), rightPassword)).toBe('done');
    await inTurn(6, async () => change(await test.signedIn(john.id)));
    expect(await endOf(test.browser().trpc.session.login.mutate(johnsCredentials))).toBe('done');
  });

  it('reaches the Auth Service five times if a script sends twenty guesses at once', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    const ends = await Promise.all(Array.from({ length: 20 }, () => change(browser)));
    expect(ends.filter((end) => end === 'invalid_input')).toHaveLength(5);
    expect(ends.filter((end) => end === 'rate_limited')).toHaveLength(15);
    expect(fake.count('changePassword')).toBe(5);
  });

  const noGuesses: Array<[string, Reason, AppErrorOptions?]> = [
    ['an outage', 'auth_service_unavailable', { upstream: 503 }],
    ['a timeout', 'auth_service_unavailable', { upstream: 'no_response' }],
    ['an overload', 'overloaded'],
    ['a missing endpoint', 'not_supported'],
    ['a fault of the new password alone', 'invalid_input', { issues: [{ path: 'newPassword', message: 'Common.' }] }],
  ];
  it.each(noGuesses)('does not count after %s', async (_name, reason, options) => {
    await using test = await start();
    const browser = await test.signedIn();
    fake.use({ changePassword: () => Promise.reject(new AppError(reason, options)) });
    expect(await inTurn(8, () => change(browser))).toEqual(Array<string>(8).fill(reason));
  });

  it('does not count if it is right', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    expect(await inTurn(8, () => change(browser, rightPassword))).toEqual(Array<string>(8).fill('done'));
  });

  it.each<[string, AppError]>([
    ['an unreadable response', new AppError('auth_service_contract')],
    ['a refusal that names no field', new AppError('invalid_input', { issues: [] })],
    [
      'a refusal that names the new password as well',
      new AppError('invalid_input', {
        issues: [...(wrongAt('newPassword').issues ?? []), ...(wrongAt('currentPassword').issues ?? [])],
      }),
    ],
  ])('counts after %s', async (_name, error) => {
    await using test = await start();
    const browser = await test.signedIn();
    fake.use({ changePassword: () => Promise.reject(error) });
    expect((await inTurn(6, () => change(browser))).at(-1)).toBe('rate_limited');
  });
});

describe('a code that turns the second factor off', () => {
  const limitOfCodes = 10;

  it('counts together with the codes of the sign-in', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    expect(await inTurn(limitOfCodes + 1, () => disable(browser))).toEqual([
      ...Array<string>(limitOfCodes).fill('otp_invalid'),
      'rate_limited',
    ]);
    expect(await countOf(test, 'second_factor')).toBe(1);
    // The right password was not held against the person, and the next window is as good as new.
    expect(await change(browser, rightPassword)).toBe('done');
    test.clock.advance(10 * minuteMs);
    expect(await disable(await test.signedIn(), rightPassword, rightCode)).toBe('done');
  });

  it('does not count if the password was wrong, which only counts as a password', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    await inTurn(5, () => disable(browser, 'wrong'));
    test.clock.advance(15 * minuteMs);
    const again = await test.signedIn();
    expect(await inTurn(limitOfCodes, () => disable(again))).toEqual(Array<string>(limitOfCodes).fill('otp_invalid'));
  });

  it('is mailed five times in 10 minutes; failures that sent nothing do not count', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    const request = () => endOf(browser.trpc.account.secondFactor.mutate({ action: 'requestCode' }));
    fake.use({
      requestCode: () => Promise.reject(new AppError('auth_service_unavailable', { upstream: 'unreachable' })),
    });
    await inTurn(6, request);
    fake.use({ requestCode: () => Promise.resolve() });
    expect(await inTurn(6, request)).toEqual([...Array<string>(5).fill('done'), 'rate_limited']);
    expect(await countOf(test, 'second_factor_mail')).toBe(1);
    test.clock.advance(10 * minuteMs);
    const later = await test.signedIn();
    expect(await endOf(later.trpc.account.secondFactor.mutate({ action: 'requestCode' }))).toBe('done');
  });

  it('counts as mailed after a timeout and a 500, because the mail may have been sent before', async () => {
    await using test = await start();
    const browser = await test.signedIn();
    const request = () => endOf(browser.trpc.account.secondFactor.mutate({ action: 'requestCode' }));
    fake.use({ requestCode: () => Promise.reject(new AppError('auth_service_unavailable', { upstream: 500 })) });
    expect((await inTurn(6, request)).at(-1)).toBe('rate_limited');
  });
});

describe('a mail with a reset link', () => {
  const behindProxy = { env: { TRUST_PROXY: '1' } };
  const requester = (test: Test, address: string) => {
    const { trpc } = test.browser({ headers: { 'x-forwarded-for': address } });
    return (email: string) => endOf(trpc.account.requestPasswordReset.mutate({ email }));
  };

  it('goes to one address three times in 10 minutes from one network, however the address is spelled', async () => {
    await using test = await start(behindProxy);
    const request = requester(test, '203.0.113.1');
    expect(
      await inTurn(4, (index) =>
        request(['ana@example.com', 'ANA@example.com', 'aná@example.com', 'ana@example.com'][index] ?? ''),
      ),
    ).toEqual(['done', 'done', 'done', 'rate_limited']);
    expect(await request('ben@example.com')).toBe('done');
    expect(await requester(test, '203.0.113.2')('ana@example.com')).toBe('done');
    const { trpc } = test.browser({ headers: { 'x-forwarded-for': '203.0.113.1' } });
    const limited = await errorDataOf(trpc.account.requestPasswordReset.mutate({ email: 'ana@example.com' }));
    expect(limited).toMatchObject({ reason: 'rate_limited', retryAfterSeconds: 600 });
    expect(fake.count('requestPasswordReset')).toBe(5);
  });

  it('is requested 30 times in 10 minutes from one network', async () => {
    await using test = await start(behindProxy);
    // All addresses of an IPv6 customer are one network.
    const ends = await inTurn(31, (index) => requester(test, `2001:db8:1:2::${index}`)(`person-${index}@example.com`));
    expect(ends).toEqual([...Array<string>(30).fill('done'), 'rate_limited']);
    expect(await countOf(test, 'password_reset_mail')).toBe(1);
  });

  it('goes to one address ten times in an hour from all networks together', async () => {
    await using test = await start(behindProxy);
    const request = (index: number) => requester(test, `203.0.113.${index}`)('ana@example.com');
    expect(await inTurn(11, request)).toEqual([...Array<string>(10).fill('done'), 'rate_limited']);
    test.clock.advance(60 * minuteMs);
    expect(await request(20)).toBe('done');
  });

  it('counts the same if the Auth Service fails, so that the limit tells nothing about the address', async () => {
    await using test = await start();
    const request = requester(test, 'no proxy is trusted');
    fake.use({
      requestPasswordReset: () => Promise.reject(new AppError('auth_service_unavailable', { upstream: 500 })),
    });
    expect(await inTurn(4, () => request('ana@example.com'))).toEqual(['done', 'done', 'done', 'rate_limited']);
  });

  it('does not count if the call never reached the Auth Service', async () => {
    await using test = await start();
    const request = requester(test, 'no proxy is trusted');
    fake.use({ requestPasswordReset: () => Promise.reject(new AppError('overloaded')) });
    expect(await inTurn(4, () => request('ana@example.com'))).toEqual(Array<string>(4).fill('overloaded'));
  });
});

describe('the token of a reset link', () => {
  it('may be wrong 20 times in 10 minutes from one network; a right one does not count', async () => {
    await using test = await start({ env: { TRUST_PROXY: '1' } });
    const reset = (token: string, address = '203.0.113.1') =>
      endOf(
        test
          .browser({ headers: { 'x-forwarded-for': address } })
          .trpc.account.resetPassword.mutate({ token, newPassword }),
      );
    expect(await inTurn(25, (index) => reset(`right-token-${index}`))).toEqual(Array<string>(25).fill('done'));
    expect(await inTurn(21, (index) => reset(`wrong-token-${index}`))).toEqual([
      ...Array<string>(20).fill('reset_link_invalid'),
      'rate_limited',
    ]);
    expect(await reset('right-token-1', '203.0.113.2')).toBe('done');
    expect(await countOf(test, 'password_reset')).toBe(1);
    expect(await reasonOf(test.browser().trpc.account.resetPassword.mutate({ token: 'short', newPassword }))).toBe(
      'invalid_input',
    );
  });
});
