import { inSystem, type SystemRole } from '@auth-bff/shared';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Principal } from '../token/principal.ts';
import { mayAssign, mayReset, maySetAvailability } from './assignment-rules.ts';

/** What a rule may depend on. */
export type PolicyRequest = {
  principal: Principal;
  /** The principal with their systems, which are looked up if the token does not contain them. */
  member: () => MaybePromise<Principal>;
  /** The same with their roles, too. */
  memberWithRoles: () => MaybePromise<Principal>;
  /** ASSIGNMENT_ROLES. */
  assignmentRoles: readonly SystemRole[];
  /** The input of the call, validated by its schema. */
  input: unknown;
};

export type Rule = {
  /** Checked before the input is parsed. */
  who: 'anyone' | 'signed_in' | 'staff';
  /** Checked after the input is validated. */
  permits?: (request: PolicyRequest) => MaybePromise<boolean>;
  /**
   * Whether SERVICE_KEYS may grant the procedure. `account`: the Auth Service answers it only to people, so it needs the
   * service account. `own`: it needs nothing else. Default: a service cannot call it.
   *
   * Neither `who` nor `permits` applies to a service: its grant in SERVICE_KEYS is explicit, and covers all systems.
   */
  service?: 'account' | 'own';
};

const anyone: Rule = { who: 'anyone' };
const signedIn: Rule = { who: 'signed_in' };
const staffOrService: Rule = { who: 'staff', service: 'account' };

const staffOf =
  (systems: (input: unknown) => readonly string[]) =>
  async ({ principal, member, input }: PolicyRequest): Promise<boolean> => {
    if (principal.type !== 'staff') return false;
    const membership = await member();
    return systems(input).some((system) => inSystem(membership, system));
  };
const systemOfInput = (input: unknown) => [(input as { system: string }).system];
const isOwnEmployeeRecord = ({ principal, input }: PolicyRequest): boolean =>
  principal.type === 'employee' && principal.id === (input as { id: number }).id;

const staffOfInputSystem: Rule = { who: 'staff', permits: staffOf(systemOfInput), service: 'account' };

/** Who may call which procedure. A procedure without a rule cannot be called. */
export const policy: Readonly<Record<string, Rule>> = {
  'session.current': anyone,
  'session.me': signedIn,
  'session.login': anyone,
  'session.verifyOtp': anyone,
  'session.resendOtp': anyone,
  'session.refresh': anyone, // The session service requires a valid refresh token.
  'session.logout': anyone,
  'session.logoutEverywhere': signedIn,
  'session.validate': anyone,
  'session.onEnd': signedIn,

  'account.profile': signedIn,
  'account.updateProfile': signedIn,
  'account.changePassword': signedIn,
  'account.requestPasswordReset': anyone,
  'account.resetPassword': anyone,
  'account.secondFactor': signedIn,

  'users.me': signedIn,
  'users.byId': staffOrService,
  'users.byIds': staffOrService,
  'users.byCompanyId': staffOrService,
  'users.byRole': staffOfInputSystem,

  'employees.byId': {
    who: 'signed_in',
    permits: async (request) => isOwnEmployeeRecord(request) || staffOf(() => ['HDTS', 'TTS'])(request),
    // The BFF's own API key authorizes the call.
    service: 'own',
  },

  'assignments.candidates': staffOfInputSystem,
  'assignments.next': { who: 'staff', permits: mayAssign, service: 'account' },
  'assignments.peek': staffOfInputSystem,
  'assignments.onTurn': staffOfInputSystem,
  'assignments.reassign': { who: 'staff', permits: mayAssign, service: 'account' },
  'assignments.rotation': staffOfInputSystem,
  'assignments.history': staffOfInputSystem,
  'assignments.setAvailability': { who: 'staff', permits: maySetAvailability, service: 'account' },
  'assignments.reset': { who: 'staff', permits: mayReset, service: 'account' },

  'status.get': { ...anyone, service: 'own' },
};
