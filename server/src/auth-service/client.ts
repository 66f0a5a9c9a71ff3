import type { Employee, PersonType, User } from '@auth-bff/shared';
import { AppError, isAppError } from '../errors.ts';
import { slices } from '../platform/cooperative-yield.ts';
import { sendAsAccount } from './calling-service.ts';
import { createAccountCalls, type AccountCallsOptions } from './account/account-calls.ts';
import { decode } from './decode.ts';
import { decodeUser } from './decode-user.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { sourceNameOf } from './resilience/call-source.ts';
import type { Resilience } from './resilience/resilience.ts';
import { isJson, readJson, requireSameId, statusToError } from './response-errors.ts';
import { createRoleHolders, type RequestAs } from './role-holders.ts';
import { createSignInCalls } from './sign-in-calls.ts';
import { toAuthorizedRequest, type TokenlessCaller, toRequest } from './caller-request.ts';
import { type Caller, type RequestMeta, requestMetaOf } from './caller.ts';
import type { UpstreamRequest, UpstreamResponse } from './transport.ts';
import { WireEmployee, WireMe, WireUserGone, WireUsers, WireValidation } from './wire.ts';
import { type UserRecord, WireUser } from './wire-user.ts';

export type AuthServiceClientOptions = {
  transport: Pick<Resilience, 'request'>;
  /** Milliseconds since the epoch. Needed for a `Retry-After` that is a date. */
  now: () => number;
} & Pick<AccountCallsOptions, 'addresses'>;

/** One result per requested id: the user, or an error. Ids that do not exist are absent. */
export type UserResults = Map<number, UserRecord | AppError>;

/** Fills fields that are null in `user` from another record of the same user. */
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

/** False for a token that the service refuses. An outage stays an error. */
const toValidity = (validation: Promise<boolean>): Promise<boolean> =>
  validation.catch((error: unknown) => {
    if (isAppError(error, 'session_ended', 'insufficient_permissions')) return false;
    throw error;
  });

/** All calls to the Auth Service, with domain types as results. Every error is an AppError. */
export const createAuthServiceClient = ({ transport, now, addresses }: AuthServiceClientOptions) => {
  const request = async (endpoint: Endpoint, upstreamRequest: UpstreamRequest): Promise<UpstreamResponse> => {
    const response = await transport.request(endpoint, upstreamRequest);
    const error = statusToError(endpoint, response, now());
    if (error !== null) throw error;
    return response;
  };

  /** Sends the caller's own token, or that of the service account for a service, and only to endpoints that accept tokens of the caller's person type. */
  const requestAs: RequestAs = async (caller, endpoint, schema, { records = 0, ...rest } = {}) => {
    if (endpoint.audience !== caller.type) throw new AppError('insufficient_permissions');
    const { service } = caller;
    const send = (accessToken: string) => request(endpoint, { ...rest, ...toRequest(caller), accessToken });
    const response = await (service === undefined
      ? send(caller.accessToken)
      : sendAsAccount(service, { ...caller, cause: requestMetaOf(caller) }, send));
    const turn = slices.take(records, sourceNameOf(caller));
    if (turn !== undefined) await turn;
    return decode(endpoint, schema, readJson(endpoint, response));
  };

  const user = async (id: number, caller: Caller): Promise<UserRecord> => {
    const endpoint = endpoints.user(id);
    const record = await requestAs(caller, endpoint, WireUser);
    requireSameId(endpoint, id, record.user.id);
    return record;
  };

  const employeeProfile = async (caller: Caller): Promise<Employee> => {
    const profile = await requestAs(caller, endpoints.employeeProfile, WireEmployee);
    requireSameId(endpoints.employeeProfile, caller.id, profile.id);
    return profile;
  };

  const validateStaff = async (caller: Caller): Promise<boolean> => {
    const { isValid, id, type } = await requestAs(caller, endpoints.validateStaff, WireValidation);
    return isValid && (id ?? caller.id) === caller.id && (type ?? caller.type) === caller.type;
  };

  const validateEmployee = async (caller: Caller): Promise<boolean> => {
    const response = await transport.request(endpoints.whoseToken, toAuthorizedRequest(caller));
    if (response.status === 404) {
      // The guide's service lacks this endpoint. Its employee profile accepts tokens of employees only.
      return (await employeeProfile(caller)).id === caller.id;
    }
    const error = statusToError(endpoints.whoseToken, response, now());
    if (error !== null) throw error;
    const { type, id } = decode(endpoints.whoseToken, WireMe, readJson(endpoints.whoseToken, response));
    return type === 'employee' && (id ?? caller.id) === caller.id;
  };

  return {
    ...createSignInCalls({ transport, now }),
    ...createAccountCalls({ transport, now, addresses }),

    /** Throws `user_not_found`. */
    user,

    /** `ids` must fit into one request of the Auth Service. A broken record fails its own id only. */
    async users(ids: readonly number[], caller: Caller): Promise<UserResults> {
      // The guide's service reads user_ids, the deployed one employee_cookie_ids. Both hold staff ids.
      const json = { user_ids: ids, employee_cookie_ids: ids };
      const entries = await requestAs(caller, endpoints.users, WireUsers, { json, records: ids.length });
      const results: UserResults = new Map();
      for (const id of ids) {
        const entry = entries.get(id);
        if (entry === undefined || entry === null) continue;
        try {
          const record = decodeUser(endpoints.users, entry);
          requireSameId(endpoints.users, id, record.user.id);
          results.set(id, record);
        } catch (error) {
          if (!isAppError(error)) throw error;
          results.set(id, error);
        }
      }
      return results;
    },

    /**
     * The distinct ids of everyone with the role. Empty if the role is unknown. Throws `insufficient_permissions` if
     * this caller may not see the holders.
     */
    userIdsByRole: createRoleHolders({ requestAs, now }),

    /** The staff user with this company id. Throws `user_not_found`, also for an employee's company id. */
    async userByCompanyId(companyId: string, caller: Caller): Promise<User> {
      const { user: profile } = await requestAs(caller, endpoints.userByCompanyId(companyId), WireUser);
      // For an employee's company id, the service answers with the employee and their employee id. The e-mail address
      // tells whether the profile belongs to the staff user with that id.
      const { user: staff } = await user(profile.id, caller);
      const isSamePerson = staff.email !== '' && staff.email.toLowerCase() === profile.email.toLowerCase();
      if (!isSamePerson) throw new AppError('user_not_found');
      return completeUser(staff, profile);
    },

    /** Sends the API key, so the code that calls this must check permissions. Throws `employee_not_found`. */
    async employee(id: number, caller: TokenlessCaller): Promise<Employee> {
      const endpoint = endpoints.employee(id);
      const response = await request(endpoint, toRequest(caller));
      const employee = decode(endpoint, WireEmployee, readJson(endpoint, response));
      requireSameId(endpoint, id, employee.id);
      return employee;
    },

    /** True only if the service states that this staff user was deleted. */
    async isStaffDeleted(id: number, meta: RequestMeta): Promise<boolean> {
      const endpoint = endpoints.staffInternal(id);
      // No `person`: the id may be an unverified claim of a refresh token.
      const response = await transport.request(endpoint, requestMetaOf(meta));
      if (response.status !== 404 || !isJson(response.contentType)) return false;
      // Other 404 bodies mean that the service lacks the endpoint.
      return WireUserGone.safeParse(readJson(endpoint, response)).success;
    },

    /** The caller's own profile. */
    async staffProfile(caller: Caller): Promise<User> {
      const { user: profile } = await requestAs(caller, endpoints.staffProfile, WireUser);
      requireSameId(endpoints.staffProfile, caller.id, profile.id);
      return profile;
    },
    employeeProfile,

    /** Whether the Auth Service accepts the token, for this person. Guide: "Option 2: Remote Validation". */
    validate: (caller: Caller & { type: PersonType }): Promise<boolean> =>
      toValidity(caller.type === 'staff' ? validateStaff(caller) : validateEmployee(caller)),
  };
};

export type AuthServiceClient = ReturnType<typeof createAuthServiceClient>;
