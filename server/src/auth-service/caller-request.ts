import { type Caller, callerNameOf, requestMetaOf } from './caller.ts';
import type { UpstreamRequest } from './transport.ts';

export type TokenlessCaller = Omit<Caller, 'accessToken'>;

/** A request on behalf of the caller, without their token. */
export const toRequest = (caller: TokenlessCaller): UpstreamRequest => {
  const { signal, onQueued, onAdmitted } = caller;
  const person = caller.isUnverified === true ? undefined : callerNameOf(caller);
  return { signal, onQueued, onAdmitted, person, ...requestMetaOf(caller) };
};

/** The endpoint must accept tokens of the caller's person type: the code that calls this must check `audience`. */
export const toAuthorizedRequest = (caller: Caller): UpstreamRequest => ({
  ...toRequest(caller),
  accessToken: caller.accessToken,
});
