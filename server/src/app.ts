import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { codeOfReason, directoryStaleHeader, httpStatusOfCode, maxBodyBytes, maxUrlBytes } from '@auth-bff/shared';
import { createAssignments } from './assignment/engine.ts';
import { createMemoryStore } from './assignment/memory-store.ts';
import { createRedisStore } from './assignment/redis-store.ts';
import { createAuthServiceClient } from './auth-service/client.ts';
import { createAuthServiceHealth } from './auth-service/health.ts';
import { createProbe } from './auth-service/probe.ts';
import { createRecovery } from './auth-service/recovery.ts';
import { createResilience } from './auth-service/resilience.ts';
import { createTransport } from './auth-service/transport.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import { createDirectory } from './directory/directory.ts';
import type { AppError } from './errors.ts';
import { createLeftSignal } from './http/client-left.ts';
import { registerClosing } from './http/closing.ts';
import { candidateTokens, createCookieWriter, presentedTokens, registerCookies } from './http/cookies.ts';
import { registerCors } from './http/cors.ts';
import { registerCsrf } from './http/csrf.ts';
import { registerHealth } from './http/health.ts';
import { registerUrlLimit } from './http/limits.ts';
import { createOps } from './http/ops.ts';
import { registerRequestId, requestIdOf } from './http/request-id.ts';
import { createRequestLog } from './http/request-log.ts';
import { answerClientError, answerFrameworkError, registerTrpcErrors } from './http/trpc-errors.ts';
import { announceSession, registerTrpc } from './http/trpc-handler.ts';
import { causesOf, createLog, type Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createRedis } from './redis.ts';
import { createMembership } from './session/membership.ts';
import { createRequestSession } from './session/request-session.ts';
import { createSessionService } from './session/session-service.ts';
import { createStatus } from './status.ts';
import { createRemoteVerifier } from './token/remote-verifier.ts';
import { createVerifier } from './token/verifier.ts';

export type AppOptions = {
  config: Config;
  /** Default: JSON lines on standard output at `config.logLevel`. */
  log?: Log;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
  /** Milliseconds of a clock that only goes forward. Default `performance.now`. */
  clock?: () => number;
  /** Replaces the deadline of each call to the Auth Service (3 s; 10 s to sign in). */
  authServiceDeadlineMs?: number;
  /** Milliseconds between two looks at an Auth Service that is down. Default 5,000. */
  recoveryEveryMs?: number;
};

export type App = AsyncDisposable & {
  server: FastifyInstance;
  /** Starts to answer, and tells the address. */
  listen: () => Promise<string>;
  /** Starts to answer the operator, on a port of its own, and tells the address. */
  listenOps: () => Promise<string>;
  close: () => Promise<void>;
};

/** A number says how many proxies stand in front, nearest first. */
const toTrustProxy = (trusted: Config['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** Puts the parts together. It is the only file that knows all of them. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { config, now = Date.now, log = createLog(config) } = options;

  const { authServiceDeadlineMs: deadlineMs } = options;
  const health = createAuthServiceHealth({ now, onDown: () => recovery.suspect() });
  const transport = createTransport({
    url: config.authServiceUrl,
    apiKey: config.apiKey,
    onCall: health.record,
    deadlineMs,
  });
  const probe = createProbe({ transport, now });
  const resilience = createResilience({
    transport,
    now,
    deadlineMs,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    onOpen(endpoint) {
      log.warn({ endpoint }, 'The Auth Service fails at this endpoint, which is not asked for a while.');
      recovery.suspect();
    },
  });
  const recovery = createRecovery({
    probe,
    isDown: health.isDown,
    onDown: health.markDown,
    onBack() {
      log.info({}, 'The Auth Service is back.');
      resilience.recover();
    },
    everyMs: options.recoveryEveryMs,
  });
  const authService = createAuthServiceClient({ transport: resilience, now });
  const { algorithm, refreshThresholdSeconds, signingKeys, sealingSecret } = config;
  const verifier =
    config.tokenValidation === 'remote'
      ? createRemoteVerifier({ authService, algorithm, refreshThresholdSeconds, now })
      : createVerifier({ signingKeys, algorithm, refreshThresholdSeconds, now });
  const directory = createDirectory({ authService, lifetimes: config.directory, now });
  const status = createStatus({ health, directory, probe, now });
  const metrics = createMetrics();
  const redis = config.redisUrl === null ? null : createRedis({ url: config.redisUrl, log });
  const assignments = createAssignments({
    store: redis === null ? createMemoryStore({ now }) : createRedisStore(redis),
    directory,
    onAssignment(event) {
      metrics.countAssignment(event);
      log.info({ ...event, replayed: event.outcome === 'replayed' }, 'assignment');
    },
  });
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
    if (httpStatusOfCode[codeOfReason[reason]] >= 500 && !request.raw.socket.destroyed)
      log.error(fields, error.message);
    // Whoever has left is told nothing, and nothing is wrong.
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
  registerHealth(server, { status: status.current });
  const ops = createOps({ metrics, status: status.current });
  await registerTrpc(server, {
    onError,
    variesByOrigin: config.corsOrigins.length > 0,
    createContext: (request: FastifyRequest, reply, facts) =>
      createContext({
        requestId: request.id,
        isDevelopment: config.isDevelopment,
        ...facts,
        directory,
        assignments,
        membership,
        status: status.look,
        left: createLeftSignal(reply),
        onStale: () => {
          // The head of a streamed answer is gone by then.
          if (!reply.raw.headersSent) reply.header(directoryStaleHeader, '1');
        },
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
    recovery.close();
    await Promise.all([server.close(), ops.close()]);
    await transport.close();
    redis?.close();
  };
  return {
    server,
    async listen() {
      await redis?.untilReady();
      return server.listen({ host: config.host, port: config.port });
    },
    listenOps: () => ops.listen({ host: config.opsHost, port: config.opsPort }),
    close,
    [Symbol.asyncDispose]: close,
  };
};
