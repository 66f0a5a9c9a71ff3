import type { AppRouter } from '@auth-bff/server';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';

export type Inputs = inferRouterInputs<AppRouter>;
export type Outputs = inferRouterOutputs<AppRouter>;

/** The path of a procedure of the BFF, such as `users.byId`. */
export type ProcedurePath = {
  [Router in keyof Inputs]: `${Router}.${keyof Inputs[Router] & string}`;
}[keyof Inputs];

export type ProcedureRule = {
  type: 'query' | 'mutation' | 'subscription';
  /** Who may call it. The BFF checks some inputs as well; the test BFF does not. */
  who: 'anyone' | 'signed_in' | 'staff';
};

/** The procedures of the BFF. The server is not part of this package, so a test compares them with its router. */
export const procedureRules = {
  'session.current': { type: 'query', who: 'anyone' },
  'session.me': { type: 'query', who: 'signed_in' },
  'session.login': { type: 'mutation', who: 'anyone' },
  'session.verifyOtp': { type: 'mutation', who: 'anyone' },
  'session.resendOtp': { type: 'mutation', who: 'anyone' },
  'session.refresh': { type: 'mutation', who: 'anyone' },
  'session.logout': { type: 'mutation', who: 'anyone' },
  'session.logoutEverywhere': { type: 'mutation', who: 'signed_in' },
  'session.validate': { type: 'query', who: 'anyone' },
  'session.onEnd': { type: 'subscription', who: 'signed_in' },

  'account.profile': { type: 'query', who: 'signed_in' },
  'account.updateProfile': { type: 'mutation', who: 'signed_in' },
  'account.changePassword': { type: 'mutation', who: 'signed_in' },
  'account.requestPasswordReset': { type: 'mutation', who: 'anyone' },
  'account.resetPassword': { type: 'mutation', who: 'anyone' },
  'account.secondFactor': { type: 'mutation', who: 'signed_in' },

  'users.me': { type: 'query', who: 'signed_in' },
  'users.byId': { type: 'query', who: 'staff' },
  'users.byIds': { type: 'query', who: 'staff' },
  'users.byCompanyId': { type: 'query', who: 'staff' },
  'users.byRole': { type: 'query', who: 'staff' },

  'employees.byId': { type: 'query', who: 'signed_in' },

  'assignments.candidates': { type: 'query', who: 'staff' },
  'assignments.next': { type: 'mutation', who: 'staff' },
  'assignments.peek': { type: 'query', who: 'staff' },
  'assignments.onTurn': { type: 'subscription', who: 'staff' },
  'assignments.reassign': { type: 'mutation', who: 'staff' },
  'assignments.rotation': { type: 'query', who: 'staff' },
  'assignments.history': { type: 'query', who: 'staff' },
  'assignments.setAvailability': { type: 'mutation', who: 'staff' },
  'assignments.reset': { type: 'mutation', who: 'staff' },

  'status.get': { type: 'query', who: 'anyone' },
} as const satisfies Record<ProcedurePath, ProcedureRule>;

/** By path. A Map, because paths come from requests: `constructor` is the path of no procedure. */
export const rules: ReadonlyMap<string, ProcedureRule> = new Map(Object.entries(procedureRules));

/** Throws a TypeError for a path that is not one of a procedure. `what`: where the path was given. */
export const assertProcedurePath = (path: string, what: string): void => {
  if (rules.has(path)) return;
  throw new TypeError(`${what}: the BFF has no procedure ${path}. It has ${[...rules.keys()].join(', ')}.`);
};
