import type { Employee, PersonType, User } from '@auth-bff/shared';
import { AppError, isAppError } from '../errors.ts';
import { shareOf } from './resilience/call-source.ts';
import { decode } from './decode.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { brokenContract, isJson, readJson, statusToError } from './response-errors.ts';
import type { Resilience } from './resilience/resilience.ts';
import { type AskAs, createRoleHolders } from './role-holders.ts';
import { createSignIn } from './sign-in-calls.ts';
import { type Answer, type Caller, type Cause, causeOf, type Exchange, personOf } from './transport.ts';
import { slices } from '../platform/cooperative-yield.ts';
import { type UserRecord, WireEmployee, WireMe, WireUser, WireUserGone, WireUsers, WireValidation } from './wire.ts';

export type AuthServiceClientOptions = {
  transport: Pick<Resilience, 'request'>;
  /** Milliseconds since the epoch: for a `Retry-After` that is a date. */
  now: () => number;
};

/** The answer about each id asked: the user, or why there is none. Ids that nobody has are left out. */
export type UserResults = Map<number, UserRecord | AppError>;

/** Undefined for a caller whose claims nobody has verified. */
const verifiedPersonOf = (caller: Omit<Caller, 'accessToken'>): string | undefined =>
  caller.isUnverified === true ? undefined : personOf(caller);

const toExchange = (caller: Omit<Caller, 'accessToken'>) => {
  const { signal, onWait, onBegin } = caller;
  return { signal, onWait, onBegin, person: verifiedPersonOf(caller), ...causeOf(caller) };
};
/** With the caller's own token. */
const toExchangeAs = (caller: Caller) => ({ ...toExchange(caller), accessToken: caller.accessToken });

/** What the service did not say of a user in one answer, from another answer about the same one. */
const completeUser = (user: User, other: User): User => ({
  ...user,
  companyId: user.companyId ?? other.companyId,
  department: user.department ?? other.department,
  position: user.position ?? other.position,
  isActive: user.isActive ?? other.isActive,
  joinedAt: user.joinedAt ?? other.joinedAt,
  systems: user.systems ?? other.systems,
  roles: user.roles ?? other.roles,
});

/** Every call of the Auth Service, in domain types. Errors are AppErrors; see each reason in the interface's table. */
export const createAuthServiceClient = ({ transport, now }: AuthServiceClientOptions) => {
  const ask = async (endpoint: Endpoint, exchange: Exchange): Promise<Answer> => {
    const answer = await transport.request(endpoint, exchange);
    const error = statusToError(endpoint, answer, now());
    if (error !== null) throw error;
    return answer;
  };

  /** A lookup for a person, with their own token. Their token goes nowhere that is not for people of their type. */
  const askAs: AskAs = async (caller, endpoint, schema, { records = 0, ...exchange } = {}) => {
    if (endpoint.audience !== caller.type) throw new AppError('insufficient_permissions');
    const answer = await ask(endpoint, { ...exchange, ...toExchangeAs(caller) });
    const turn = slices.take(records, shareOf(caller));
    if (turn !== undefined) await turn;
    return decode(endpoint, schema, readJson(endpoint, answer));
  };

  const requireId = (endpoint: Endpoint, asked: number, answered: number): void => {
    if (asked !== answered) throw brokenContract(endpoint, 'at id: it is about another person than was asked');
  };

  const user = async (id: number, caller: Caller): Promise<UserRecord> => {
    const endpoint = endpoints.user(id);
    const found = await askAs(caller, endpoint, WireUser);
    requireId(endpoint, id, found.user.id);
    return found;
  };

  const employeeProfile = async (caller: Caller): Promise<Employee> => {
    const found = await askAs(caller, endpoints.employeeProfile, WireEmployee);
    requireId(endpoints.employeeProfile, caller.id, found.id);
    return found;
  };

  /** Turns "not authenticated" into an answer. An outage stays an error. */
  const isAccepted = (holds: Promise<boolean>): Promise<boolean> =>
    holds.catch((error: unknown) => {
      if (isAppError(error, 'session_ended', 'insufficient_permissions')) return false;
      throw error;
    });

  const validateStaff = async (caller: Caller): Promise<boolean> => {
    const { isValid, id, type } = await askAs(caller, endpoints.validateStaff, WireValidation);
    return isValid && (id ?? caller.id) === caller.id && (type ?? caller.type) === caller.type;
  };

  const validateEmployee = async (caller: Caller): Promise<boolean> => {
    const answer = await transport.request(endpoints.whoseToken, toExchangeAs(caller));
    if (answer.status === 404) {
      // The service that the guide documents has no such endpoint: the profile is for employees alone.
      return (await employeeProfile(caller)).id === caller.id;
    }
    const error = statusToError(endpoints.whoseToken, answer, now());
    if (error !== null) throw error;
    const { type, id } = decode(endpoints.whoseToken, WireMe, readJson(endpoints.whoseToken, answer));
    return type === 'employee' && (id ?? caller.id) === caller.id;
  };

  return {
    ...createSignIn({ transport, now }),

    /** One user. Throws `user_not_found`. */
    user,

    /** Many users, at most as many as the service takes in one request. */
    async users(ids: readonly number[], caller: Caller): Promise<UserResults> {
      // The guide's service reads user_ids, the deployed one employee_cookie_ids: they are the same staff ids.
      const json = { user_ids: ids, employee_cookie_ids: ids };
      const wire = await askAs(caller, endpoints.users, WireUsers, { json, records: ids.length });
      const results: UserResults = new Map();
      for (const id of ids) {
        const entry = wire.get(id);
        if (entry === undefined || entry === null) continue;
        try {
          const found = decode(endpoints.users, WireUser, entry);
          requireId(endpoints.users, id, found.user.id);
          results.set(id, found);
        } catch (error) {
          if (!isAppError(error)) throw error;
          results.set(id, error);
        }
      }
      return results;
    },

    /**
     * The ids of everybody who has the role, each once. A role that nobody has, or nobody knows, is an empty list.
     * Throws `insufficient_permissions` if the service does not tell this caller.
     */
    userIdsByRole: createRoleHolders({ askAs, now }),

    /** The staff user with this company id. Throws `user_not_found`, also where it is an employee's. */
    async userByCompanyId(companyId: string, caller: Caller): Promise<User> {
      const { user: profile } = await askAs(caller, endpoints.userByCompanyId(companyId), WireUser);
      // Where no staff has it, the service answers an employee with the employee's own number: only the
      // profile whose e-mail is that of the staff user of this number is that staff user.
      const { user: staff } = await user(profile.id, caller);
      const isSame = staff.email !== '' && staff.email.toLowerCase() === profile.email.toLowerCase();
      if (!isSame) throw new AppError('user_not_found');
      return completeUser(staff, profile);
    },

    /** One employee, by the API key: the caller of this has to check who may. Throws `employee_not_found`. */
    async employee(id: number, caller: Omit<Caller, 'accessToken'>): Promise<Employee> {
      const endpoint = endpoints.employee(id);
      const answer = await ask(endpoint, toExchange(caller));
      const found = decode(endpoint, WireEmployee, readJson(endpoint, answer));
      requireId(endpoint, id, found.id);
      return found;
    },

    /** Whether the service knows that this staff user was deleted. False where it does not say. */
    async isStaffDeleted(id: number, cause: Cause): Promise<boolean> {
      const endpoint = endpoints.staffInternal(id);
      // Without `person`: the id may be only what a refresh token claims.
      const answer = await transport.request(endpoint, causeOf(cause));
      if (answer.status !== 404 || !isJson(answer.contentType)) return false;
      // Any other 404 says only that the service has no such endpoint.
      return WireUserGone.safeParse(readJson(endpoint, answer)).success;
    },

    /** The caller's own profile. */
    async staffProfile(caller: Caller): Promise<User> {
      const { user: found } = await askAs(caller, endpoints.staffProfile, WireUser);
      requireId(endpoints.staffProfile, caller.id, found.id);
      return found;
    },
    employeeProfile,

    /** Whether the Auth Service accepts this token as this person's. Guide: "Option 2: Remote Validation". */
    validate: (caller: Caller & { type: PersonType }): Promise<boolean> =>
      isAccepted(caller.type === 'staff' ? validateStaff(caller) : validateEmployee(caller)),
  };
};

export type AuthServiceClient = ReturnType<typeof createAuthServiceClient>;
