import { inSystem } from '@auth-bff/shared';
import type { Principal } from '../token/principal.ts';

/** What a rule may look at. */
export type Asking = {
  principal: Principal;
  /** The principal with their systems completed from the Auth Service where the token does not say. */
  member: () => Promise<Principal>;
  /** The call's input, already checked by its schema. */
  input: unknown;
};

export type Rule = {
  /** Looked at before the input is. */
  who: 'anyone' | 'signed_in' | 'staff';
  /** Looked at after the input is known to be valid. */
  permits?: (asking: Asking) => boolean | Promise<boolean>;
};

const anyone: Rule = { who: 'anyone' };
const signedIn: Rule = { who: 'signed_in' };
const staff: Rule = { who: 'staff' };

const staffOf =
  (systems: (input: unknown) => readonly string[]) =>
  async ({ principal, member, input }: Asking): Promise<boolean> => {
    if (principal.type !== 'staff') return false;
    const membership = await member();
    return systems(input).some((system) => inSystem(membership, system));
  };
const systemAsked = (input: unknown) => [(input as { system: string }).system];
const employeeAsksOfItself = ({ principal, input }: Asking): boolean =>
  principal.type === 'employee' && principal.id === (input as { id: number }).id;

const staffOfTheSystemAsked: Rule = { who: 'staff', permits: staffOf(systemAsked) };

/** Who may call what. A procedure that is not here may be called by nobody. */
export const policy: Readonly<Record<string, Rule>> = {
  'session.current': anyone,
  'session.me': signedIn,
  'session.login': anyone,
  'session.verifyOtp': anyone,
  'session.refresh': anyone, // The holder of a refresh token that verifies: the session service sees to that.
  'session.logout': anyone,
  'session.validate': anyone,

  'users.me': signedIn,
  'users.byId': staff,
  'users.byIds': staff,
  'users.byCompanyId': staff,
  'users.byRole': staffOfTheSystemAsked,

  'employees.byId': {
    who: 'signed_in',
    permits: async (asking) => employeeAsksOfItself(asking) || staffOf(() => ['HDTS', 'TTS'])(asking),
  },

  'assignments.candidates': staffOfTheSystemAsked,
  'assignments.next': staffOfTheSystemAsked,
  'assignments.peek': staffOfTheSystemAsked,

  'status.get': anyone,
};
