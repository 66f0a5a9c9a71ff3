import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { createCaptcha } from './captcha.ts';
import { createRequestRecorder, type RecordedRequest } from './request-recorder.ts';
import { createControl } from './control.ts';
import { createDeployed } from './deployed/deployed.ts';
import { type EndpointName, findEndpoint } from './endpoints.ts';
import {
  type AuthResponse,
  type AuthRequest,
  toBytes,
  html,
  parseCookies,
  sendBytes,
  sendRefusal,
} from './http-messages.ts';
import { applyFault, createFaultRegistry, type Fault } from './fault-injection.ts';
import { createGuide } from './guide/guide.ts';
import { createHostCheck } from '../host-check.ts';
import type { AuthServiceOptions, Dialect } from './options.ts';
import { createPeopleDirectory, type PersonChange } from './people/people-directory.ts';
import type { Subject } from './people/people.ts';
import { createSecondFactor } from './second-factor.ts';
import { createTokens, type TokenPair } from './tokens.ts';

export type { RecordedRequest } from './request-recorder.ts';
export type { EndpointName } from './endpoints.ts';
export type { Fault } from './fault-injection.ts';
export type { AuthServiceOptions, Dialect } from './options.ts';
export type { PersonChange } from './people/people-directory.ts';
export type { TokenPair } from './tokens.ts';

export interface EmbeddedAuthService extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  url: string;
  controlUrl: string | null;
  dialect: Dialect;
  accessLifetimeSeconds: number;
  /** A pair as sign-in would issue it; overrides go into the access token's claims, and undefined deletes a claim. */
  issue(subject: Subject, overrides?: Record<string, unknown>): Promise<TokenPair>;
  /** Changes or deletes a person of this service; tokens issued before stay as they are. Throws if there is no such person. */
  changePerson(subject: Subject, change: PersonChange): void;
  /** The last second-factor code told to this person. */
  lastCode(email: string): string | null;
  /** Every request that came to the main port since the start or the last reset. */
  calls: readonly RecordedRequest[];
  /** How many requests came to an endpoint, or in all. */
  count(endpoint?: string): number;
  resetCalls(): void;
  /** Makes an endpoint, or with `*` all that have no fault of their own, go wrong; null clears. */
  fault(endpoint: EndpointName | '*', fault: Fault | null): void;
  /** The fault that is set for an endpoint, or for all with `*`. Null: none. */
  faultOf(endpoint: EndpointName | '*'): Fault | null;
  clearFaults(): void;
  /** Ends at once, whatever still hangs. */
  close(): Promise<void>;
}

const WEEK_SECONDS = 7 * 24 * 60 * 60;
const MINUTE_MS = 60_000;

/** How the dialects differ in what they count and time. */
const figures = {
  guide: {
    accessLifetimeSeconds: 900,
    codeValidForMs: 10 * MINUTE_MS,
    codeRejectedFromAttempt: Number.POSITIVE_INFINITY,
  },
  // "At most 3 tries", but the try itself is counted before the code is compared: the third fails even if it is right.
  deployed: { accessLifetimeSeconds: 300, codeValidForMs: 5 * MINUTE_MS, codeRejectedFromAttempt: 3 },
} as const;

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** Starts an Auth Service of one dialect over the seeded people, on real sockets. */
export const startAuthService = async (options: AuthServiceOptions): Promise<EmbeddedAuthService> => {
  const { dialect = 'guide', host = '127.0.0.1', port = 0, controlPort = false, signingKey, apiKey } = options;
  const { now = Date.now, log = () => {} } = options;

  const { codeValidForMs: validForMs, codeRejectedFromAttempt: rejectedFromAttempt, ...defaults } = figures[dialect];
  const { accessLifetimeSeconds = defaults.accessLifetimeSeconds } = options;

  const people = createPeopleDirectory();
  const tokens = createTokens({
    dialect,
    people,
    signingKey,
    now,
    accessLifetimeSeconds,
    refreshLifetimeSeconds: options.refreshLifetimeSeconds ?? WEEK_SECONDS,
    claims: options.claims ?? 'dialect',
  });
  const secondFactor = createSecondFactor({ now, log, validForMs, rejectedFromAttempt });
  const captcha = createCaptcha({ captcha: options.captcha ?? 'off' });
  const service = { dialect, apiKey, now, people, tokens, captcha, secondFactor };
  const answerTo = dialect === 'guide' ? createGuide(service) : createDeployed(service);
  const calls = createRequestRecorder();
  const faults = createFaultRegistry();
  const hostCheck = createHostCheck({ allowedHosts: [host, ...(options.allowedHosts ?? [])] });
  const closing = new AbortController();
  // Each delayed answer listens, and there may be many.
  setMaxListeners(0, closing.signal);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = hostCheck.hostRejection(request);
    if (refusal !== null) return sendRefusal(response, 421, refusal);
    const { method = 'GET', url = '/', headers } = request;
    const [path = '/', search = ''] = url.split(/\?(.*)/s, 2);
    const endpoint = findEndpoint(path);
    const call = calls.record({
      endpoint: endpoint?.name ?? 'unknown',
      method,
      path: url,
      headers,
      body: '',
      at: now(),
    });
    call.body = await text(request);
    if (dialect === 'deployed') response.shouldKeepAlive = false;

    const authRequest: AuthRequest = {
      endpoint: endpoint?.name ?? null,
      method,
      path,
      parameter: endpoint?.parameter ?? '',
      query: new URLSearchParams(search),
      headers,
      cookies: parseCookies(headers.cookie),
      body: call.body,
    };
    const answer = (): Promise<AuthResponse> => answerTo(authRequest);
    const send = (sent: AuthResponse): void => sendBytes(response, sent.status, sent.headers, toBytes(sent));
    const fault = faults.take(authRequest.endpoint);
    if (fault) await applyFault(fault, { request, response, answer, send, signal: closing.signal });
    else send(await answer());
  };

  const failed = (error: unknown, response: ServerResponse): void => {
    // Callers that hang up, and the end of the service, are no failures of its own.
    if (closing.signal.aborted || response.destroyed) return;
    log(`Auth Service failed: ${String(error)}`);
    const answer = html(500, 'Server Error (500)');
    if (response.headersSent) response.destroy();
    else sendBytes(response, answer.status, answer.headers, toBytes(answer));
  };

  // The check of the host answers requests without one itself.
  const bounds = { maxHeaderSize: 128 * 1024, requireHostHeader: false };
  const server = createServer(bounds, (request, response) => {
    handle(request, response).catch((error: unknown) => failed(error, response));
  });
  const control = controlPort === false ? null : createServer(bounds, createControl({ calls, faults, hostCheck }));

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all([stop(server), control && stop(control)]);
  };

  const url = `http://${host}:${await listen(server, host, port)}`;
  let controlUrl: string | null = null;
  if (control && controlPort !== false) {
    try {
      controlUrl = `http://127.0.0.1:${await listen(control, '127.0.0.1', controlPort)}`;
    } catch (error) {
      // A start that failed leaves no listener behind.
      await close();
      throw error;
    }
  }

  return {
    url,
    controlUrl,
    dialect,
    accessLifetimeSeconds,
    issue: tokens.pair,
    changePerson: people.change,
    lastCode: secondFactor.lastCode,
    calls: calls.all,
    count: calls.count,
    resetCalls: calls.reset,
    fault: faults.set,
    faultOf: faults.of,
    clearFaults: faults.clear,
    close,
    [Symbol.asyncDispose]: close,
  };
};
