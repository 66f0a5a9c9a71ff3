import type { AppOptions } from './app-options.ts';
import { createAccount } from './account/account.ts';
import { createPictures } from './account/pictures.ts';
import { createResetMails } from './account/reset-mails.ts';
import { createAssertions } from './assertion/assertions.ts';
import { createAssignmentService } from './assignment/assignment-service.ts';
import { createStatus } from './auth-service/health/status.ts';
import { createUpstream } from './auth-service/upstream.ts';
import { createDirectory } from './directory/directory.ts';
import { createHttp } from './http/http.ts';
import { type App, createAppLifecycle } from './http/lifecycle/app-lifecycle.ts';
import { toNetwork } from './platform/ip-address.ts';
import { createLogWithTrace } from './http/telemetry/log-with-trace.ts';
import { createInFlightRequests } from './http/telemetry/request-record.ts';
import { createRequestTelemetry } from './http/telemetry/request-telemetry.ts';
import { createTracing } from './http/telemetry/tracing.ts';
import { createAudit } from './platform/audit.ts';
import { createPlatform } from './platform/platform.ts';
import { createAccountLimiter } from './rate-limit/account-limiter.ts';
import { createAttemptLimiter } from './rate-limit/attempt-limiter.ts';
import { createCounters } from './rate-limit/counters.ts';
import { defaultLiveLimits } from './live/live-limits.ts';
import { createLiveStreams } from './live/live-streams.ts';
import { createSweep } from './live/sweep.ts';
import { createServiceAccess } from './service-access/service-access.ts';
import { createIdentity } from './session/identity.ts';
import { createTurnAdministration } from './assignment/turn-administration.ts';

export type { App, AppOptions };

/** Composes the service: platform → telemetry → upstream → services → HTTP → lifecycle. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const basePlatform = await createPlatform(options);
  const inFlight = createInFlightRequests(basePlatform);
  const platform = { ...basePlatform, log: createLogWithTrace({ log: basePlatform.log, traceOf: inFlight.traceOf }) };
  const { config, log, metrics, now, monotonicNow, keyHasher, redis } = platform;

  const telemetry = createRequestTelemetry({ log, metrics, inFlight, monotonicNow });
  const tracing = await createTracing({ url: config.authServiceUrl, findRequest: inFlight.find });
  const audit = createAudit({ log, keyHasher, networkOf: toNetwork, monotonicNow });

  const upstream = createUpstream({
    ...options,
    platform,
    onCall: telemetry.recordUpstreamCall,
    traceCall: tracing.traceCall,
  });
  const { authService, health, probe, breakerStates } = upstream;

  const directory = createDirectory({
    authService,
    lifetimes: config.directory,
    now,
    onLookup: telemetry.recordLookup,
    onSharedLoad: telemetry.recordSharedLoad,
  });
  const status = createStatus({ health, directory, probe, now });
  const { assignments, memoryBytes } = createAssignmentService({ ...options, platform, directory });
  const turnAdministration = createTurnAdministration({ assignments, directory, audit });
  const { callCounter, createAttemptCounter } = createCounters(platform);
  const limiterOptions = { createCounter: createAttemptCounter, keyHasher, networkOf: toNetwork };
  const onLimited = metrics.countRateLimited;
  const attemptLimiter = createAttemptLimiter({ ...limiterOptions, onLimited });
  const accountLimiter = createAccountLimiter({ ...limiterOptions, attemptLimiter, onLimited });
  const liveLimits = { ...defaultLiveLimits, ...options.liveLimits };
  const sweep = createSweep({ everyMs: liveLimits.sweepMs, startTimer: options.startLiveTimer });
  const identity = createIdentity({
    platform,
    authService,
    directory,
    createAttemptCounter,
    attemptLimiter,
    accountLimiter,
    audit,
    networkOf: toNetwork,
    sweep,
    recheckMs: liveLimits.recheckMs,
  });
  const live = createLiveStreams({ limits: liveLimits, sweep, sessionEnds: identity.sessionEnds, now });

  const resetMails = createResetMails({
    authService,
    limiter: accountLimiter,
    log,
    metrics,
    startTimer: options.startAnswerTimer,
  });
  const account = createAccount({ authService, directory, limiter: accountLimiter, resetMails, audit });
  const pictures = createPictures({
    authService,
    counter: createAttemptCounter(),
    keyHasher,
    onLimited: () => metrics.countRateLimited('pictures'),
  });
  const serviceAccess = createServiceAccess({ platform, authService, identity, audit });

  metrics.addStateGauges({
    status: status.current,
    breakerStates,
    redis: redis === null ? null : redis.state,
    assignmentBytes: memoryBytes,
    keyMismatches: redis === null ? null : redis.keyWatch.mismatches,
    openSubscriptions: live.size,
    isServiceAccountFailing: serviceAccess.account?.isFailing ?? null,
  });

  const assertions = createAssertions({ config, now });

  const http = await createHttp({
    ...options,
    platform,
    inFlight,
    telemetry,
    tracing,
    authService,
    directory,
    account,
    pictures,
    assignments,
    turnAdministration,
    assertions,
    identity,
    serviceAccess,
    status,
    callCounter,
    audit,
    live,
    liveLimits,
    sweep,
  });
  return createAppLifecycle({ platform, upstream, http, resetMails });
};
