import type { Status } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';
import type { AppOptions } from '../app-options.ts';
import type { Upstream } from '../auth-service/upstream.ts';
import type { Account } from '../account/account.ts';
import type { Pictures } from '../account/pictures.ts';
import type { Assertions } from '../assertion/assertions.ts';
import type { Assignments } from '../assignment/assignments.ts';
import type { Directory } from '../directory/directory.ts';
import type { Audit } from '../platform/audit.ts';
import { createEventLoopMonitor } from '../platform/event-loop-delay.ts';
import { createLogLevel, isLogLevel } from '../platform/log-level.ts';
import type { Platform } from '../platform/platform.ts';
import type { FixedWindowCounter } from '../rate-limit/fixed-window-counter.ts';
import type { LiveLimits } from '../live/live-limits.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import type { Sweep } from '../live/sweep.ts';
import type { TurnAdministration } from '../assignment/turn-administration.ts';
import type { ServiceAccess } from '../service-access/service-access.ts';
import type { Identity } from '../session/identity.ts';
import { registerAccountPicture } from './account/account-picture.ts';
import { registerSessionHeaders } from './cookies/announce-session.ts';
import { registerCookies } from './cookies/cookies.ts';
import { createFastifyServer } from './fastify-server.ts';
import { createDraining, type Draining } from './lifecycle/draining.ts';
import { registerForwardAuth } from './forward-auth/forward-auth.ts';
import { createOpsServer, registerHealth } from './lifecycle/health.ts';
import { createResponseTimeout } from './lifecycle/response-timeout.ts';
import { defaultTimeouts } from './node-server.ts';
import { registerClientAddress } from './plugins/client-address.ts';
import { registerCors } from './plugins/cors.ts';
import { registerCsrf } from './plugins/csrf.ts';
import { registerHost } from './plugins/host.ts';
import { registerLoadShedding } from './plugins/load-shedding.ts';
import { registerRateLimit } from './plugins/rate-limit.ts';
import { registerRequestId } from './plugins/request-id.ts';
import { registerRequestTokens } from './plugins/request-tokens.ts';
import { registerServiceKeys } from './plugins/service-key.ts';
import { registerSecurityHeaders, toSecurityHeaders } from './plugins/security-headers.ts';
import { registerSignOutLookup } from './plugins/sign-out-lookup.ts';
import { registerUrlLimit } from './plugins/url-limit.ts';
import { registerUrlText } from './plugins/url-text.ts';
import { findSwaggerUi } from '../swagger-ui-folder.ts';
import { registerResetLinks } from './account/reset-links.ts';
import { registerApiDocs } from './rest/api-docs.ts';
import { registerOpenApi } from './rest/openapi-route.ts';
import { registerRest } from './rest/rest.ts';
import { registerRoutePattern } from './route-pattern.ts';
import { registerNotFound } from './not-found.ts';
import { createSessionBinding } from './session-binding.ts';
import { registerRequestLifetime } from './telemetry/request-lifetime.ts';
import { createRequestLog } from './telemetry/request-log.ts';
import type { InFlightRequests } from './telemetry/request-record.ts';
import { createSpanEnd, registerRequestSpans } from './telemetry/request-spans.ts';
import type { RequestTelemetry } from './telemetry/request-telemetry.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { countCalls } from './trpc/calls.ts';
import { createContextFactory } from './trpc/context-factory.ts';
import { registerTrpcErrors } from './trpc/errors.ts';
import { registerTrpc } from './trpc/handler.ts';

export type HttpOptions = Pick<
  AppOptions,
  'drainMs' | 'idleGraceMs' | 'timeouts' | 'isOverloaded' | 'officialAdapter' | 'startLogLevelTimer'
> & {
  platform: Platform;
  inFlight: InFlightRequests;
  telemetry: RequestTelemetry;
  tracing: Tracing;
  authService: Upstream['authService'];
  directory: Directory;
  account: Account;
  pictures: Pictures;
  assignments: Assignments;
  turnAdministration: TurnAdministration;
  assertions: Assertions;
  identity: Identity;
  serviceAccess: ServiceAccess;
  status: { current: () => Status; check: () => Promise<Status> };
  callCounter: FixedWindowCounter;
  audit: Audit;
  live: LiveStreams;
  liveLimits: LiveLimits;
  sweep: Sweep;
};

export type Http = {
  /** The main listener: tRPC and health. */
  server: FastifyInstance;
  /** The operator's listener: metrics, health and the log level. */
  opsServer: FastifyInstance;
  draining: Draining;
  /** Stops the background timers. */
  close: () => void;
};

/** Both HTTP listeners with all of their plugins. Hooks run in the order in which they are registered here. */
export const createHttp = async (options: HttpOptions): Promise<Http> => {
  const { platform, inFlight, telemetry, tracing, identity, audit, status, live } = options;
  const { drainMs = 10_000, idleGraceMs = 1_000, isOverloaded, officialAdapter } = options;
  const { config, log, metrics, now, monotonicNow, keyHasher, redis } = platform;

  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const securityHeaders = toSecurityHeaders(config);
  const draining = createDraining({ drainMs, idleGraceMs, onListenerClosing: live.stop });
  const responseTimeout = createResponseTimeout({ timeoutMs: timeouts.answerMs, inFlight, log });
  const eventLoop = isOverloaded === undefined ? createEventLoopMonitor({ log }) : null;

  const { trustProxy } = config;
  const server = createFastifyServer({ trustProxy, timeouts, draining, securityHeaders, telemetry });
  registerTrpcErrors(server, { onError: telemetry.recordRejectedRequest });
  registerNotFound(server, { onError: telemetry.recordRejectedRequest });
  registerRoutePattern(server);
  registerClientAddress(server, config);
  server.addHook('preClose', async () => void (await draining.drain({ keepListeningMs: 0 })));
  registerRequestId(server);
  registerSecurityHeaders(server, securityHeaders);
  registerRequestLifetime(server, {
    inFlight,
    onEnd: [createRequestLog({ log, monotonicNow }), createSpanEnd(tracing)],
  });
  registerRequestSpans(server, tracing);
  registerHost(server);
  registerUrlLimit(server);
  registerUrlText(server);
  await registerCors(server, config);
  registerLoadShedding(server, { isOverloaded: isOverloaded ?? (() => eventLoop?.isOverloaded() === true) });
  registerCsrf(server, config);
  await registerCookies(server);
  registerRequestTokens(server);

  const healthOptions = {
    status: status.current,
    redis: redis === null ? () => null : redis.state,
    isListening: () => server.server.listening,
    isStopping: draining.isDraining,
  };
  registerHealth(server, healthOptions);
  const configuredLevel = log.level ?? '';
  const logLevel = isLogLevel(configuredLevel)
    ? createLogLevel({ log, configured: configuredLevel, now, startTimer: options.startLogLevelTimer })
    : null;
  const opsServer = createOpsServer({ metrics, logLevel, ...healthOptions });
  registerSecurityHeaders(opsServer, securityHeaders);

  const signOuts = registerSignOutLookup(server, { sessions: identity.sessions, monotonicNow });
  const serviceOf = registerServiceKeys(server, options.serviceAccess.keys);
  const rateLimit = registerRateLimit(server, {
    perMinute: config.rateLimitPerMinute,
    counter: options.callCounter,
    keyHasher,
    tokenChooser: identity.tokenChooser,
    serviceOf,
    callsOf: countCalls,
    signOuts: redis === null ? null : { together: redis.guard.together, lookUp: signOuts.start },
    onLimited: () => metrics.countRateLimited('requests'),
  });
  const sessionOf = createSessionBinding({ platform, authService: options.authService, identity, audit, signOuts });
  registerSessionHeaders(server, { announce: (request, reply) => sessionOf(request, reply).announce() });
  const createContext = createContextFactory({
    platform,
    audit,
    telemetry,
    sessionOf,
    serviceOf,
    serviceAccount: options.serviceAccess.account,
    directory: options.directory,
    account: options.account,
    assignments: options.assignments,
    turnAdministration: options.turnAdministration,
    membership: identity.membership,
    status: status.check,
    charge: rateLimit.charge,
    openStream: live.open,
    onStream: responseTimeout.exempt,
  });
  await registerTrpc(server, {
    onError: (error, request, procedure) => telemetry.recordFailure(error, request, procedure),
    onUnreached: telemetry.recordUnreachedCall,
    variesByOrigin: config.corsOrigins.length > 0,
    securityHeaders,
    officialAdapter,
    createContext,
    live: { limits: options.liveLimits, sweep: options.sweep, log, monotonicNow },
  });
  await registerRest(server, {
    createContext,
    onError: telemetry.recordFailure,
    onRejected: telemetry.recordRejectedRequest,
    securityHeaders,
  });
  await registerAccountPicture(server, {
    pictures: options.pictures,
    createContext,
    onError: telemetry.recordFailure,
    onRejected: telemetry.recordRejectedRequest,
  });
  registerOpenApi(server);
  if (config.passwordReset !== null) registerResetLinks(server, config.passwordReset);
  if (config.hasApiDocs) registerApiDocs(server, { folder: findSwaggerUi() });

  await registerForwardAuth(server, {
    platform,
    identity,
    assertions: options.assertions,
    signOuts,
    telemetry,
    audit,
    securityHeaders,
  });

  return {
    server,
    opsServer,
    draining,
    close() {
      responseTimeout.close();
      logLevel?.close();
      eventLoop?.close();
    },
  };
};
