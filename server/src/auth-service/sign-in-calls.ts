import { accessCookie, type PersonType, refreshCookie } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import { decode } from './decode.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { cookieOf, type TokenSet } from './grant.ts';
import { brokenContract, readJson, statusToError } from './response-errors.ts';
import { readRefusal, type SignInRefusal, type SignInStep } from './sign-in-failure.ts';
import { messageOfInactiveStatus, toInactiveStatus } from './inactive-status.ts';
import { type Answer, type Cause, causeOf, type Transport } from './transport.ts';
import { WireGrant } from './wire.ts';

export type SignInCallsOptions = { transport: Pick<Transport, 'request'>; now: () => number };

export type Credentials = Cause & {
  as: PersonType;
  email: string;
  password: string;
  captchaToken?: string | undefined;
};

export type SignInAnswer =
  | { status: 'granted'; grant: TokenSet }
  | { status: 'otp_required'; temporaryToken: string | null };

export type SecondFactor = Cause & {
  as: PersonType;
  email: string;
  code: string;
  temporaryToken: string | null;
};

export type SessionTokens = Cause & {
  type: PersonType;
  id: number;
  accessToken: string | null;
  refreshToken: string | null;
};

const isSuccess = ({ status }: Answer) => status >= 200 && status < 300;
const isRedirect = ({ status }: Answer) => status >= 300 && status < 400;

/** The body of a refusal. A page in HTML, or anything else that is not JSON, says nothing about a password. */
const refusalBody = (endpoint: Endpoint, answer: Answer): unknown =>
  answer.body.trim() === '' ? '' : readJson(endpoint, answer);

/** What a plain sentence says of the account: django-axes answers a lock as one. Null: nothing that is known. */
const plainTextRefusal = ({ body }: Answer, step: SignInStep): SignInRefusal | null => {
  if (!/^\s*[A-Za-z]/.test(body)) return null;
  const refusal = readRefusal(body, step);
  return refusal.reason === 'bad_credentials' || refusal.reason === 'otp_invalid' ? null : refusal;
};

const toError = ({ reason, message }: SignInRefusal): AppError =>
  new AppError(reason, message === undefined ? {} : { message });

/**
 * The deployed service signs rejected employees in. A pending staff user is not refused: that service lets most of
 * them work. Throws `account_inactive`.
 */
const refuseInactive = (as: PersonType, { status, isActive }: { status: string | null; isActive: boolean | null }) => {
  const standing = (as === 'employee' ? toInactiveStatus(status) : null) ?? (isActive === false ? 'inactive' : null);
  if (standing !== null) throw new AppError('account_inactive', { message: messageOfInactiveStatus[standing] });
};

type SignInCall = Cause & { as: PersonType; step: SignInStep };

/** The calls that hand out tokens, exchange them and take them back. */
export const createSignIn = ({ transport, now }: SignInCallsOptions) => {
  const readGrant = (endpoint: Endpoint, answer: Answer) => {
    // Cookies may be all that a success says.
    const body = decode(endpoint, WireGrant, answer.body.trim() === '' ? {} : readJson(endpoint, answer));
    const accessToken = cookieOf(answer, accessCookie) ?? body.accessToken;
    const grant: TokenSet | null =
      accessToken === null ? null : { accessToken, refreshToken: cookieOf(answer, refreshCookie) ?? body.refreshToken };
    return { ...body, grant };
  };

  /** A success is returned; a refusal is an AppError with its reason; anything else is an outage or a broken contract. */
  const askToSignIn = async (endpoint: Endpoint, json: Record<string, string>, { as, step, ...cause }: SignInCall) => {
    // Without `person`: an attacker makes e-mails up, so that the network is the source.
    const answer = await transport.request(endpoint, { json, ...causeOf(cause) });
    if (isSuccess(answer)) {
      const read = readGrant(endpoint, answer);
      // {success: false} beside a second factor that is due is no refusal; anywhere else no token makes up for it.
      if (read.isRefused && !read.isOtpRequired) {
        throw toError(readRefusal(readJson(endpoint, answer), step));
      }
      refuseInactive(as, read);
      if (read.grant !== null || read.isOtpRequired) return read;
      throw brokenContract(endpoint, 'it holds no access token');
    }
    const { status } = answer;
    if ([400, 401, 403, 422, 423].includes(status)) {
      if (status === 423) throw new AppError('account_locked');
      throw toError(plainTextRefusal(answer, step) ?? readRefusal(refusalBody(endpoint, answer), step));
    }
    if (isRedirect(answer)) throw brokenContract(endpoint, `a redirect without a token (status ${status})`);
    throw statusToError(endpoint, answer, now()) ?? brokenContract(endpoint, `status ${status}`);
  };

  const sendTokens = (endpoint: Endpoint, tokens: SessionTokens): Promise<Answer> =>
    transport.request(endpoint, {
      json: {},
      accessToken: tokens.accessToken ?? undefined,
      refreshToken: tokens.refreshToken ?? undefined,
      ...causeOf(tokens),
    });

  const exchange = async (endpoint: Endpoint, tokens: SessionTokens): Promise<TokenSet | 'no_such_endpoint'> => {
    const answer = await sendTokens(endpoint, tokens);
    if (answer.status === 404) return 'no_such_endpoint';
    if (isSuccess(answer)) {
      const { grant } = readGrant(endpoint, answer);
      if (grant === null) throw brokenContract(endpoint, 'it holds no access token');
      return grant;
    }
    if (answer.status === 400 || answer.status === 403) {
      // What is not JSON (a page of a proxy, or for a wrong host) says nothing about the token, and must not end a session.
      readJson(endpoint, answer);
      throw new AppError('session_ended');
    }
    throw statusToError(endpoint, answer, now()) ?? brokenContract(endpoint, `status ${answer.status}`);
  };

  return {
    /** Throws `bad_credentials`, `account_locked`, `account_inactive`, `captcha_required`. */
    async signIn({ as, email, password, captchaToken, ...cause }: Credentials): Promise<SignInAnswer> {
      // The guide's service reads captcha_token, the deployed one g_recaptcha_response.
      const captcha =
        captchaToken === undefined ? {} : { captcha_token: captchaToken, g_recaptcha_response: captchaToken };
      const json = { email, password, ...captcha };
      const read = await askToSignIn(endpoints.signIn[as], json, { as, step: 'password', ...cause });
      // A second factor that is due comes first: the service hands out working tokens before it too.
      return read.isOtpRequired || read.grant === null
        ? { status: 'otp_required', temporaryToken: read.temporaryToken ?? read.grant?.accessToken ?? null }
        : { status: 'granted', grant: read.grant };
    },

    /** Throws `otp_invalid`, `otp_expired`, `account_locked`, `account_inactive`. */
    async verifyOtp({ as, email, code, temporaryToken, ...cause }: SecondFactor): Promise<TokenSet> {
      const endpoint = endpoints.verifyOtp[as];
      const json = { email, otp_code: code, ...(temporaryToken === null ? {} : { temporary_token: temporaryToken }) };
      const { grant, isOtpRequired } = await askToSignIn(endpoint, json, {
        as,
        step: 'second_factor',
        ...cause,
      });
      // Still required: a token beside that is the one from before the second factor.
      if (isOtpRequired) throw new AppError('otp_invalid');
      if (grant === null) throw brokenContract(endpoint, 'it holds no access token');
      return grant;
    },

    /** Exchanges a refresh token. Throws `session_ended` where the service refuses it for good. */
    async refresh(tokens: SessionTokens): Promise<TokenSet> {
      const grant = await exchange(endpoints.refresh[tokens.type], tokens);
      if (grant !== 'no_such_endpoint') return grant;
      const older = await exchange(endpoints.refreshOlder[tokens.type], tokens);
      if (older === 'no_such_endpoint') throw brokenContract(endpoints.refreshOlder[tokens.type], 'status 404');
      return older;
    },

    /** Ends the session upstream. Throws where that cannot be known. */
    async signOut(tokens: SessionTokens): Promise<void> {
      const endpoint = endpoints.signOut[tokens.type];
      const answer = await sendTokens(endpoint, tokens);
      if (!isSuccess(answer))
        throw statusToError(endpoint, answer, now()) ?? brokenContract(endpoint, `status ${answer.status}`);
    },
  };
};
