import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { directoryStaleHeader, maxBodyBytes, maxUrlBytes, requestIdHeader } from '@auth-bff/shared';
import { type AssignmentLimits, defaultAssignmentLimits } from './assignment/assignment-limits.ts';
import { createAssignments } from './assignment/assignments.ts';
import { createMemoryStore } from './assignment/memory-store.ts';
import { createRedisStore } from './assignment/redis-store.ts';
import { createAudit } from './platform/audit.ts';
import { createAuthServiceClient } from './auth-service/client.ts';
import { createAuthServiceHealth } from './auth-service/health/health.ts';
import { createProbe } from './auth-service/health/probe.ts';
import { createRecovery } from './auth-service/resilience/recovery.ts';
import { createResilience, type Sleep } from './auth-service/resilience/resilience.ts';
import { type CreateDeadline, createTransport } from './auth-service/transport.ts';
import { createKeyHasher } from './platform/key-hasher.ts';
import type { Config } from './config.ts';
import { createContext } from './api/context.ts';
import { createDirectory } from './directory/directory.ts';
import { createEventLoop } from './platform/event-loop.ts';
import { announceSession, registerSessionHeaders } from './http/cookies/announce-session.ts';
import { createAnswerTimeout } from './http/lifecycle/answer-timeout.ts';
import { registerAddressText } from './http/plugins/address-text.ts';
import { onceAnswered } from './http/lifecycle/answered.ts';
import { registerClientAddress, toNetwork } from './http/plugins/client-address.ts';
import { leftSignalOf } from './http/lifecycle/client-left.ts';
import { createCookieWriter, deviceCookieValues, registerCookies } from './http/cookies/cookies.ts';
import { registerCors } from './http/plugins/cors.ts';
import { registerCsrf } from './http/plugins/csrf.ts';
import { createDraining, type Drained } from './http/lifecycle/draining.ts';
import { registerHealth } from './http/lifecycle/health.ts';
import { registerHost } from './http/plugins/host.ts';
import { createHttpServer, defaultTimeouts, type Timeouts } from './http/server.ts';
import { registerUrlLimit } from './http/plugins/url-limit.ts';
import { createObserver } from './http/telemetry/observer.ts';
import { createOps } from './http/lifecycle/ops.ts';
import { registerRateLimit } from './http/plugins/rate-limit.ts';
import { registerRequestId, requestIdOf } from './http/plugins/request-id.ts';
import { createRequestLog } from './http/telemetry/request-log.ts';
import { noteCalls, registerRequestNotes } from './http/telemetry/request-notes.ts';
import { createSpanEnd, registerRequestSpan } from './http/telemetry/request-span.ts';
import { presentedTokens, registerRequestTokens, toCause } from './http/plugins/request-tokens.ts';
import { registerSecurityHeaders, securityHeaders } from './http/plugins/security-headers.ts';
import { registerShedding } from './http/lifecycle/shedding.ts';
import { registerSignOutLookup } from './http/plugins/sign-out-lookup.ts';
import { countCalls } from './http/trpc/calls.ts';
import { answerClientError, answerFrameworkError, registerTrpcErrors } from './http/trpc/errors.ts';
import { registerTrpc } from './http/trpc/handler.ts';
import { createMemoryFixedWindowCounter } from './rate-limit/memory-fixed-window-counter.ts';
import { createMemoryAttemptCounter } from './rate-limit/memory-attempt-counter.ts';
import { createRedisFixedWindowCounter } from './rate-limit/redis-fixed-window-counter.ts';
import { createRedisAttemptCounter } from './rate-limit/redis-attempt-counter.ts';
import { createLog, type Log } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { createRedisGuard, type StartTimer } from './platform/redis/redis-guard.ts';
import type { RedisOptions } from './platform/redis/redis.ts';
import { createRedisChannel } from './platform/redis/redis-channel.ts';
import { fingerprintKeys } from './platform/replica-keys/key-fingerprints.ts';
import { createKeyRegistry } from './platform/replica-keys/key-registry.ts';
import { createKeyWatch } from './platform/replica-keys/key-watch.ts';
import { createRequestNotes } from './http/telemetry/notes.ts';
import { createSeenOnce } from './platform/seen-once.ts';
import { createAuditedSession } from './session/audited-session.ts';
import { createMembership } from './session/membership.ts';
import { createTokenOwners } from './session/token-owners.ts';
import type { RequestSession } from './session/request-session.ts';
import { createSessions } from './session/sessions.ts';
import { createAccountStatus } from './session/refresh/account-status.ts';
import { createStatus } from './auth-service/health/status.ts';
import { createTokenChooser } from './token/token-chooser.ts';
import { createRemoteVerifier } from './token/remote-verifier.ts';
import { createVerifier } from './token/verifier.ts';
import { createTracing } from './platform/tracing.ts';

export type AppOptions = {
  config: Config;
  /** Default: JSON lines on standard output at `config.logLevel`. */
  log?: Log;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** The signal that ends a call to the Auth Service after so many milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline;
  /** Waits before a call to the Auth Service is tried again. Default: a timer. */
  sleep?: Sleep;
  /** Milliseconds that Redis has for a command, and for a connection. Default 900. */
  redisTimeoutMs?: number;
  /** Starts the timer after which a call goes on without Redis. Default `setTimeout`. */
  startRedisTimer?: StartTimer;
  /** Starts the timer after which the keys of the running replicas are compared again. Default `setTimeout`. */
  startKeyTimer?: StartTimer;
  /** Milliseconds between two looks at an Auth Service that is down. Default 5,000. */
  recoveryEveryMs?: number;
  /** Milliseconds that a stop leaves the requests on open connections to be answered. Default 10,000. */
  drainMs?: number;
  /** Milliseconds that a stop keeps a connection at rest open, for a request that is on its way. Default 1,000. */
  idleGraceMs?: number;
  /** Replaces some of the bounds on how long a request may take. */
  timeouts?: Partial<Timeouts>;
  /** Whether there is more to do than can be done. Default: whether the event loop is 500 ms late, three times in a row. */
  isOverloaded?: () => boolean;
  /** Replaces some of the limits of `assignments.next`, as for tests and benchmarks. */
  assignmentLimits?: Partial<AssignmentLimits>;
  /** Whether tRPC's own Fastify adapter answers all calls, which is slower and else the same. Default false. */
  officialAdapter?: boolean;
};

export type App = AsyncDisposable & {
  server: FastifyInstance;
  /** Starts to answer, and tells the address. */
  listen: () => Promise<string>;
  /** Starts to answer the operator, on a port of its own, and tells the address. */
  listenOps: () => Promise<string>;
  /** Takes no new connections, serves what comes on the open ones, and ends within `drainMs`. Tells how that went. */
  close: () => Promise<Drained>;
};

/** A number says how many proxies stand in front, nearest first. */
const toTrustProxy = (trusted: Config['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** Loads the client of Redis only where there is one: it is a good part of a start. */
const connectToRedis = async (options: RedisOptions) => {
  const { createRedis } = await import('./platform/redis/redis.ts');
  return createRedis(options);
};

/** Puts the parts together. It is the only file that knows all of them. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { config, now = Date.now, monotonicNow = () => performance.now(), log = createLog(config) } = options;

  const { redisTimeoutMs: timeoutMs } = options;
  const redis =
    config.redisUrl === null ? null : await connectToRedis({ url: config.redisUrl, log, timeoutMs, monotonicNow });
  const redisGuard =
    redis === null
      ? null
      : createRedisGuard({
          redis: redis.redis,
          monotonicNow,
          startTimer: options.startRedisTimer,
          onSilence: redis.noteAway,
          onAnswer: redis.noteBack,
          onRefusal: redis.noteRefusal,
        });
  const signOutChannel = `${config.redisPrefix}sign-outs`;
  const channel =
    redis === null
      ? null
      : createRedisChannel({
          redis: redis.redis,
          name: signOutChannel,
          timeoutMs,
          onRefused: (cause) =>
            log.error(
              { cause, channel: signOutChannel },
              'Redis refuses SUBSCRIBE: while Redis is full, this process does not hear of sign-outs at other replicas. Permit the Redis user SUBSCRIBE and PUBLISH on this channel.',
            ),
        });
  const redisState = () => {
    // Nobody else may be asking.
    redisGuard?.look();
    return redis?.state() ?? null;
  };
  const limits = { ...defaultAssignmentLimits, ...options.assignmentLimits };
  const memoryStore = createMemoryStore({
    limits,
    now,
    onForgotten: (what) =>
      log.warn(
        { what },
        'The memory for turns is full: the oldest assignment keys or unused rotations are forgotten early, and such a key may be assigned again. Set REDIS_URL to keep them in Redis.',
      ),
  });
  const redisStore =
    redis === null
      ? null
      : createRedisStore({
          ...redis,
          prefix: config.redisPrefix,
          sealingSecret: config.sealingSecret,
          limits,
          monotonicNow,
        });
  const keyWatch =
    redis === null
      ? null
      : createKeyWatch({
          registry: createKeyRegistry({ redis: redis.redis, prefix: config.redisPrefix }),
          keys: fingerprintKeys(config),
          log,
          monotonicNow,
          startTimer: options.startKeyTimer,
        });
  const metrics = createMetrics({
    status: () => status.current(),
    breakerStates: () => resilience.breakerStates(),
    redis: redisState,
    assignmentBytes: redisStore === null ? memoryStore.bytes : null,
    keyMismatches: () => keyWatch?.mismatches() ?? null,
  });
  const requestNotes = createRequestNotes({ monotonicNow });
  const observer = createObserver({ log, metrics, notes: requestNotes, monotonicNow });
  const tracing = createTracing({ url: config.authServiceUrl, notesOf: requestNotes.of });

  const { createDeadline, sleep } = options;
  const health = createAuthServiceHealth({ now, onDown: () => recovery.suspect() });
  const transport = createTransport({
    url: config.authServiceUrl,
    apiKey: config.apiKey,
    onCall(outcome) {
      health.record(outcome);
      observer.onUpstreamCall(outcome);
    },
    traceCall: tracing.traceCall,
    createDeadline,
  });
  const probe = createProbe({ transport, now });
  const resilience = createResilience({
    transport,
    now,
    createDeadline,
    sleep,
    monotonicNow,
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
  const directory = createDirectory({
    authService,
    lifetimes: config.directory,
    now,
    onRecall: observer.onLookup,
    onJoin: observer.onSharedLoad,
  });
  const status = createStatus({ health, directory, probe, now });
  const counterHere = createMemoryFixedWindowCounter({ now });
  const counter =
    redisGuard === null
      ? counterHere
      : createRedisFixedWindowCounter({ redisGuard, fallback: counterHere, prefix: config.redisPrefix });
  const createCounter = () => {
    const fallback = createMemoryAttemptCounter({ now });
    return redisGuard === null
      ? fallback
      : createRedisAttemptCounter({ redisGuard, fallback, prefix: config.redisPrefix });
  };
  const names = createKeyHasher({ sealingSecret });
  const audit = createAudit({ log, names, networkOf: toNetwork, monotonicNow });
  const assignments = createAssignments({
    store: redisStore ?? memoryStore,
    directory,
    onLimited: () => metrics.countRateLimited('assignment_keys'),
    onAssignment(event) {
      metrics.countAssignment(event);
      log.info({ ...event, replayed: event.outcome === 'replayed' }, 'assignment');
    },
  });
  const membership = createMembership({ user: directory.user });
  const accountStatus = createAccountStatus({ directory, authService });
  const tokenChooser = createTokenChooser({ verifier, now });
  const isVerifiedHere = config.tokenValidation === 'local';
  const tokenOwnersOf = createTokenOwners({ verifier, isVerifiedHere });
  const sessions = createSessions({
    authService,
    verifier,
    accountStatus,
    isVerifiedHere,
    sealingSecret,
    shared: redisGuard === null || channel === null ? null : { redisGuard, channel },
    redisPrefix: config.redisPrefix,
    createCounter,
    keyHasher: names,
    networkOf: toNetwork,
    now,
    monotonicNow,
    onRefresh: metrics.countRefresh,
    onLimited: metrics.countRateLimited,
    onUnstored: ({ cause, isPublished, waiting }) =>
      log.error(
        { cause, waiting, channel: signOutChannel },
        isPublished
          ? 'Redis refuses to store sign-outs. The other replicas were told by PUBLISH and keep them in memory. The BFF stores them once Redis accepts writes. If `cause` is OOM, raise maxmemory or free memory, and restart no replica before that.'
          : 'Sign-outs do not reach the other replicas, which still accept these sessions: Redis refuses to store them, and refuses PUBLISH. The BFF stores them once Redis accepts writes. If `cause` is OOM, raise maxmemory or free memory. Permit the Redis user PUBLISH on this channel.',
      ),
    onEnd: (end, cause) => audit.write({ audit: 'session_ended', ...end }, cause),
    onForeignToken: (requestId) =>
      log.error(
        { requestId },
        'The Auth Service answered a refresh with the token of another person; both were dropped.',
      ),
  });
  const foreignHosts = createSeenOnce({ max: 100 });
  const cookies = createCookieWriter({
    ...config,
    now,
    onForeignHost(host) {
      if (!foreignHosts.isNew(host)) return;
      log.warn(
        { host, cookieDomain: config.cookieDomain },
        'Browsers will drop the session cookies: the host of the request is not in COOKIE_DOMAIN. Set COOKIE_DOMAIN to a domain that contains this host, or unset it.',
      );
    },
  });

  const { drainMs = 10_000, idleGraceMs = 1_000 } = options;
  const draining = createDraining({ drainMs, idleGraceMs });
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const watchEventLoop = () =>
    createEventLoop({
      onChange: ({ isBehind, lagMs }) =>
        isBehind
          ? log.warn({ lagMs }, 'Overloaded: calls are refused until the process has caught up.')
          : log.info({}, 'No longer overloaded.'),
    });
  const { isOverloaded } = options;
  const eventLoop = isOverloaded === undefined ? watchEventLoop() : { isBehind: isOverloaded, close: () => {} };
  const safe = securityHeaders(config);
  const server = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    trustProxy: toTrustProxy(config.trustProxy),
    requestIdHeader: false,
    genReqId: requestIdOf,
    serverFactory: (handler) => createHttpServer({ timeouts, handler, onServer: draining.watch }),
    return503OnClosing: false,
    routerOptions: { maxParamLength: maxUrlBytes, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) =>
      observer.onUnreadable(answerFrameworkError(error, request, reply.headers(safe)), request.id),
    clientErrorHandler: (error, socket) => {
      const requestId = requestIdOf({ headers: {} });
      observer.onUnreadable(answerClientError(error, socket, { ...safe, [requestIdHeader]: requestId }), requestId);
    },
  });
  registerTrpcErrors(server, { onError: observer.onRefused });
  registerClientAddress(server, config);
  server.addHook('preClose', async () => void (await draining.drain()));
  registerRequestId(server);
  registerSecurityHeaders(server, safe);
  const answerTimeout = createAnswerTimeout({ answerMs: timeouts.answerMs, log });
  registerRequestNotes(server, {
    keeper: requestNotes,
    onBegin: answerTimeout.begin,
    onEnd: [answerTimeout.end, createRequestLog({ log, monotonicNow }), createSpanEnd(tracing)],
  });
  registerRequestSpan(server, tracing);
  registerHost(server);
  registerUrlLimit(server);
  registerAddressText(server);
  await registerCors(server, config);
  registerShedding(server, { isOverloaded: eventLoop.isBehind });
  registerCsrf(server, config);
  await registerCookies(server);
  registerRequestTokens(server);
  const healthOptions = { status: status.current, redis: redisState, isStopping: draining.isDraining };
  registerHealth(server, healthOptions);
  const ops = createOps({ metrics, ...healthOptions });
  registerSecurityHeaders(ops, safe);
  const signOuts = registerSignOutLookup(server, { sessions, monotonicNow });
  const rateLimit = registerRateLimit(server, {
    perMinute: config.rateLimitPerMinute,
    counter,
    names,
    tokenChooser,
    callsOf: countCalls,
    signOuts: redisGuard === null ? null : { together: redisGuard.together, lookUp: signOuts.start },
    onLimited: () => metrics.countRateLimited('requests'),
  });
  const sessionOf = (request: FastifyRequest, reply: FastifyReply): RequestSession => {
    request.requestSession ??= createAuditedSession({
      presented: presentedTokens(request),
      deviceValues: () => deviceCookieValues(request),
      chosen: request.chosenToken,
      cause: toCause(request),
      sessions,
      isSignedOut: (access) => signOuts.isSignedOut(request, access),
      tokenChooser,
      accountStatus,
      membership,
      validate: authService.validate,
      setCookies: (session, cookieOptions) => cookies.set(reply, session, cookieOptions),
      clearCookies: () => cookies.clear(reply),
      onConflict: () => cookies.expirePlanted(reply),
      audit,
      tokenOwnersOf,
      onResponseEnd: (callback) => onceAnswered(reply, callback),
      onSession: (token) => {
        if (request.notes !== null) request.notes.person = token.principal;
        announceSession(reply, token, now());
      },
    });
    return request.requestSession;
  };
  registerSessionHeaders(server, { announce: (request, reply) => sessionOf(request, reply).announce() });
  await registerTrpc(server, {
    onError: observer.onError,
    onUnreached: observer.onUnreached,
    variesByOrigin: config.corsOrigins.length > 0,
    officialAdapter: options.officialAdapter,
    createContext: (request: FastifyRequest, reply, { procedures, ...facts }) => {
      noteCalls(request, procedures, facts.callsInRequest);
      return createContext({
        requestId: request.id,
        isDevelopment: config.isDevelopment,
        ...facts,
        monotonicNow,
        onCall: (procedure, failure, durationMs) => {
          observer.onCall(request, procedure, failure, durationMs);
          if (failure !== 'insufficient_permissions') return;
          const person = request.notes?.person ?? null;
          audit.write({ audit: 'permission_denied', procedure, person }, toCause(request));
        },
        directory,
        assignments,
        membership,
        status: status.look,
        charge: rateLimit.charge,
        left: leftSignalOf(reply),
        onStale: () => {
          // The head of a streamed answer is gone by then.
          if (!reply.raw.headersSent) reply.header(directoryStaleHeader, '1');
        },
        requestSession: sessionOf(request, reply),
      });
    },
  });

  let closing: Promise<Drained> | null = null;
  const closeOnce = async () => {
    const drained = await draining.drain();
    await server.close();
    answerTimeout.close();
    eventLoop.close();
    recovery.close();
    keyWatch?.close();
    await transport.close();
    channel?.close();
    redis?.close();
    // The operator's listener tells to the end that the service is not ready.
    await ops.close();
    metrics.close();
    return drained;
  };
  const close = () => {
    closing ??= closeOnce();
    return closing;
  };
  return {
    server,
    async listen() {
      await Promise.all([redis?.untilReady(), channel?.untilReady()]);
      keyWatch?.start();
      return server.listen({ host: config.host, port: config.port });
    },
    listenOps: () => ops.listen({ host: config.opsHost, port: config.opsPort }),
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
};
