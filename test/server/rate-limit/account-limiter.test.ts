import { describe, expect, it } from 'vitest';
import { AppError, type AppErrorOptions, isAppError } from '../../../server/src/errors.ts';
import {
  type AccountLimit,
  type AccountLimiter,
  createAccountLimiter,
} from '../../../server/src/rate-limit/account-limiter.ts';
import { createAttemptLimiter } from '../../../server/src/rate-limit/attempt-limiter.ts';
import { createMemoryAttemptCounter } from '../../../server/src/rate-limit/memory-attempt-counter.ts';
import type { Reason } from '../../../shared/src/index.ts';
import { createClock } from '../../support/app/start-app.ts';

const minuteMs = 60_000;
type Outcome = AppError | null;
type Send = (limiter: AccountLimiter, outcome: Outcome) => Promise<unknown>;

const toCall = (outcome: Outcome) => () => (outcome === null ? Promise.resolve('sent') : Promise.reject(outcome));
const issueAt = (...paths: string[]) =>
  new AppError('invalid_input', { issues: paths.map((path) => ({ path, message: 'No.' })) });

const password =
  (type: 'staff' | 'employee', id: number): Send =>
  (limiter, outcome) =>
    limiter.password({ person: { type, id }, path: 'currentPassword' }, toCall(outcome));
const code =
  (type: 'staff' | 'employee', id: number): Send =>
  (limiter, outcome) =>
    limiter.requestCode({ type, id }, toCall(outcome));
const resent =
  (as: 'staff' | 'employee', email: string): Send =>
  (limiter, outcome) =>
    limiter.resendCode({ as, email }, toCall(outcome));
const mail =
  (email: string, address: string): Send =>
  (limiter, outcome) =>
    limiter.resetMail({ email, address }, toCall(outcome));
const reset =
  (address: string | undefined): Send =>
  (limiter, outcome) =>
    limiter.resetPassword({ address }, toCall(outcome));
const disable =
  (id: number, email: string | null): Send =>
  (limiter, outcome) =>
    limiter.passwordWithCode({ person: { type: 'staff', id }, email, hasCode: true }, toCall(outcome));

const wrongPassword = issueAt('currentPassword');
const wrongCode = new AppError('otp_invalid');

type Rule = {
  name: string;
  limit: AccountLimit | null;
  /** The attempt with this index, counted from 0. All fall into one window. */
  attempt: (index: number) => Send;
  counted: Outcome;
  max: number;
  windowMs: number;
  /** Attempts with a window of their own. */
  others: Send[];
};

const rules: Rule[] = [
  {
    name: 'wrong passwords of a person',
    limit: 'password',
    attempt: () => password('staff', 1),
    counted: wrongPassword,
    max: 5,
    windowMs: 15 * minuteMs,
    others: [password('staff', 2), password('employee', 1), code('staff', 1)],
  },
  {
    name: 'mails with a code for a signed-in person',
    limit: 'second_factor_mail',
    attempt: () => code('staff', 1),
    counted: null,
    max: 5,
    windowMs: 10 * minuteMs,
    others: [code('staff', 2), code('employee', 1), resent('staff', '1'), password('staff', 1)],
  },
  {
    name: 'mails with a code during the sign-ins of an account, however it is spelled',
    limit: 'second_factor_mail',
    attempt: (index) => resent('staff', ['ana@example.com', 'ANA@example.com', 'aná@example.com'][index % 3] ?? ''),
    counted: null,
    max: 5,
    windowMs: 10 * minuteMs,
    others: [resent('staff', 'ben@example.com'), resent('employee', 'ana@example.com'), code('staff', 1)],
  },
  {
    name: 'reset mails from a network',
    limit: 'password_reset_mail',
    attempt: (index) => mail(`person-${index}@example.com`, 'one'),
    counted: null,
    max: 30,
    windowMs: 10 * minuteMs,
    others: [mail('person-0@example.com', 'two'), reset('one')],
  },
  {
    name: 'reset mails for an address from a network, however it is spelled',
    limit: 'password_reset_mail',
    attempt: (index) => mail(['ana@example.com', 'ANA@example.com'][index % 2] ?? '', 'one'),
    counted: null,
    max: 3,
    windowMs: 10 * minuteMs,
    others: [mail('ben@example.com', 'one'), mail('ana@example.com', 'two')],
  },
  {
    name: 'reset mails for an address from all networks, however it is spelled',
    limit: 'password_reset_mail',
    attempt: (index) => mail(['ana@example.com', 'ANA@example.com'][index % 2] ?? '', `network ${index}`),
    counted: null,
    max: 10,
    windowMs: 60 * minuteMs,
    others: [mail('ben@example.com', 'network 1')],
  },
  {
    name: 'wrong tokens from a network',
    limit: 'password_reset',
    attempt: () => reset('one'),
    counted: new AppError('reset_link_invalid'),
    max: 20,
    windowMs: 10 * minuteMs,
    others: [reset('two'), reset(undefined), mail('ana@example.com', 'one')],
  },
  {
    name: 'wrong codes of a person whose e-mail address is unknown',
    limit: null,
    attempt: () => disable(1, null),
    counted: wrongCode,
    max: 10,
    windowMs: 10 * minuteMs,
    others: [disable(2, null), disable(1, 'ana@example.com')],
  },
];

const start = () => {
  const clock = createClock();
  const limited: AccountLimit[] = [];
  const shared = {
    createCounter: () => createMemoryAttemptCounter({ now: clock.now }),
    keyHasher: (label: string, value: string) => `${label} ${value}`,
    networkOf: (address: string) => address,
  };
  const limiter = createAccountLimiter({
    ...shared,
    attemptLimiter: createAttemptLimiter(shared),
    onLimited: (limit) => limited.push(limit),
  });
  const endOf = async (send: Send, outcome: Outcome): Promise<string> => {
    try {
      await send(limiter, outcome);
      return 'sent';
    } catch (error) {
      return error === outcome ? 'sent' : isAppError(error) ? `${error.reason} ${error.retryAfterSeconds}` : 'unknown';
    }
  };
  return { clock, limited, endOf };
};

describe.each(rules)('$name', ({ limit, attempt, counted, max, windowMs, others }) => {
  const fill = async ({ endOf }: ReturnType<typeof start>) => {
    for (let index = 0; index < max; index += 1) expect(await endOf(attempt(index), counted)).toBe('sent');
  };

  it(`number ${max} in ${windowMs / minuteMs} minutes, and the next one is told when the window ends`, async () => {
    const test = start();
    await fill(test);
    test.clock.advance(windowMs - 1_000);
    expect(await test.endOf(attempt(max), null)).toBe('rate_limited 1');
    expect(test.limited).toEqual(limit === null ? [] : [limit]);
    test.clock.advance(1_000);
    expect(await test.endOf(attempt(max), counted)).toBe('sent');
  });

  it('limit nothing else', async () => {
    const test = start();
    await fill(test);
    for (const other of others) expect(await test.endOf(other, null)).toBe('sent');
  });

  it('do not count what was never sent', async () => {
    const test = start();
    for (let index = 0; index <= max; index += 1) await test.endOf(attempt(0), new AppError('overloaded'));
    await fill(test);
    expect(test.limited).toEqual([]);
  });
});

/** For each limit by its first rule: whether an outcome counts. */
const outcomes: Array<[rule: string, outcome: Outcome, counts: boolean]> = [];
const add = (rule: string, counts: boolean, ...list: Array<Outcome | [Reason, AppErrorOptions?]>) => {
  for (const one of list) outcomes.push([rule, Array.isArray(one) ? new AppError(...one) : one, counts]);
};
const noVerdict: Array<[Reason, AppErrorOptions?]> = [
  ['overloaded'],
  ['auth_service_unavailable'],
  ['auth_service_unavailable', { upstream: 503 }],
  ['auth_service_unavailable', { upstream: 'no_response' }],
];
const unsent: Array<[Reason, AppErrorOptions?]> = [
  ['overloaded'],
  ['auth_service_unavailable'],
  ['auth_service_unavailable', { upstream: 'unreachable' }],
  ['not_supported'],
];
const maybeSent: Array<[Reason, AppErrorOptions?]> = [
  ['auth_service_unavailable', { upstream: 500 }],
  ['auth_service_unavailable', { upstream: 'no_response' }],
  ['auth_service_contract'],
];
const passwords = rules[0]?.name ?? '';
add(passwords, false, null, ...noVerdict, ['not_supported'], ['session_ended'], ['otp_invalid'], ['rate_limited']);
add(passwords, false, issueAt('newPassword'));
add(passwords, true, wrongPassword, issueAt('newPassword', 'currentPassword'), issueAt(), ['auth_service_contract']);
for (const codes of rules.slice(1, 3).map(({ name }) => name)) {
  add(codes, false, ...unsent, ['invalid_input'], ['session_ended'], ['otp_expired']);
  add(codes, true, null, ...maybeSent);
}
for (const mails of rules.slice(3, 6).map(({ name }) => name)) {
  add(mails, false, ...unsent);
  add(mails, true, null, ...maybeSent, ['invalid_input']);
}
add(rules[6]?.name ?? '', false, null, ...noVerdict, ['not_supported']);
add(rules[6]?.name ?? '', true, ['reset_link_invalid'], ['auth_service_contract'], ['invalid_input']);

it('each outcome counts or is released, as its limit says', async () => {
  const mistakes: string[] = [];
  for (const [name, outcome, counts] of outcomes) {
    const rule = rules.find((one) => one.name === name);
    if (rule === undefined) throw new Error(`There is no rule ${name}.`);
    const test = start();
    // The last place of the window.
    for (let index = 0; index < rule.max - 1; index += 1) await test.endOf(rule.attempt(index), rule.counted);
    await test.endOf(rule.attempt(rule.max - 1), outcome);
    const isLimited = (await test.endOf(rule.attempt(rule.max), null)) !== 'sent';
    if (isLimited !== counts) mistakes.push(`${name}: ${outcome?.reason ?? 'success'} ${outcome?.upstream ?? ''}`);
  }
  expect(mistakes).toEqual([]);
});
