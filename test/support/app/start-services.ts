import { createServiceKey, toServiceEntry } from '../../../server/src/service-access/new-service-key.ts';
import { createClock, startApp, type StartAppOptions } from './start-app.ts';
import { johnsCredentials } from './people.ts';

/** Every procedure that needs the service account. */
export const accountProcedures = [
  'users.byId',
  'users.byIds',
  'users.byCompanyId',
  'users.byRole',
  'assignments.candidates',
  'assignments.next',
  'assignments.peek',
  'assignments.reassign',
  'assignments.rotation',
  'assignments.history',
  'assignments.setAvailability',
  'assignments.reset',
] as const;

export type StartServicesOptions = Omit<StartAppOptions, 'now' | 'monotonicNow'> & {
  /** The procedures of each service, by its name. Default: `desk` may call all that need the account, and employees.byId. */
  grants?: Readonly<Record<string, readonly string[]>>;
  /** Null: no service account. Default: a staff user. */
  account?: { email: string; password: string } | null;
};

/** Starts a BFF with services that call by their keys, and a clock that only the test advances. */
export const startServices = async (options: StartServicesOptions = {}) => {
  const { grants = { desk: [...accountProcedures, 'employees.byId'] }, account = johnsCredentials, ...rest } = options;
  const clock = createClock();
  const keys = new Map(Object.keys(grants).map((name) => [name, createServiceKey()]));
  const keyOf = (name: string): string => {
    const key = keys.get(name);
    if (key === undefined) throw new Error(`There is no service ${name}.`);
    return key;
  };
  const app = await startApp({
    ...rest,
    now: clock.now,
    monotonicNow: clock.now,
    env: {
      SERVICE_KEYS: Object.entries(grants)
        .map(([name, procedures]) => toServiceEntry(name, keyOf(name), procedures))
        .join(', '),
      ...(account === null ? {} : { SERVICE_ACCOUNT_EMAIL: account.email, SERVICE_ACCOUNT_PASSWORD: account.password }),
      ...rest.env,
    },
  });
  return {
    app,
    authService: app.authService,
    clock,
    keyOf,
    /** A client of a service. Default: `desk`. */
    service: (name = 'desk') => app.browser({ headers: { 'x-api-key': keyOf(name) } }),
    /** The errors of the service account in the log, without those of the calls that they fail. */
    accountErrors: () => app.logLines.filter(({ level, procedure }) => level === 50 && procedure === undefined),
    audits: () => app.logLines.filter(({ audit }) => audit !== undefined),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

export type TestServices = Awaited<ReturnType<typeof startServices>>;
