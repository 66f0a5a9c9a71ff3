import type { Profile } from '@auth-bff/shared';
import { AppError } from '../../errors.ts';
import { toAuthorizedRequest } from '../caller-request.ts';
import { decode } from '../decode.ts';
import type { Endpoint } from '../endpoints.ts';
import { contractError, readJson, requireSameId, statusToError } from '../response-errors.ts';
import type { Caller } from '../caller.ts';
import type { UpstreamRequest, UpstreamResponse } from '../transport.ts';
import type { AccountCallsOptions } from './account-calls.ts';
import { isMissingEndpoint, notSupported } from './not-supported.ts';
import { createToPictureUrl } from './picture-url.ts';
import { invalidField, readFieldPermissions, readRefusal, type RefusalRules } from './refusal.ts';
import { createWireProfile } from './wire-profile.ts';

/** Statuses of a refused input. */
const refusalStatuses = new Set([400, 409, 422]);
const textsOf = (json: Readonly<Record<string, unknown>>): string[] =>
  Object.values(json).filter((value) => typeof value === 'string');

/** The rules that depend on the call alone. */
export type CallRules = Pick<RefusalRules, 'passwordField' | 'defaultField'>;

/** How account calls are sent, and their responses read. */
export const createAccountRequests = ({ transport, now, addresses }: AccountCallsOptions) => {
  const toPictureUrl = createToPictureUrl(addresses);
  const profileOf = {
    staff: createWireProfile({ type: 'staff', toPictureUrl }),
    employee: createWireProfile({ type: 'employee', toPictureUrl }),
  };

  const toError = (endpoint: Endpoint, response: UpstreamResponse): AppError => {
    const { status } = response;
    if (isMissingEndpoint(endpoint, response)) return notSupported(endpoint);
    // Without a token, there is no session to end and nobody to refuse.
    const needsToken = endpoint.audience === 'none' && (status === 401 || status === 403);
    const error = needsToken ? null : statusToError(endpoint, response, now());
    return error ?? contractError(endpoint, `status ${status}`);
  };

  /** Throws for any response but a success. Null for a success without a body. */
  const readSuccess = (endpoint: Endpoint, response: UpstreamResponse, rules: RefusalRules): unknown => {
    const { status, body } = response;
    const isSuccess = status >= 200 && status < 300;
    if (isSuccess && body.trim() === '') return null;
    const json = isSuccess || refusalStatuses.has(status) ? readJson(endpoint, response) : null;
    const isRefused = isSuccess && typeof json === 'object' && json !== null && 'success' in json && !json.success;
    if (isSuccess && !isRefused) return json;
    if (status === 404 || status === 403 || isRefused || refusalStatuses.has(status)) {
      const refusal = readRefusal(response, rules);
      if (refusal === 'no_such_person') {
        throw new AppError(endpoint.audience === 'employee' ? 'employee_not_found' : 'user_not_found');
      }
      if (refusal !== null && status !== 403 && status !== 404) throw refusal;
    }
    throw toError(endpoint, response);
  };

  /** Sends the caller's own token, and only to an endpoint for people of the caller's type. */
  const sendAs = (caller: Caller, endpoint: Endpoint, request: UpstreamRequest): Promise<UpstreamResponse> => {
    if (endpoint.audience !== caller.type || caller.service !== undefined) {
      throw new AppError('insufficient_permissions');
    }
    return transport.request(endpoint, { ...request, ...toAuthorizedRequest(caller) });
  };

  const toRules = (json: Readonly<Record<string, unknown>>, token: string | null, rules: CallRules): RefusalRules => ({
    fields: Object.keys(json),
    sent: token === null ? textsOf(json) : [...textsOf(json), token],
    ...rules,
  });

  const commandAs = async (
    caller: Caller,
    endpoint: Endpoint,
    json: Record<string, string>,
    rules: CallRules,
  ): Promise<void> => {
    const response = await sendAs(caller, endpoint, { json });
    readSuccess(endpoint, response, toRules(json, caller.accessToken, rules));
  };

  const readProfile = (endpoint: Endpoint, body: unknown, caller: Caller): Profile => {
    const profile = decode(endpoint, profileOf[caller.type], body);
    requireSameId(endpoint, caller.id, profile.id);
    return profile;
  };

  const patchProfile = async (
    caller: Caller,
    endpoint: Endpoint,
    request: Pick<UpstreamRequest, 'json' | 'upload'>,
    rules: RefusalRules,
  ): Promise<Profile> => {
    const response = await sendAs(caller, endpoint, request);
    // A proxy answers it with a page.
    if (response.status === 413 && rules.defaultField !== null) {
      throw invalidField(
        rules.defaultField,
        'The Auth Service does not accept files of this size. Send a smaller one.',
      );
    }
    if (response.status === 403) {
      const refusal = readFieldPermissions(response, rules);
      if (refusal !== null) throw refusal;
    }
    return readProfile(endpoint, readSuccess(endpoint, response, rules), caller);
  };

  return { sendAs, commandAs, toRules, readSuccess, readProfile, patchProfile };
};

export type AccountRequests = ReturnType<typeof createAccountRequests>;
