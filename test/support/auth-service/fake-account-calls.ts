import type { AccountCalls } from '../../../server/src/auth-service/account/account-calls.ts';
import { AppError } from '../../../server/src/errors.ts';

type CallName = keyof AccountCalls;
type Arguments<Name extends CallName> = Parameters<AccountCalls[Name]>;

export const rightPassword = 'the right pass-word 1';
export const rightCode = '246810';

export const wrongAt = (path: string): AppError =>
  new AppError('invalid_input', { issues: [{ path, message: 'Wrong.' }] });

const check = (isRight: boolean, error: AppError): Promise<void> =>
  isRight ? Promise.resolve() : Promise.reject(error);

const done = (): Promise<void> => Promise.resolve();

/** An Auth Service with one password and one code for everybody, and no limit of its own. */
const defaults = {
  changePassword: ({ currentPassword }: Arguments<'changePassword'>[0]) =>
    check(currentPassword === rightPassword, wrongAt('currentPassword')),
  enableSecondFactor: (password: string) => check(password === rightPassword, wrongAt('password')),
  async disableSecondFactor({ password, code }: Arguments<'disableSecondFactor'>[0]) {
    await check(password === rightPassword, wrongAt('password'));
    await check(code === null || code === rightCode, new AppError('otp_invalid'));
  },
  requestCode: done,
  requestPasswordReset: done,
  resetPassword: ({ token }: Arguments<'resetPassword'>[0]) =>
    check(token.startsWith('right'), new AppError('reset_link_invalid')),
  resendCode: done,
} satisfies Partial<AccountCalls>;

/**
 * Replaces the calls of the Auth Service about accounts, for tests of what stands before them: limits, times, logs. For the
 * option `accountCalls` of `startApp`.
 */
export const createFakeAccountCalls = () => {
  let own: Partial<AccountCalls> = {};
  let counts = new Map<CallName, number>();
  const call = (name: CallName, args: unknown[]): unknown => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const found = own[name] ?? (defaults as Partial<AccountCalls>)[name];
    if (found === undefined) throw new Error(`The fake has no ${name}.`);
    return (found as (...given: unknown[]) => unknown)(...args);
  };
  const names: readonly CallName[] = [
    ...(Object.keys(defaults) as CallName[]),
    'profile',
    'updateProfile',
    'setPicture',
  ];
  return {
    calls: Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(name, args)])) as AccountCalls,
    /** Replaces some calls until the next `reset`. */
    use: (calls: Partial<AccountCalls>) => {
      own = { ...own, ...calls };
    },
    count: (name: CallName): number => counts.get(name) ?? 0,
    reset: () => {
      own = {};
      counts = new Map();
    },
  };
};
