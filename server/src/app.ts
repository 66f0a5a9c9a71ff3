import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { codeOfReason, httpStatusOfCode, maxBodyBytes, maxUrlBytes } from '@auth-bff/shared';
import { createAuthServiceClient } from './auth-service/client.ts';
import { createAuthServiceHealth } from './auth-service/health.ts';
import { createTransport } from './auth-service/transport.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import { createDirectory } from './directory/directory.ts';
import type { AppError } from './errors.ts';
import { registerClosing } from './http/closing.ts';
import { candidateTokens, createCookieWriter, presentedTokens, registerCookies } from './http/cookies.ts';
import { registerCors } from './http/cors.ts';
import { registerCsrf } from './http/csrf.ts';
import { registerHealth } from './http/health.ts';
import { registerUrlLimit } from './http/limits.ts';
import { registerRequestId, requestIdOf } from './http/request-id.ts';
import { createRequestLog } from './http/request-log.ts';
import { answerClientError, answerFrameworkError, registerTrpcErrors } from './http/trpc-errors.ts';
import { announceSession, registerTrpc } from './http/trpc-handler.ts';
import { causesOf, createLog, type Log } from './log.ts';
import { createMembership } from './session/membership.ts';
import { createRequestSession } from './session/request-session.ts';
import { createSessionService } from './session/session-service.ts';
import { createRemoteVerifier } from './token/remote-verifier.ts';
import { createVerifier } from './token/verifier.ts';

export type AppOptions = {
  config: Config;
  /** Default: JSON lines on standard output at `config.logLevel`. */
  log?: Log;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
  /** Replaces the deadline of each call to the Auth Service (3 s; 10 s to sign in). */
  authServiceDeadlineMs?: number;
};

export type App = AsyncDisposable & {
  server: FastifyInstance;
  /** Starts to answer, and tells the address. */
  listen: () => Promise<string>;
  close: () => Promise<void>;
};

/** A number says how many proxies stand in front, nearest first. */
const toTrustProxy = (trusted: Config['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** Puts the parts together. It is the only file that knows all of them. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { config, now = Date.now, log = createLog(config) } = options;

  const health = createAuthServiceHealth({ now });
  const transport = createTransport({
    url: config.authServiceUrl,
    apiKey: config.apiKey,
    onCall: health.record,
    ...(options.authServiceDeadlineMs === undefined ? {} : { deadlineMs: options.authServiceDeadlineMs }),
  });
  const authService = createAuthServiceClient({ transport, now });
  const { algorithm, refreshThresholdSeconds, signingKeys, sealingSecret } = config;
  const verifier =
    config.tokenValidation === 'remote'
      ? createRemoteVerifier({ authService, algorithm, refreshThresholdSeconds, now })
      : createVerifier({ signingKeys, algorithm, refreshThresholdSeconds, now });
  const directory = createDirectory({ authService });
  const membership = createMembership({ user: directory.user });
  const sessions = createSessionService({
    authService,
    verifier,
    sealingSecret,
    now,
    onForeignToken: (requestId) =>
      log.error(
        { requestId },
        'The Auth Service answered a refresh with the token of another person; both were dropped.',
      ),
  });
  const cookies = createCookieWriter({ ...config, now });

  const requestLog = createRequestLog({ log });
  const onError = (error: AppError, request: FastifyRequest, procedure?: string) => {
    const { reason } = error;
    requestLog.noteReason(request, reason);
    const fields = { requestId: request.id, procedure, reason, causes: causesOf(error.cause) };
    if (httpStatusOfCode[codeOfReason[reason]] >= 500) log.error(fields, error.message);
    else log.debug(fields, error.message);
  };

  const server = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    trustProxy: toTrustProxy(config.trustProxy),
    requestIdHeader: false,
    // Who sends a request a byte at a time would hold a connection for ever.
    requestTimeout: 30_000,
    genReqId: requestIdOf,
    // The URL has its own limit, and two tokens must fit beside it.
    http: { maxHeaderSize: 32_768 },
    routerOptions: { maxParamLength: maxUrlBytes, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => answerFrameworkError(error, request, reply),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, requestIdOf({ headers: {} })),
  });
  registerTrpcErrors(server, { onError });
  registerClosing(server);
  registerRequestId(server);
  requestLog.register(server);
  registerUrlLimit(server);
  await registerCors(server, config);
  registerCsrf(server, config);
  await registerCookies(server);
  registerHealth(server, { status: health.current });
  await registerTrpc(server, {
    onError,
    variesByOrigin: config.corsOrigins.length > 0,
    createContext: (request: FastifyRequest, reply, facts) =>
      createContext({
        requestId: request.id,
        isDevelopment: config.isDevelopment,
        ...facts,
        directory,
        membership,
        status: () => health.look(authService.probe),
        requestSession: createRequestSession({
          presented: presentedTokens(request),
          candidates: candidateTokens(request),
          requestId: request.id,
          sessions,
          verifier,
          membership,
          validate: authService.validate,
          setCookies: (session, { isNew }) => cookies.set(reply, session, { isNew }),
          clearCookies: () => cookies.clear(reply),
          onSession: (token) => {
            requestLog.notePerson(request, token.principal);
            announceSession(reply, token, now());
          },
        }),
      }),
  });

  const close = async () => {
    await server.close();
    await transport.close();
  };
  return {
    server,
    listen: () => server.listen({ host: config.host, port: config.port }),
    close,
    [Symbol.asyncDispose]: close,
  };
};
