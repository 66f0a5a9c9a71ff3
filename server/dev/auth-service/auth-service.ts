import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { createMedia } from './account/media.ts';
import { createOutbox, type Mail } from './account/outbox.ts';
import { createResetTokens } from './account/reset-tokens.ts';
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
  sendRejection,
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
export type { Mail } from './account/outbox.ts';
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
  /** Issues the token pair of a sign-in. Overrides replace claims of the access token; undefined deletes a claim. */
  issue(subject: Subject, overrides?: Record<string, unknown>): Promise<TokenPair>;
  /** Changes or deletes a person in this service. Issued tokens stay as they are. Throws if the person does not exist. */
  changePerson(subject: Subject, change: PersonChange): void;
  /** Signs with another key from now on. Tokens of the keys before it are refused, except those of `alsoAccepted`. */
  changeSigningKey(key: string, options?: { alsoAccepted?: readonly string[] }): void;
  /** The last second-factor code sent to this e-mail address. Null: none was sent. */
  lastCode(email: string): string | null;
  /** The mails that would have been sent, the latest last: codes and password-reset links. At most 200. */
  mails: readonly Mail[];
  /** All requests to the main port since the start or the last reset, in order of arrival. */
  calls: readonly RecordedRequest[];
  /** The number of requests to an endpoint. Default: to all endpoints. */
  count(endpoint?: string): number;
  resetCalls(): void;
  /** Injects a fault at an endpoint. `*` applies to all endpoints without a fault of their own. Null clears the fault. */
  fault(endpoint: EndpointName | '*', fault: Fault | null): void;
  /** The fault set for an endpoint, or for `*`. Null: none. */
  faultOf(endpoint: EndpointName | '*'): Fault | null;
  clearFaults(): void;
  /** Closes at once and drops requests in flight. */
  close(): Promise<void>;
}

const WEEK_SECONDS = 7 * 24 * 60 * 60;
const MINUTE_MS = 60_000;

/** Lifetimes and limits that differ between the dialects. */
const dialectDefaults = {
  guide: {
    accessLifetimeSeconds: 900,
    codeValidForMs: 10 * MINUTE_MS,
    codeRejectedFromAttempt: Number.POSITIVE_INFINITY,
  },
  // The real service counts an attempt before it compares the code, so the third attempt fails even with the right code.
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

  const {
    codeValidForMs: validForMs,
    codeRejectedFromAttempt: rejectedFromAttempt,
    ...defaults
  } = dialectDefaults[dialect];
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
  const outbox = createOutbox({ now, log });
  const secondFactor = createSecondFactor({ now, outbox, validForMs, rejectedFromAttempt });
  const accountState = { outbox, resetTokens: createResetTokens({ now }), media: createMedia() };
  const captcha = createCaptcha({ captcha: options.captcha ?? 'off' });
  const dependencies = { dialect, apiKey, now, people, tokens, captcha, secondFactor, ...accountState };
  const respondTo = dialect === 'guide' ? createGuide(dependencies) : createDeployed(dependencies);
  const without = new Set<EndpointName>(options.without);
  const requests = createRequestRecorder();
  const faults = createFaultRegistry();
  const hostCheck = createHostCheck({ allowedHosts: [host, ...(options.allowedHosts ?? [])] });
  const closing = new AbortController();
  // Each delayed response adds a listener, and many may be delayed at once.
  setMaxListeners(0, closing.signal);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rejection = hostCheck.hostRejection(request);
    if (rejection !== null) return sendRejection(response, 421, rejection);
    const { method = 'GET', url = '/', headers } = request;
    const [path = '/', search = ''] = url.split(/\?(.*)/s, 2);
    const endpoint = findEndpoint(path, method);
    const recorded = requests.record({
      endpoint: endpoint?.name ?? 'unknown',
      method,
      path: url,
      headers,
      body: '',
      at: now(),
    });
    const bytes = await buffer(request);
    recorded.body = bytes.toString();
    if (dialect === 'deployed') response.shouldKeepAlive = false;

    const authRequest: AuthRequest = {
      endpoint: endpoint?.name ?? null,
      method,
      path: endpoint !== null && without.has(endpoint.name) ? '/api/v1/not-in-this-version/' : path,
      parameter: endpoint?.parameter ?? '',
      query: new URLSearchParams(search),
      headers,
      cookies: parseCookies(headers.cookie),
      body: recorded.body,
      bytes,
    };
    const answer = (): Promise<AuthResponse> => respondTo(authRequest);
    const send = (sent: AuthResponse): void => sendBytes(response, sent.status, sent.headers, toBytes(sent));
    const fault = faults.take(authRequest.endpoint);
    if (fault) await applyFault(fault, { request, response, answer, send, signal: closing.signal });
    else send(await answer());
  };

  const handleError = (error: unknown, response: ServerResponse): void => {
    // A closed client connection and the shutdown of this service are not errors of this service.
    if (closing.signal.aborted || response.destroyed) return;
    log(`The embedded Auth Service failed to answer a request: ${String(error)}`);
    const answer = html(500, 'Server Error (500)');
    if (response.headersSent) response.destroy();
    else sendBytes(response, answer.status, answer.headers, toBytes(answer));
  };

  // The host check answers requests without a Host header, so Node.js must not reject them first.
  const serverOptions = { maxHeaderSize: 128 * 1024, requireHostHeader: false };
  const server = createServer(serverOptions, (request, response) => {
    handle(request, response).catch((error: unknown) => handleError(error, response));
  });
  const control =
    controlPort === false ? null : createServer(serverOptions, createControl({ requests, faults, outbox, hostCheck }));

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
      // A failed start must not leave the main port open.
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
    changeSigningKey: (key, { alsoAccepted = [] } = {}) => tokens.changeKeys([key, ...alsoAccepted]),
    lastCode: secondFactor.lastCode,
    mails: outbox.all,
    calls: requests.all,
    count: requests.count,
    resetCalls: requests.reset,
    fault: faults.set,
    faultOf: faults.of,
    clearFaults: faults.clear,
    close,
    [Symbol.asyncDispose]: close,
  };
};
