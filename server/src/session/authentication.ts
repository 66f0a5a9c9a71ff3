import type { Caller, RequestMeta } from '../auth-service/caller.ts';
import { AppError, asAppError } from '../errors.ts';
import type { SessionEnd } from '../platform/audit.ts';
import { type MaybePromise, isSync } from '../platform/maybe-promise.ts';
import type { Principal } from '../token/principal.ts';
import { type ChosenToken, ConflictingTokensError, type TokenChooser } from '../token/token-chooser.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import type { PresentedTokens } from './presented-tokens.ts';
import type { AccountStatus } from './refresh/account-status.ts';
import { inactiveError, signedOutError } from './session-errors.ts';

/** The signed-in caller of a request, or the reason why there is none. */
export type Authentication = SignedInAs | { state: 'refused'; error: AppError };
export type SignedInAs = { state: 'signed_in'; principal: Principal; verified: VerifiedToken; caller: Caller };

export type AuthenticationOptions = {
  presented: PresentedTokens;
  /** The access token of the request, or the error of choosing it. Null: only the Auth Service can tell. */
  chosen: ChosenToken | AppError | null;
  cause: RequestMeta;
  tokenChooser: TokenChooser;
  /** Whether the session of the access token was signed out. */
  isSignedOut: (access: VerifiedToken) => MaybePromise<boolean>;
  accountStatus: Pick<AccountStatus, 'isKnownInactive'>;
  /** Called if the request presents sessions of several people. */
  onConflict: () => void;
  /** Called if a valid token is rejected because its session has ended. */
  onEnd: (end: Extract<SessionEnd, 'account_inactive' | 'signed_out'>, token: VerifiedToken) => void;
};

export const signedInAs = ({ token, verified }: ChosenToken, cause: RequestMeta): SignedInAs => {
  const { principal } = verified;
  const { type, id } = principal;
  return { state: 'signed_in', principal, verified, caller: { type, id, accessToken: token, ...cause } };
};

/**
 * Determines the caller of a request, once. Returns a plain value if this process can decide without I/O. `onSignedIn` is
 * called with the token of a signed-in caller.
 */
export const createAuthentication = (options: AuthenticationOptions, onSignedIn: (token: VerifiedToken) => void) => {
  const { presented, chosen, cause, tokenChooser, isSignedOut, accountStatus, onConflict, onEnd } = options;

  const refuse = (error: unknown): Authentication => {
    if (error instanceof ConflictingTokensError) onConflict();
    return { state: 'refused', error: asAppError(error) };
  };

  const judge = (access: ChosenToken): MaybePromise<Authentication> => {
    const { verified } = access;
    const decide = (isEnded: boolean): Authentication => {
      if (isEnded) {
        onEnd('signed_out', verified);
        return refuse(signedOutError());
      }
      if (accountStatus.isKnownInactive(verified.principal)) {
        onEnd('account_inactive', verified);
        return refuse(inactiveError());
      }
      onSignedIn(verified);
      return signedInAs(access, cause);
    };
    const isEnded = isSignedOut(verified);
    return isSync(isEnded) ? decide(isEnded) : isEnded.then(decide).catch(refuse);
  };

  const chooseLocally = () => chosen ?? tokenChooser.here(presented.accessTokens);

  const authenticate = (): MaybePromise<Authentication> => {
    const { accessTokens, refreshTokens } = presented;
    if (accessTokens.length === 0) {
      return refuse(new AppError(refreshTokens.length === 0 ? 'no_token' : 'token_expired'));
    }
    const local = chooseLocally();
    if (local instanceof AppError) return refuse(local);
    if (local !== null) return judge(local);
    return tokenChooser.find(accessTokens, cause).then(judge).catch(refuse);
  };

  let authentication: MaybePromise<Authentication> | null = null;
  const current = (): MaybePromise<Authentication> => {
    authentication ??= authenticate();
    return authentication;
  };

  return {
    current,

    /** The caller, as far as it is known without a call to the Auth Service. Null: it is not. */
    currentIfLocal(): MaybePromise<Authentication | null> {
      if (presented.accessTokens.length === 0) return null;
      const local = chooseLocally();
      return local === null || local instanceof AppError ? null : current();
    },
  };
};
