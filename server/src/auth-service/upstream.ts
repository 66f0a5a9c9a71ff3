import type { AppOptions } from '../app-options.ts';
import type { Platform } from '../platform/platform.ts';
import { createAuthServiceClient } from './client.ts';
import { createAuthServiceHealth } from './health/health.ts';
import { createIdleProbe } from './health/idle-probe.ts';
import { createProbe, createRecovery } from './health/recovery.ts';
import { createResilience } from './resilience/resilience.ts';
import { type CallOutcome, createTransport, type TransportOptions } from './transport.ts';

export type UpstreamOptions = Pick<
  AppOptions,
  'accountCalls' | 'createDeadline' | 'sleep' | 'recoveryEveryMs' | 'startProbeTimer'
> & {
  platform: Platform;
  /** Called after each attempt to call the Auth Service. */
  onCall: (outcome: CallOutcome) => void;
  traceCall: Required<TransportOptions>['traceCall'];
};

/** The Auth Service: transport, retries and circuit breakers, health, and the client on top of them. */
export const createUpstream = (options: UpstreamOptions) => {
  const { platform, onCall, traceCall, createDeadline, sleep, recoveryEveryMs, startProbeTimer } = options;
  const { config, now, monotonicNow, log } = platform;

  const health = createAuthServiceHealth({ now, onDown: () => recovery.start() });
  const transport = createTransport({
    url: config.authServiceUrl,
    apiKey: config.apiKey,
    onCall(outcome) {
      health.record(outcome);
      if (outcome.outcome !== 'abandoned') idleProbe.onResult();
      onCall(outcome);
    },
    traceCall,
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
      log.warn(
        { endpoint },
        'Circuit breaker opened: this endpoint of the Auth Service keeps failing, and calls to it fail fast for a while.',
      );
      recovery.start();
    },
  });
  const recovery = createRecovery({
    probe,
    isDown: health.isDown,
    onDown: health.markDown,
    onRecovered() {
      log.info({}, 'The Auth Service is up again.');
      resilience.recover();
    },
    everyMs: recoveryEveryMs,
  });

  const idleProbe = createIdleProbe({
    probe: () => health.probe(probe),
    monotonicNow,
    startTimer: startProbeTimer,
  });

  return {
    authService: {
      ...createAuthServiceClient({
        transport: resilience,
        now,
        addresses: {
          url: config.authServiceUrl,
          publicUrl: config.authServicePublicUrl,
          resetHost: new URL(config.passwordReset?.publicUrl ?? config.authServicePublicUrl).host,
        },
      }),
      ...options.accountCalls,
    },
    health,
    probe,
    breakerStates: resilience.breakerStates,
    /** Probes the service now, and whenever it is not called for a while. */
    watch: idleProbe.start,
    async close(): Promise<void> {
      idleProbe.close();
      recovery.close();
      await transport.close();
    },
  };
};

export type Upstream = ReturnType<typeof createUpstream>;
