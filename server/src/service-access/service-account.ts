import type { AuthServiceClient } from '../auth-service/client.ts';
import { type AccountTokens, ServiceAccountError } from '../auth-service/calling-service.ts';
import type { TokenSet } from '../auth-service/token-set.ts';
import { type RequestMeta, requestMetaOf } from '../auth-service/caller.ts';
import type { Config } from '../config.ts';
import { type AppError, isAppError } from '../errors.ts';
import type { Audit } from '../platform/audit.ts';
import type { Log } from '../platform/log.ts';
import { causesOf } from '../platform/log.ts';
import { belongsTo, type EstablishedSession, establishSession } from '../session/established-session.ts';
import type { AccountStatus } from '../session/refresh/account-status.ts';
import type { Subject } from '../token/principal.ts';
import type { Verifier } from '../token/verified-token.ts';
import {
  type AccountRefusal,
  messageOfRefusal,
  pauseAfterRefusals,
  reasonOfRefusal,
  toAccountRefusal,
} from './account-refusal.ts';

export type ServiceAccountOptions = {
  credentials: NonNullable<Config['serviceAccount']>;
  authService: Pick<AuthServiceClient, 'signIn' | 'signInWithoutCaptcha' | 'refresh'>;
  verifier: Verifier;
  accountStatus: Pick<AccountStatus, 'isInactive'>;
  log: Pick<Log, 'error'>;
  audit: Pick<Audit, 'write'>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const contractMessage =
  'The service account (SERVICE_ACCOUNT_EMAIL) cannot be used: the Auth Service returned an unexpected response to its sign-in or refresh. Run the doctor.';

/** A pause after an outage, in milliseconds, unless the Auth Service asks for another one. */
const outagePauseMs = 5_000;
/** Between two sign-ins because the Auth Service refused a token that had not expired. */
const renewEveryMs = 60_000;

/** The sign-in was refused, and the reason will not go away by itself. */
class RefusedAccount extends Error {
  readonly refusal: AccountRefusal;
  constructor(refusal: AccountRefusal, cause?: unknown) {
    super(refusal, { cause });
    this.refusal = refusal;
  }
}

const isSameEmail = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * The session of the service account: one per process, signed in when it is first needed, refreshed before it expires by
 * the calls that use it. There is at most one sign-in or refresh at a time. After a failure no other one starts for a
 * while, however many calls arrive: repeated wrong passwords would lock the account.
 */
export const createServiceAccount = (options: ServiceAccountOptions): AccountTokens => {
  const { credentials, authService, verifier, accountStatus, log, audit, now, monotonicNow } = options;
  const { email } = credentials;

  let session: EstablishedSession | null = null;
  /** The person of the first sign-in. Another one is refused from then on. */
  let person: Subject | null = null;
  let inFlight: Promise<string> | null = null;
  let refusals = 0;
  let pause: { untilMs: number; cause: unknown } | null = null;
  let renewedAtMs = Number.NEGATIVE_INFINITY;

  const pauseFor = (ms: number, cause: unknown): ServiceAccountError => {
    pause = { untilMs: monotonicNow() + ms, cause };
    return new ServiceAccountError({ cause, retryAfterSeconds: Math.ceil(ms / 1000) });
  };

  /** Null: a sign-in or refresh may start. */
  const pauseError = (): ServiceAccountError | null => {
    const leftMs = pause === null ? 0 : pause.untilMs - monotonicNow();
    if (pause === null || leftMs <= 0) return null;
    return new ServiceAccountError({ cause: pause.cause, retryAfterSeconds: Math.ceil(leftMs / 1000) });
  };

  const refuse = ({ refusal, cause }: RefusedAccount): ServiceAccountError => {
    refusals += 1;
    session = null;
    const ms = pauseAfterRefusals(refusals);
    const retryAfterSeconds = ms / 1000;
    log.error({ reason: refusal, retryAfterSeconds, causes: causesOf(cause) }, messageOfRefusal[refusal]);
    return pauseFor(ms, `the service account: ${refusal}`);
  };

  /** Throws `RefusedAccount` for the tokens of anybody but the account. */
  const establish = async (tokenSet: TokenSet): Promise<EstablishedSession> => {
    const established = await establishSession(tokenSet, { verifier, now });
    const { principal } = established.access;
    const isAccount = principal.type === 'staff' && belongsTo(established, person ?? principal);
    if (!isAccount) throw new RefusedAccount('wrong_person');
    return established;
  };

  const signInUpstream = async (cause: RequestMeta) => {
    const request = { ...credentials, ...cause };
    try {
      return await authService.signIn({ ...request, as: 'staff' });
    } catch (error) {
      if (!isAppError(error, 'captcha_required')) throw error;
      return authService.signInWithoutCaptcha(request);
    }
  };

  const signIn = async (cause: RequestMeta): Promise<EstablishedSession> => {
    try {
      const answer = await signInUpstream(cause);
      if (answer.status === 'otp_required') throw new RefusedAccount('second_factor');
      const established = await establish(answer.grant);
      const { principal } = established.access;
      if (principal.email !== null && !isSameEmail(principal.email, email)) throw new RefusedAccount('wrong_person');
      person = { type: principal.type, id: principal.id };
      audit.write({ audit: 'sign_in', person, email }, cause);
      return established;
    } catch (error) {
      const refusal = isAppError(error) ? toAccountRefusal(error) : null;
      const failure = refusal === null ? error : new RefusedAccount(refusal, error);
      if (failure instanceof RefusedAccount) {
        audit.write({ audit: 'sign_in_failed', reason: reasonOfRefusal[failure.refusal], email }, cause);
      }
      throw failure;
    }
  };

  /** Null: the Auth Service refuses the refresh, or there is nothing to refresh. */
  const refresh = async (held: EstablishedSession, cause: RequestMeta): Promise<EstablishedSession | null> => {
    const { accessToken, refreshToken, access } = held;
    if (refreshToken === null) return null;
    try {
      const { type, id } = access.principal;
      const tokenSet = await authService.refresh({ type, id, accessToken, refreshToken, ...cause });
      const established = await establish(tokenSet);
      const { principal } = established.access;
      const account = { principal, accessToken: established.accessToken, ...cause };
      if (await accountStatus.isInactive(account)) throw new RefusedAccount('account_inactive');
      // Some services keep the refresh token.
      return established.refreshToken === null ? { ...established, refreshToken, refresh: held.refresh } : established;
    } catch (error) {
      if (isAppError(error, 'session_ended')) return null;
      throw error;
    }
  };

  const run = async (isRefresh: boolean, cause: RequestMeta): Promise<string> => {
    try {
      const refreshed = isRefresh && session !== null ? await refresh(session, cause) : null;
      session = refreshed ?? (await signIn(cause));
      refusals = 0;
      pause = null;
      return session.accessToken;
    } catch (error) {
      if (error instanceof RefusedAccount) throw refuse(error);
      const appError: AppError | null = isAppError(error) ? error : null;
      const isContract = appError?.reason === 'auth_service_contract';
      if (isContract) log.error({ reason: appError?.reason, causes: causesOf(error) }, contractMessage);
      const ms = (appError?.retryAfterSeconds ?? 0) * 1000;
      throw pauseFor(Math.max(ms, isContract ? renewEveryMs : outagePauseMs), error);
    }
  };

  /** Joins the sign-in or refresh in flight, or starts one. */
  const obtain = (isRefresh: boolean, cause: RequestMeta): Promise<string> => {
    if (inFlight !== null) return inFlight;
    const paused = pauseError();
    if (paused !== null) return Promise.reject(paused);
    const running = run(isRefresh, requestMetaOf({ requestId: cause.requestId })).finally(() => {
      inFlight = null;
    });
    // Those who wait for it may all have left.
    running.catch(() => {});
    inFlight = running;
    return running;
  };

  return {
    isFailing: () => pause !== null,

    current(cause) {
      if (session === null) return obtain(false, cause);
      const { accessToken, access } = session;
      if (now() < access.refreshAtMs) return accessToken;
      const refreshed = obtain(true, cause);
      if (now() >= access.expiresAtMs) return refreshed;
      // The token is valid until the refresh has ended.
      refreshed.catch(() => {});
      return accessToken;
    },

    async renew(refused, cause) {
      if (inFlight !== null) await inFlight.catch(() => {});
      if (session !== null) {
        if (session.accessToken !== refused) return session.accessToken;
        if (monotonicNow() - renewedAtMs < renewEveryMs) throw refuse(new RefusedAccount('refused_tokens'));
        renewedAtMs = monotonicNow();
        session = null;
      }
      return obtain(false, cause);
    },

    async id(cause) {
      if (person === null) await obtain(false, cause);
      if (person === null) throw new TypeError('The service account signed in as no person.');
      return person.id;
    },
  };
};
