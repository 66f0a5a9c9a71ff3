import { accessCookie, type PersonType, refreshCookie } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import { decode } from './decode.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { messageOfInactiveStatus, toInactiveStatus } from './inactive-status.ts';
import { contractError, isJson, readJson, statusToError } from './response-errors.ts';
import { isCodeRequest, parseSignInFailure, type SignInFailure, type SignInStep } from './sign-in-failure.ts';
import { cookieOf, type TokenSet } from './token-set.ts';
import { type RequestMeta, requestMetaOf } from './caller.ts';
import type { Transport, UpstreamResponse } from './transport.ts';
import { WireTokenResponse } from './wire.ts';

export type SignInCallsOptions = { transport: Pick<Transport, 'request'>; now: () => number };

export type Credentials = RequestMeta & {
  as: PersonType;
  email: string;
  password: string;
  captchaToken?: string | undefined;
};

export type SignInAnswer =
  | { status: 'granted'; grant: TokenSet }
  | { status: 'otp_required'; temporaryToken: string | null };

export type SecondFactor = RequestMeta & {
  as: PersonType;
  email: string;
  code: string;
  temporaryToken: string | null;
};

export type SessionTokens = RequestMeta & {
  type: PersonType;
  id: number;
  accessToken: string | null;
  refreshToken: string | null;
};

const isSuccess = ({ status }: UpstreamResponse) => status >= 200 && status < 300;
const isRedirect = ({ status }: UpstreamResponse) => status >= 300 && status < 400;
const refusalStatuses = new Set([400, 401, 403, 422, 423]);

/** The failure that a plain-text body describes. django-axes sends a lockout this way. Null if the text is unknown. */
const parsePlainText = ({ body }: UpstreamResponse, step: SignInStep): SignInFailure | null => {
  if (!/^\s*[A-Za-z]/.test(body)) return null;
  const failure = parseSignInFailure(body, step);
  return failure.reason === 'bad_credentials' || failure.reason === 'otp_invalid' ? null : failure;
};

const toError = ({ reason, message }: SignInFailure): AppError =>
  new AppError(reason, message === undefined ? {} : { message });

/**
 * Throws `account_inactive`. The deployed service issues tokens to rejected employees. A pending staff user may sign in,
 * because that service lets most of them work.
 */
const requireActive = (as: PersonType, { status, isActive }: { status: string | null; isActive: boolean | null }) => {
  const inactive = (as === 'employee' ? toInactiveStatus(status) : null) ?? (isActive === false ? 'inactive' : null);
  if (inactive !== null) throw new AppError('account_inactive', { message: messageOfInactiveStatus[inactive] });
};

/** Reads tokens from the cookies or the body. A success may consist of cookies alone. */
const readTokenResponse = (endpoint: Endpoint, response: UpstreamResponse) => {
  const json = response.body.trim() === '' ? {} : readJson(endpoint, response);
  const { accessToken, refreshToken, ...rest } = decode(endpoint, WireTokenResponse, json);
  const access = cookieOf(response, accessCookie) ?? accessToken;
  const grant: TokenSet | null =
    access === null ? null : { accessToken: access, refreshToken: cookieOf(response, refreshCookie) ?? refreshToken };
  return { ...rest, grant };
};

const noAccessToken = (endpoint: Endpoint) => contractError(endpoint, 'it holds no access token');

type SignInCall = RequestMeta & { as: PersonType; step: SignInStep };

/** Calls that issue, exchange and revoke tokens. */
export const createSignInCalls = ({ transport, now }: SignInCallsOptions) => {
  const toStatusError = (endpoint: Endpoint, response: UpstreamResponse): AppError =>
    statusToError(endpoint, response, now()) ?? contractError(endpoint, `status ${response.status}`);

  const readSignIn = (endpoint: Endpoint, response: UpstreamResponse, { as, step }: SignInCall) => {
    const result = readTokenResponse(endpoint, response);
    // `success: false` beside a pending second factor is no refusal. Otherwise it is one, even beside a token.
    if (result.isRefused && !result.isOtpRequired) {
      throw toError(parseSignInFailure(readJson(endpoint, response), step));
    }
    requireActive(as, result);
    if (result.grant === null && !result.isOtpRequired) throw noAccessToken(endpoint);
    return result;
  };

  const toSignInError = (endpoint: Endpoint, response: UpstreamResponse, step: SignInStep): AppError => {
    const { status } = response;
    if (status === 423) return new AppError('account_locked');
    if (refusalStatuses.has(status)) {
      const failure = parsePlainText(response, step);
      if (failure !== null) return toError(failure);
      // An HTML page says nothing about a password: `readJson` throws for it.
      const body = response.body.trim() === '' ? '' : readJson(endpoint, response);
      return toError(parseSignInFailure(body, step));
    }
    if (isRedirect(response)) return contractError(endpoint, `a redirect without a token (status ${status})`);
    return toStatusError(endpoint, response);
  };

  const requestSignIn = async (endpoint: Endpoint, json: Record<string, string>, call: SignInCall) => {
    // No `person`: an attacker can invent e-mail addresses, so the call is attributed to the network.
    const response = await transport.request(endpoint, { json, ...requestMetaOf(call) });
    if (!isSuccess(response)) throw toSignInError(endpoint, response, call.step);
    return readSignIn(endpoint, response, call);
  };

  const sendTokens = (endpoint: Endpoint, tokens: SessionTokens): Promise<UpstreamResponse> =>
    transport.request(endpoint, {
      json: {},
      accessToken: tokens.accessToken ?? undefined,
      refreshToken: tokens.refreshToken ?? undefined,
      ...requestMetaOf(tokens),
    });

  const exchange = async (endpoint: Endpoint, tokens: SessionTokens): Promise<TokenSet | 'no_such_endpoint'> => {
    const response = await sendTokens(endpoint, tokens);
    if (response.status === 404) return 'no_such_endpoint';
    if (isSuccess(response)) {
      const { grant } = readTokenResponse(endpoint, response);
      if (grant === null) throw noAccessToken(endpoint);
      return grant;
    }
    if (response.status === 400 || response.status === 403) {
      // Throws for a body other than JSON: the page of a proxy must not end a session.
      readJson(endpoint, response);
      throw new AppError('session_ended');
    }
    throw toStatusError(endpoint, response);
  };

  return {
    /** Throws `bad_credentials`, `account_locked`, `account_inactive`, `captcha_required`. */
    async signIn({ as, email, password, captchaToken, ...meta }: Credentials): Promise<SignInAnswer> {
      // The guide's service reads captcha_token, the deployed one g_recaptcha_response.
      const captcha =
        captchaToken === undefined ? {} : { captcha_token: captchaToken, g_recaptcha_response: captchaToken };
      const json = { email, password, ...captcha };
      const result = await requestSignIn(endpoints.signIn[as], json, { as, step: 'password', ...meta });
      // The second factor takes precedence: the service issues working tokens before it as well.
      return result.isOtpRequired || result.grant === null
        ? { status: 'otp_required', temporaryToken: result.temporaryToken ?? result.grant?.accessToken ?? null }
        : { status: 'granted', grant: result.grant };
    },

    /**
     * Signs staff in by an endpoint without a captcha. Throws like `signIn`; `captcha_required` if the service has no such
     * endpoint.
     */
    async signInWithoutCaptcha({ email, password, ...meta }: Omit<Credentials, 'as' | 'captchaToken'>) {
      const endpoint = endpoints.staffTokens;
      const response = await transport.request(endpoint, { json: { email, password }, ...requestMetaOf(meta) });
      const isMissing = response.status === 404 || response.status === 405 || isRedirect(response);
      if (isMissing) throw new AppError('captcha_required');
      if (refusalStatuses.has(response.status) && isJson(response.contentType)) {
        if (isCodeRequest(readJson(endpoint, response))) return { status: 'otp_required' } as const;
      }
      if (!isSuccess(response)) throw toSignInError(endpoint, response, 'password');
      const { grant } = readSignIn(endpoint, response, { as: 'staff', step: 'password' });
      return grant === null ? ({ status: 'otp_required' } as const) : ({ status: 'granted', grant } as const);
    },

    /** Throws `otp_invalid`, `otp_expired`, `account_locked`, `account_inactive`. */
    async verifyOtp({ as, email, code, temporaryToken, ...meta }: SecondFactor): Promise<TokenSet> {
      const endpoint = endpoints.verifyOtp[as];
      const json = { email, otp_code: code, ...(temporaryToken === null ? {} : { temporary_token: temporaryToken }) };
      const { grant, isOtpRequired } = await requestSignIn(endpoint, json, { as, step: 'second_factor', ...meta });
      // A token beside a second factor that is still required predates the second factor.
      if (isOtpRequired) throw new AppError('otp_invalid');
      if (grant === null) throw noAccessToken(endpoint);
      return grant;
    },

    /** Exchanges a refresh token. Throws `session_ended` if the service refuses it for good. */
    async refresh(tokens: SessionTokens): Promise<TokenSet> {
      const grant = await exchange(endpoints.refresh[tokens.type], tokens);
      if (grant !== 'no_such_endpoint') return grant;
      const older = await exchange(endpoints.refreshOlder[tokens.type], tokens);
      if (older === 'no_such_endpoint') throw contractError(endpoints.refreshOlder[tokens.type], 'status 404');
      return older;
    },

    /** Ends the session at the Auth Service. Throws if the result is unknown. */
    async signOut(tokens: SessionTokens): Promise<void> {
      const endpoint = endpoints.signOut[tokens.type];
      const response = await sendTokens(endpoint, tokens);
      if (!isSuccess(response)) throw toStatusError(endpoint, response);
    },
  };
};
