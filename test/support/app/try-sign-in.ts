import type { Agent } from 'node:http';
import { createRawConnections } from './raw-connections.ts';
import { createClock, startApp, type StartAppOptions } from './start-app.ts';
import { askRaw, errorOf, postHeaders, type RawAnswer, type RawRequest, resultOf, written } from './raw-request.ts';

export type SignInTry = {
  email: string;
  password: string;
  as?: 'staff' | 'employee' | undefined;
  captchaToken?: string;
  /** Client address, for an app with TRUST_PROXY. Default 203.0.113.1. */
  address?: string;
  /** The Cookie header. Default: a browser without cookies. */
  cookie?: string | undefined;
};

export type SignInEnd = {
  /** `signed_in`, `otp_required`, or the reason of the error. */
  end: string;
  retryAfterSeconds?: number | undefined;
  challenge?: string | undefined;
  /** `name=value` of the device cookie that was set. Null: none was set. */
  device: string | null;
  answer: RawAnswer;
};

const deviceOf = ({ setCookies }: RawAnswer): string | null =>
  setCookies.find((line) => /^auth_bff_device=[^;]/.test(line))?.split(';')[0] ?? null;

/** Signs in with one raw POST per attempt, so that thousands of attempts take seconds. Default: over kept connections. */
export const createSignInTries = (url: string, agent?: Agent) => {
  const ask =
    agent === undefined ? createRawConnections(url) : (request: RawRequest) => askRaw(url, { ...request, agent });
  return async ({ address = '203.0.113.1', cookie, ...input }: SignInTry): Promise<SignInEnd> => {
    const answer = await ask({
      method: 'POST',
      target: '/trpc/session.login',
      headers: { ...postHeaders, 'x-forwarded-for': address, ...(cookie === undefined ? {} : { cookie }) },
      body: written(input),
    });
    const device = deviceOf(answer);
    if (answer.status !== 200) {
      const { reason, retryAfterSeconds } = errorOf(answer);
      return { end: reason, retryAfterSeconds, device, answer };
    }
    const { status, challenge } = resultOf(answer) as { status: string; challenge?: string };
    return { end: status, challenge, device, answer };
  };
};

export type SignInTries = ReturnType<typeof createSignInTries>;

export type SignInAppOptions = StartAppOptions & {
  /** Clock of the BFF and the Auth Service. Default: one that a test moves, from the current time. */
  clock?: ReturnType<typeof createClock>;
};

/** Starts an app that trusts one proxy and has no request limit, so that each attempt can name its address. */
export const startSignInApp = async ({ clock = createClock(), ...options }: SignInAppOptions = {}) => {
  const app = await startApp({
    now: clock.now,
    ...options,
    env: { TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: '0', ...options.env },
  });
  return {
    ...app,
    app,
    clock,
    tryIn: createSignInTries(app.url),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};
